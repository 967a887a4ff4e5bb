import type { ConfigurationData } from '../raft/configuration.js';
import type { HardState, LogIndex } from '../raft/entry.js';
import type { LogBase } from '../raft/log.js';
import { isSameMark, type LogSeal, type RecordTag, type SealMark } from '../wire/log-seal.js';
import type { SealedRun } from '../wire/packed-runs.js';
import { isEmpty, lastIndexAfter } from './batch.js';
import { InvalidBatchError } from './errors.js';
import type { FileSystem } from './file-system.js';
import { formatVersion, type Identity } from './header.js';
import type { LogMap } from './log-map.js';
import { readRuns } from './log-reader.js';
import {
  encodeBirth,
  layOutPayload,
  layOutPreamble,
  noTag,
  payloadSize,
  preambleSize,
  type TagChain,
  tagIn,
} from './payload.js';
import { piecesOf } from './pieces.js';
import { encodeRecord, payloadBytesMax, recordHeaderBytes, recordSize } from './record.js';
import type { FoundSegment, Replay, Tail } from './replay.js';
import { createSegment, type OpenSegment, segmentLength } from './segment.js';
import { SegmentAhead } from './segment-ahead.js';
import type { WriteBatch } from './storage.js';
import { markAndClose } from './successor-mark.js';
import { eraseTornTail } from './torn-tail.js';

/** Larger records are assembled in memory that is given back at once. */
const scratchBytesMax = 4 * 1024 * 1024;
/** Segments that are removed in one call: each takes about as long as a sync. */
const removalsMax = 4;

/** Where segments are made, and how. */
export interface SegmentPlace {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  readonly identity: Identity;
  readonly segmentBytes: number;
}

/**
 * The segments of a log, from the first that is kept to the one that is written.
 *
 *     append   encode into scratch ─ one write of the file           (a roll first, when the segment is full;
 *              a batch too large for one record is several, each synced before the next)
 *     flush    one fdatasync
 *     between  where the file system can: the next segment's file is filled with zeros, from a quarter of this one on
 *     drop     the oldest: remove ─ sync directory ─ the next oldest
 *     restart  a segment that begins anew, durable ─ drop all before it
 *
 * At most one record is ever under way: a write waits for the sync of the one before. So whatever a crash leaves
 * unfinished is the last record, and a bad record with a good one after it is damage.
 */
export class LogSegments {
  readonly #place: SegmentPlace;
  readonly #ahead: SegmentAhead;
  /** What new entries are sealed with. */
  readonly #seal: SealMark | null;
  /** What new records are tagged with. */
  readonly #tag: RecordTag | null;
  readonly #birth: Uint8Array;
  readonly #map: LogMap;
  /** Oldest first; the last is the one that is written. */
  readonly #segments: FoundSegment[];
  #hardState: HardState;
  #segment: OpenSegment | null = null;
  /** Where the next record goes. */
  #position = 0;
  #sequence: number;
  #previousCrc: number;
  #previousTag: Uint8Array;
  /** The log is not needed through this entry. */
  #dropIndex: LogIndex;
  #isDirty = false;
  #scratch = Buffer.allocUnsafeSlow(64 * 1024);

  /** @param birth the members that the cluster was made with, as far as anybody knows. */
  constructor(place: SegmentPlace, found: Replay, seal: LogSeal | null, birth: ConfigurationData | null) {
    this.#place = place;
    this.#ahead = new SegmentAhead(place.fileSystem, place.directory);
    this.#seal = seal?.mark ?? null;
    this.#tag = seal === null ? null : seal.recordTag(seal.mark);
    this.#birth = encodeBirth(birth);
    this.#map = found.map;
    this.#segments = [...found.segments];
    this.#hardState = found.hardState;
    this.#sequence = found.sequence;
    this.#previousCrc = found.previousCrc;
    this.#previousTag = found.previousTag;
    this.#dropIndex = found.map.base.index;
  }

  /** Repairs what a crash left, and goes on from there. */
  open(found: Replay): void {
    if (found.tail === null) this.#roll(0);
    else this.#continue(found.tail, found.birth !== null || this.#birth.length === 0);
    this.#drop();
  }

