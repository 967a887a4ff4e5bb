import type { LogIndex, Term } from '../../raft/entry.js';
import type { SnapshotMark } from '../../raft/snapshot.js';
import type { LogSeal } from '../../wire/log-seal.js';
import { InvalidSnapshotError, SnapshotDamagedError } from '../errors.js';
import type { FileHandle, FileSystem } from '../file-system.js';
import type { Identity } from '../header.js';
import { requireChunk, requireNewest } from '../snapshot-rules.js';
import { type SnapshotPortion, type SnapshotWriter, type StoredSnapshot, snapshotsKept } from '../storage.js';
import {
  type ChunkPlace,
  chunkBytesAt,
  contextOf,
  decodeSnapshotFile,
  encodeChunk,
  encodeFooter,
  encodeSnapshotHeader,
  placeAfter,
  readChunk,
  type SnapshotFile,
} from './snapshot-file.js';

const nameForm = /^(\d{16})-(\d+)\.snapshot(\.new)?$/;
const digits = 16;
/** What is written of a snapshot is synced whenever so much of it is not. */
const syncBytes = 1024 * 1024;
/** Places that are remembered: one for each who reads, about. */
const placesMax = 16;

/** What there is of snapshots in a directory. */
export interface FoundSnapshots {
  /** Newest first: those whose header and end check. */
  readonly whole: readonly SnapshotFile[];
  /** Names of those that do not, with what is wrong with them. */
  readonly damaged: ReadonlyMap<string, { readonly mark: SnapshotName; readonly reason: string }>;
  /** Names of files that were never finished. */
  readonly unfinished: readonly string[];
}

interface SnapshotName {
  readonly index: LogIndex;
  readonly term: Term;
}

export function snapshotName({ index, term }: SnapshotName): string {
  return `${String(index).padStart(digits, '0')}-${term}.snapshot`;
}

function parseName(name: string): (SnapshotName & { readonly isFinished: boolean }) | null {
  const parts = nameForm.exec(name);
  if (parts === null) return null;
  return { index: Number(parts[1]), term: Number(parts[2]), isFinished: parts[3] === undefined };
}

/**
 * A directory's snapshots. Each is written under another name, synced, renamed, and its name made durable: what has a
 * snapshot's name is whole, and is never written again.
 *
 *     begin    create .new ─ header
 *     write    a chunk; a sync after every so many bytes
 *     commit   footer ─ sync ─ rename ─ sync directory ─ remove the oldest
 */
export class SnapshotStore {
  readonly #fileSystem: FileSystem;
  readonly #directory: string;
  readonly #identity: Identity;
  #seal: LogSeal | null = null;
  /** Newest first. */
  #kept: readonly SnapshotFile[] = [];
  /** Files that are being written, by the names they will have. */
  readonly #writers = new Map<string, FileHandle>();
  /** The last that were read, the latest last. */
  #places: { readonly snapshot: SnapshotFile; readonly place: ChunkPlace }[] = [];

  constructor(fileSystem: FileSystem, directory: string, identity: Identity) {
    this.#fileSystem = fileSystem;
    this.#directory = directory;
    this.#identity = identity;
  }

  /** Newest first. */
  get kept(): readonly StoredSnapshot[] {
    return this.#kept.map(({ mark, bytes }) => ({ mark, bytes }));
  }

  /** Looks at what is there and changes nothing. */
  find(seal: LogSeal | null): FoundSnapshots {
    this.#seal = seal;
    const whole: SnapshotFile[] = [];
    const damaged = new Map<string, { mark: SnapshotName; reason: string }>();
    const unfinished: string[] = [];
    for (const name of this.#fileSystem.list(this.#directory)) {
      const mark = parseName(name);
      if (mark === null) continue;
      if (!mark.isFinished) {
        unfinished.push(name);
        continue;
      }
      const found = this.#look(name, mark);
      if (typeof found === 'string') damaged.set(name, { mark, reason: found });
      else whole.push(found);
    }
    return { whole: whole.sort((a, b) => b.mark.index - a.mark.index), damaged, unfinished };
  }

