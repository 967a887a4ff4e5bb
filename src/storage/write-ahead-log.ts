import { ClosedError, ConclaveError } from '../ground/errors.js';
import type { ConfigurationData } from '../raft/configuration.js';
import type { LogIndex, NodeId } from '../raft/entry.js';
import type { LogBase } from '../raft/log.js';
import type { SnapshotMark } from '../raft/snapshot.js';
import type { LogSeal } from '../wire/log-seal.js';
import type { SealedRun } from '../wire/packed-runs.js';
import { DirectoryLock } from './directory-lock.js';
import { LogLostError, NotRecoveredError, SnapshotDamagedError, StorageFailedError } from './errors.js';
import type { FileSystem } from './file-system.js';
import { checkIdentity, type Identity } from './header.js';
import type { Lock } from './lock.js';
import { LogSegments, type SegmentPlace } from './log-segments.js';
import { reconcile } from './recovery.js';
import { type Replay, replay } from './replay.js';
import { checkSegmentBytes, segmentBytesDefault } from './segment.js';
import { requireDroppable, requireStored } from './snapshot-rules.js';
import { SnapshotStore } from './snapshots/snapshot-store.js';
import type {
  Recovered,
  SnapshotPortion,
  SnapshotWriter,
  Storage,
  StoredSnapshot,
  WriteBatch,
} from './storage.js';

export interface WriteAheadLogOptions {
  readonly fileSystem: FileSystem;
  /** Made when it is not there. One node, one directory. */
  readonly directory: string;
  readonly clusterId: string;
  readonly nodeId: NodeId;
  /** A multiple of 512; a record that does not fit gets a segment of its own. 16 MiB unless told. */
  readonly segmentBytes?: number;
  /** The node has written here before: an empty directory is a loss, and no beginning. */
  readonly mustExist?: boolean;
  /** Left out: a lock of the real file system that no one else may retake. Null: none, the host sees to it. */
  readonly lock?: Lock | null;
}

/**
 * A node's stable storage on a file system: a log of records in segments (`log-segments.ts`), and snapshots beside it
 * (`snapshots/`). Owns its directory, from `recover` to `close`.
 *
 *     recover  lock ─ replay of the log, a look at the snapshots: nothing is changed ─ both fit ─ repair of what a crash
 *              left ─ the log begins anew, where an installed snapshot is ahead of it ─ ready
 */
export class WriteAheadLog implements Storage {
  readonly #place: SegmentPlace;
  readonly #mustExist: boolean;
  readonly #lock: Lock | null;
  readonly #snapshots: SnapshotStore;
  #refusal: ConclaveError | null = new NotRecoveredError();
  #isFresh = true;
  /** Null before it is recovered, and after the end. */
  #log: LogSegments | null = null;

  /** @throws InvalidOptionError */
  constructor(options: WriteAheadLogOptions) {
    const { fileSystem, directory, clusterId, nodeId, segmentBytes = segmentBytesDefault } = options;
    const identity: Identity = { clusterId, nodeId };
    checkIdentity(identity);
    checkSegmentBytes(segmentBytes);
    this.#place = { fileSystem, directory, identity, segmentBytes };
    this.#mustExist = options.mustExist ?? false;
    this.#lock = options.lock === undefined ? new DirectoryLock(directory) : options.lock;
    this.#snapshots = new SnapshotStore(fileSystem, directory, identity);
  }