  get map(): LogMap {
    return this.#map;
  }

  /** The file that is written; null before the first. */
  get path(): string | null {
    return this.#segment?.path ?? null;
  }

  append(batch: WriteBatch): void {
    const { base, lastIndex } = this.#map;
    lastIndexAfter(batch, lastIndex, base.index);
    if (isEmpty(batch)) return;
    const pieces = piecesOf(batch);
    for (const { runs } of pieces) {
      const payloadBytes = payloadSize(runs, this.#tag !== null);
      if (payloadBytes <= payloadBytesMax) continue;
      throw new InvalidBatchError(lastIndex, `${payloadBytes} bytes are more than a record holds`);
    }
    for (const piece of pieces) this.#appendRecord(piece);
  }

  #appendRecord({ hardState, runs }: WriteBatch): void {
    this.flush();
    const payloadBytes = payloadSize(runs, this.#tag !== null);
    const recordBytes = recordSize(payloadBytes);
    const segment = this.#segmentFor(recordBytes);
    const record = this.#room(recordBytes);
    const chain = { sequence: this.#sequence, previousCrc: this.#previousCrc };
    const firstIndex = runs[0]?.firstIndex;
    const previousTerm = firstIndex === undefined ? 0 : this.#map.termAt(firstIndex - 1);
    const tagChain = this.#tagChain();
    const layOut = (target: Buffer, at: number) =>
      layOutPayload(target, at, { hardState, runs, previousTerm }, tagChain);
    const crc = encodeRecord(record, layOut, this.#position, chain, segment.seed);
    segment.file.write(this.#position, record);
    this.#isDirty = true;
    this.#map.add(runs, segment.number, this.#position);
    this.#hardState = hardState ?? this.#hardState;
    this.#follow(crc, record.subarray(recordHeaderBytes, recordHeaderBytes + payloadBytes));
    this.#position += recordBytes;
    // What is left is time enough, and a log that never grows has not made one for nothing.
    if (this.#position * 4 > segment.recordsEnd) this.#ahead.begin(segment.number + 1, this.#lengthFor(0));
  }

  flush(): void {
    if (!this.#isDirty) return;
    this.#segment?.file.sync();
    this.#isDirty = false;
  }

  /** The log is empty and follows `base`, durably. */
  restartAt(base: LogBase): void {
    this.flush();
    this.#map.restart(base);
    this.#roll(0, true);
    this.dropThrough(base.index);
  }

  /** Entries through `index` are not needed. */
  dropThrough(index: LogIndex): void {
    this.#dropIndex = Math.max(this.#dropIndex, index);
    this.#drop();
  }

  /** Entries from `from` on, as `Storage.read` gives them. */
  read(from: LogIndex, bytesMax: number): SealedRun[] {
    const current = this.#segment;
    const open = (number: number) => {
      const segment = this.#segments.find((one) => one.number === number) as FoundSegment;
      if (number === current?.number) return { segment, file: current.file, close: () => {} };
      const file = this.#place.fileSystem.open(segment.path, 'existing');
      return { segment, file, close: () => file.close() };
    };
    return readRuns(this.#map, open, from, bytesMax);
  }

  close(): void {
    const segment = this.#segment;
    this.#segment = null;
    this.#ahead.abandon();
    segment?.file.close();
  }

  /**
   * Removes segments from the oldest on that a later one makes needless: it says what it follows, and that is given up.
   * Each is gone for good before the next goes, so that a crash leaves no gap.
   */
  #drop(): void {
    const { fileSystem, directory } = this.#place;
    const standsAt = this.#segments.findLastIndex(
      (segment) => segment.formatVersion >= 3 && segment.baseIndex <= this.#dropIndex,
    );
    const removed = this.#segments.slice(0, Math.min(standsAt, removalsMax));
    if (standsAt <= 0) return;
    for (const { path } of removed) {
      fileSystem.remove(path);
      fileSystem.syncDirectory(directory);
      this.#segments.shift();
    }
    // Of earlier formats none stands for itself: without their first they are as good as gone.
    const first = this.#segments.find((segment) => segment.formatVersion >= 3);
    if (first !== undefined) this.#map.dropBefore(first.number);
  }

  #segmentFor(recordBytes: number): OpenSegment {
    const segment = this.#segment;
    if (segment !== null && this.#position + recordBytes <= segment.recordsEnd) return segment;
    const next = this.#roll(recordBytes);
    this.#drop();
    return next;
  }

  /** Goes on in a new segment. All records before are durable by now: its existence vouches for them. */
  #roll(recordBytes: number, beginsAnew = false): OpenSegment {
    const { fileSystem, directory, identity } = this.#place;
    const { lastIndex } = this.#map;
    const base = { index: lastIndex, term: this.#map.termAt(lastIndex) ?? 0 };
    const preamble = { hardState: this.#hardState, birth: this.#birth, base, beginsAnew };
    const chain = this.#tagChain();
    const payloadBytes = preambleSize(preamble, chain !== null);
    const header = {
      segment: (this.#segment?.number ?? 0) + 1,
      firstIndex: base.index + 1,
      firstSequence: this.#sequence,
      previousCrc: this.#previousCrc,
      segmentBytes: this.#lengthFor(recordBytes),
      seal: this.#seal,
    };
    let payload: Uint8Array = new Uint8Array(0);
    const layOut = (target: Buffer, at: number, headerBytes: Uint8Array) => {
      const end = layOutPreamble(target, at, preamble, headerBytes, chain);
      payload = target.subarray(at, end);
      return end;
    };
    const prepared = this.#ahead.take(header.segment, header.segmentBytes);
    const made = createSegment(fileSystem, directory, identity, header, { payloadBytes, layOut }, prepared);
    const before = this.#segment;
    this.#segment = made.segment;
    this.#segments.push({ ...made.segment, baseIndex: base.index });
    if (before !== null) markAndClose(before);
    this.#follow(made.preambleCrc, payload);
    this.#position = made.position;
    return made.segment;
  }

  /** What a segment must have for its preamble and a record. */
  #lengthFor(recordBytes: number): number {
    const preambleBytes = recordSize(preambleSize({ birth: this.#birth }, this.#tag !== null));
    return segmentLength(this.#place.segmentBytes, preambleBytes + recordBytes);
  }

  /**
   * What was read need not be on the disk: a process that was killed leaves its last write to the kernel, and after
   * a failed sync the kernel shows data that it has given up writing. So the last record, the only one that may
   * have been under way, is written once more.
   */
  #continue(tail: Tail, saysBirth: boolean): void {
    const { fileSystem } = this.#place;
    if (tail.unmarked !== null) {
      markAndClose({ ...tail.unmarked, file: fileSystem.open(tail.unmarked.path, 'existing') });
    }
    const file = fileSystem.open(tail.path, 'existing');
    const { path, number, recordsEnd, seed } = tail;
    this.#segment = { file, path, number, formatVersion: tail.formatVersion, recordsEnd, seed };
    this.#position = tail.position;
    if (tail.lastRecord.length > 0) {
      file.write(tail.position - tail.lastRecord.length, tail.lastRecord);
      file.sync();
    }
    if (tail.tornEnd > tail.position) eraseTornTail(file, tail.position, tail.tornEnd);
    // A segment has one format, is sealed under one key and says one birth: what differs goes into the next.
    const goesOn = tail.formatVersion === formatVersion && isSameMark(tail.seal, this.#seal) && saysBirth;
    if (!goesOn) this.#position = recordsEnd;
  }

  #tagChain(): TagChain | null {
    return this.#tag === null ? null : { tag: this.#tag, previous: this.#previousTag };
  }

  #follow(crc: number, payload: Uint8Array): void {
    this.#sequence++;
    this.#previousCrc = crc;
    this.#previousTag = Uint8Array.from(tagIn(payload) ?? noTag);
  }

  /** Memory for one record, reused from batch to batch. */
  #room(bytes: number): Buffer {
    if (bytes > scratchBytesMax) return Buffer.allocUnsafeSlow(bytes);
    if (bytes > this.#scratch.length) {
      this.#scratch = Buffer.allocUnsafeSlow(Math.min(scratchBytesMax, bytes * 2));
    }
    return this.#scratch.subarray(0, bytes);
  }
}