  #look(name: string, { index, term }: SnapshotName): SnapshotFile | string {
    return this.#reading(name, (file) => {
      const found = decodeSnapshotFile(`${this.#directory}/${name}`, file, this.#seal?.snapshots ?? null);
      if (typeof found === 'string') return found;
      const { mark, identity, seal } = found;
      if (mark.index !== index || mark.term !== term) {
        return `it is of entry ${mark.index} (term ${mark.term}), whatever its name says`;
      }
      const { clusterId, nodeId } = this.#identity;
      if (identity.clusterId !== clusterId || identity.nodeId !== nodeId) {
        return `it belongs to node ${identity.nodeId} of cluster "${identity.clusterId}"`;
      }
      const given = this.#seal;
      if (given === null) return found;
      if (seal === null ? given.recordTag(given.mark) !== null : !given.knows(seal)) {
        return 'it is sealed under another cipher or key than any that was given';
      }
      return found;
    });
  }

  /** The first thing that is wrong with the chunks, or null. Reads all of them. */
  flawIn(snapshot: SnapshotFile): string | null {
    return this.#reading(snapshotName(snapshot.mark), (file) => {
      let place = beginning(snapshot);
      while (place.offset < snapshot.chunksEnd) {
        const length = chunkBytesAt(file, snapshot, place);
        if (typeof length === 'string') return length;
        const chunk = readChunk(file, snapshot, place, this.#seal?.snapshots ?? null);
        if (typeof chunk === 'string') return chunk;
        place = placeAfter(snapshot, place, length);
      }
      return place.position === snapshot.bytes && place.number === snapshot.chunks
        ? null
        : 'a chunk is missing';
    });
  }

  /** From now on these are kept, newest first. */
  keep(snapshots: readonly SnapshotFile[]): void {
    this.#kept = snapshots.slice(0, snapshotsKept);
  }

  /** Keeps none that ends before `index`. */
  dropBefore(index: LogIndex): void {
    this.#kept = this.#kept.filter(({ mark }) => mark.index >= index);
  }

  /** Removes the files of all that are not kept. Those of older ones come back if the power fails now, and go again. */
  removeOthers(): void {
    const kept = new Set(this.#kept.map(({ mark }) => snapshotName(mark)));
    for (const name of this.#fileSystem.list(this.#directory)) {
      if (parseName(name)?.isFinished === true && !kept.has(name)) {
        this.#fileSystem.remove(`${this.#directory}/${name}`);
      }
    }
  }

  /** @throws InvalidSnapshotError */
  begin(mark: SnapshotMark): SnapshotWriter {
    requireNewest(mark, this.#kept);
    const path = `${this.#directory}/${snapshotName(mark)}`;
    const unfinished = `${path}.new`;
    if (this.#writers.has(path)) {
      throw new InvalidSnapshotError(`a snapshot of entry ${mark.index} while one is being written`);
    }
    const seal = this.#seal?.mark ?? null;
    const cipher = this.#seal?.snapshots ?? null;
    // One of the same entry may have been given up by a node that could not remove it.
    if (this.#fileSystem.exists(unfinished)) this.#fileSystem.remove(unfinished);
    const file = this.#fileSystem.open(unfinished, 'create');
    this.#writers.set(path, file);
    const header = encodeSnapshotHeader(this.#identity, mark, seal);
    const context = contextOf(header);
    file.write(0, header);
    let offset = header.length;
    let synced = 0;
    let bytes = 0;
    let chunks = 0;
    const put = (encoded: Uint8Array) => {
      if (this.#writers.get(path) !== file) throw new InvalidSnapshotError('this one is written or given up');
      file.write(offset, encoded);
      offset += encoded.length;
    };
    const end = () => {
      this.#writers.delete(path);
      file.close();
    };
    return {
      write: (chunk) => {
        requireChunk(chunk);
        if (chunk.length === 0) return;
        put(encodeChunk(chunk, chunks, context, cipher));
        chunks++;
        bytes += chunk.length;
        if (offset - synced < syncBytes) return;
        file.sync();
        synced = offset;
      },
      commit: () => {
        requireNewest(mark, this.#kept);
        const chunksEnd = offset;
        put(encodeFooter(bytes, chunks, context, cipher));
        file.sync();
        end();
        this.#fileSystem.rename(unfinished, path);
        this.#fileSystem.syncDirectory(this.#directory);
        const headerBytes = header.length;
        const identity = this.#identity;
        this.#settle({ mark, bytes, identity, seal, headerBytes, chunks, chunksEnd, context });
        return { mark, bytes };
      },
      abandon: () => {
        if (this.#writers.get(path) !== file) return;
        try {
          end();
          this.#fileSystem.remove(unfinished);
        } catch {
          // The next recovery removes it.
        }
      },
    };
  }

  #settle(snapshot: SnapshotFile): void {
    const others = this.#kept.filter(({ mark }) => mark.index !== snapshot.mark.index);
    this.keep([snapshot, ...others]);
    this.removeOthers();
  }

  /** @throws SnapshotDamagedError */
  read(mark: SnapshotMark, position: number): SnapshotPortion {
    const snapshot = this.#kept.find(
      (kept) => kept.mark.index === mark.index && kept.mark.term === mark.term,
    );
    if (snapshot === undefined) throw this.#damaged(mark, 'it is not kept');
    if (position === 0 && snapshot.bytes === 0) return { chunk: new Uint8Array(0), next: null };
    if (position < 0 || position >= snapshot.bytes) {
      throw new InvalidSnapshotError(`a snapshot of ${snapshot.bytes} bytes has none at ${position}`);
    }
    const portion = this.#reading(snapshotName(mark), (file) => this.#portion(file, snapshot, position));
    if (typeof portion !== 'string') return portion;
    this.#kept = this.#kept.filter((kept) => kept !== snapshot);
    throw this.#damaged(mark, portion);
  }

  #portion(file: FileHandle, snapshot: SnapshotFile, position: number): SnapshotPortion | string {
    let place = this.#placeBefore(snapshot, position);
    for (;;) {
      const length = chunkBytesAt(file, snapshot, place);
      if (typeof length === 'string') return length;
      if (position < place.position + length) break;
      place = placeAfter(snapshot, place, length);
    }
    const chunk = readChunk(file, snapshot, place, this.#seal?.snapshots ?? null);
    if (typeof chunk === 'string') return chunk;
    const after = placeAfter(snapshot, place, chunk.length);
    this.#places.push({ snapshot, place: after });
    if (this.#places.length > placesMax) this.#places.shift();
    const next = after.position;
    if (next > snapshot.bytes) return 'it has more content than its end says';
    if (next === snapshot.bytes && after.number !== snapshot.chunks) return 'a chunk is missing';
    return { chunk: chunk.subarray(position - place.position), next: next === snapshot.bytes ? null : next };
  }

  /** The last known place that is not after the position; the one for exactly that is not needed again. */
  #placeBefore(snapshot: SnapshotFile, position: number): ChunkPlace {
    let best = beginning(snapshot);
    for (const { snapshot: of, place } of this.#places) {
      if (of === snapshot && place.position <= position && place.position > best.position) best = place;
    }
    this.#places = this.#places.filter(({ place }) => place !== best);
    return best;
  }

  #damaged({ index, term }: SnapshotMark, reason: string): SnapshotDamagedError {
    return new SnapshotDamagedError(`${this.#directory}/${snapshotName({ index, term })}`, index, reason);
  }

  #reading<Result>(name: string, read: (file: FileHandle) => Result): Result {
    const file = this.#fileSystem.open(`${this.#directory}/${name}`, 'existing');
    try {
      return read(file);
    } finally {
      file.close();
    }
  }

  /** Closes the files of those that are not finished, and leaves them to the next recovery. */
  close(): void {
    for (const file of this.#writers.values()) file.close();
    this.#writers.clear();
  }
}

function beginning({ headerBytes }: SnapshotFile): ChunkPlace {
  return { offset: headerBytes, position: 0, number: 0 };
}