  /**
   * @throws DirectoryLockedError, LogLostError, WrongNodeError, WrongClusterError, WrongKeyError, UnreadableLogError,
   * UnknownFormatError, WalDamagedError: nothing on disk was changed. StorageFailedError: the medium failed.
   */
  recover(seal: LogSeal | null = null, birth: ConfigurationData | null = null): Recovered {
    if (!this.#isFresh) throw this.#refusal ?? new ClosedError('The first recovery of the log');
    this.#isFresh = false;
    const { fileSystem, directory } = this.#place;
    try {
      // A directory made in its place would be in the way of the one that has to come back.
      if (this.#mustExist && !fileSystem.exists(directory)) throw this.#lost();
      fileSystem.makeDirectory(directory);
      this.#lock?.acquire();
      const recovered = this.#recover(seal, birth);
      this.#refusal = null;
      return recovered;
    } catch (error) {
      const failure = this.#fail(`Recovering ${directory}`, error);
      this.#release();
      throw failure;
    }
  }

  #recover(seal: LogSeal | null, birthGiven: ConfigurationData | null): Recovered {
    const { fileSystem, directory, identity } = this.#place;
    const found = replay(fileSystem, directory, identity, seal);
    if (this.#mustExist && found.tail === null) throw this.#lost();
    const snapshots = this.#snapshots.find(seal);
    if (found.tail === null && snapshots.whole.length + snapshots.damaged.size > 0) throw this.#lost();
    const { serving, restarts, damaged } = reconcile(found.map, snapshots, this.#snapshots, directory);

    const birth = found.birth ?? birthGiven;
    const log = new LogSegments(this.#place, found, seal, birth);
    this.#log = log;
    this.#settleDirectory([...found.unfinished, ...snapshots.unfinished]);
    const { tornEnd, position } = found.tail ?? { tornEnd: 0, position: 0 };
    log.open(found);
    this.#snapshots.keep(serving);
    const newest = serving[0]?.mark;
    if (restarts && newest !== undefined) this.#restart(newest);
    return {
      hardState: found.hardState,
      birth,
      base: log.map.base,
      runs: restarts ? [] : keptRuns(found),
      snapshots: this.#snapshots.kept,
      damagedSnapshots: damaged,
      tornBytes: tornEnd - position,
    };
  }

  write(batch: WriteBatch): void {
    this.#do('Writing to', (log) => log.append(batch));
  }

  sync(): void {
    this.#do('Syncing', (log) => log.flush());
  }

  get firstIndex(): LogIndex {
    return (this.#log?.map.base.index ?? 0) + 1;
  }

  get lastIndex(): LogIndex {
    return this.#log?.map.lastIndex ?? 0;
  }

  read(from: LogIndex, bytesMax: number): SealedRun[] {
    return this.#do('Reading from', (log) => log.read(from, bytesMax));
  }

  get snapshots(): readonly StoredSnapshot[] {
    return this.#snapshots.kept;
  }

  beginSnapshot(mark: SnapshotMark): SnapshotWriter {
    const what = 'Writing a snapshot beside';
    const writer = this.#do(what, () => this.#snapshots.begin(mark));
    return {
      write: (chunk) => this.#do(what, () => writer.write(chunk)),
      commit: () => this.#do(what, () => writer.commit()),
      abandon: () => writer.abandon(),
    };
  }

  readSnapshot(mark: SnapshotMark, position: number): SnapshotPortion {
    return this.#do('Reading a snapshot beside', () => this.#snapshots.read(mark, position));
  }

  dropThrough(index: LogIndex): void {
    this.#do('Giving up segments before', (log) => {
      requireDroppable(index, this.#snapshots.kept);
      log.dropThrough(index);
    });
  }

  restartAt(base: LogBase): void {
    this.#do('Beginning anew after', () => {
      requireStored(base, this.#snapshots.kept);
      this.#restart(base);
    });
  }

  close(): void {
    this.#isFresh = false;
    this.#refusal = new ClosedError(`The log in ${this.#place.directory}`);
    this.#release();
  }

  #restart({ index, term }: LogBase): void {
    this.#log?.restartAt({ index, term });
    this.#snapshots.dropBefore(index);
  }

  #lost(): LogLostError {
    return new LogLostError(this.#place.directory, this.#place.identity.nodeId);
  }

  /** Syncs the directory in any case: a segment's new name may not have been durable when its maker was killed. */
  #settleDirectory(unfinished: readonly string[]): void {
    const { fileSystem, directory } = this.#place;
    for (const name of unfinished) fileSystem.remove(`${directory}/${name}`);
    fileSystem.syncDirectory(directory);
  }

  /** What throws is the last word, but for a snapshot that is damaged: that one is given up. */
  #do<Result>(what: string, act: (log: LogSegments) => Result): Result {
    if (this.#refusal !== null) throw this.#refusal;
    const log = this.#log as LogSegments;
    try {
      return act(log);
    } catch (error) {
      if (error instanceof SnapshotDamagedError) throw error;
      throw this.#fail(`${what} ${log.path ?? this.#place.directory}`, error);
    }
  }

  #fail(what: string, error: unknown): ConclaveError {
    const failure = error instanceof ConclaveError ? error : new StorageFailedError(what, error);
    this.#refusal = failure;
    return failure;
  }

  #release(): void {
    const log = this.#log;
    try {
      this.#snapshots.close();
      log?.close();
    } finally {
      this.#lock?.release();
    }
  }
}

/** What was found, but for what segments held that are given up by now. */
function keptRuns({ runs, map }: Replay): readonly SealedRun[] {
  return runs.range(map.base.index + 1, runs.lastIndex);
}
