import { ClosedError, ConclaveError } from '../ground/errors.js';
import type { LogIndex, NodeId } from '../raft/entry.js';
import { lastIndexOf } from '../raft/run.js';
import { isSameMark, type LogSeal, type SealMark } from '../wire/log-seal.js';
import type { SealedRun } from '../wire/packed-runs.js';
import { isEmpty, lastIndexAfter } from './batch.js';
import { DirectoryLock } from './directory-lock.js';
import {
  InvalidBatchError,
  InvalidSnapshotError,
  LogLostError,
  NotRecoveredError,
  StorageFailedError,
} from './errors.js';
import type { FileSystem } from './file-system.js';
import { checkIdentity, formatVersion, type Identity, segmentHeaderBytes } from './header.js';
import type { Lock } from './lock.js';
import { piecesOf } from './pieces.js';
import { encodeRecord, payloadBytesMax, payloadSize, recordSize } from './record.js';
import { replay, type Tail } from './replay.js';
import {
  checkSegmentBytes,
  createSegment,
  type OpenSegment,
  segmentBytesDefault,
  segmentLength,
} from './segment.js';
import { SegmentAhead } from './segment-ahead.js';
import type {
  Recovered,
  SnapshotPortion,
  SnapshotWriter,
  Storage,
  StoredSnapshot,
  WriteBatch,
} from './storage.js';
import { markAndClose } from './successor-mark.js';
import { eraseTornTail } from './torn-tail.js';

/** Larger records are assembled in memory that is given back at once. */
const scratchBytesMax = 4 * 1024 * 1024;

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
 * A node's stable storage as a log of records in segments. Owns its directory, from `recover` to `close`.
 *
 *     write    encode into scratch ─ one write of the file           (a roll first, when the segment is full;
 *              a batch too large for one record is several, each synced before the next)
 *     sync     one fdatasync
 *     between  where the file system can: the next segment's file is filled with zeros, from a quarter of this one on
 *     recover  lock ─ replay, which changes nothing ─ repair of what a crash left ─ ready
 *
 * At most one record is ever under way: a write waits for the sync of the one before. So whatever a crash leaves
 * unfinished is the last record, and a bad record with a good one after it is damage.
 */
export class WriteAheadLog implements Storage {
  readonly #fileSystem: FileSystem;
  readonly #directory: string;
  readonly #identity: Identity;
  readonly #segmentBytes: number;
  readonly #mustExist: boolean;
  readonly #lock: Lock | null;
  readonly #ahead: SegmentAhead;
  #refusal: ConclaveError | null = new NotRecoveredError();
  /** What new entries are sealed with. */
  #seal: SealMark | null = null;
  #isFresh = true;
  #segment: OpenSegment | null = null;
  /** Where the next record goes. */
  #position = 0;
  #sequence = 1;
  #previousCrc = 0;
  #lastIndex: LogIndex = 0;
  #isDirty = false;
  #scratch = Buffer.allocUnsafeSlow(64 * 1024);

  /** @throws InvalidOptionError */
  constructor(options: WriteAheadLogOptions) {
    this.#fileSystem = options.fileSystem;
    this.#directory = options.directory;
    this.#identity = { clusterId: options.clusterId, nodeId: options.nodeId };
    this.#segmentBytes = options.segmentBytes ?? segmentBytesDefault;
    this.#mustExist = options.mustExist ?? false;
    this.#lock = options.lock === undefined ? new DirectoryLock(options.directory) : options.lock;
    this.#ahead = new SegmentAhead(options.fileSystem, options.directory);
    checkIdentity(this.#identity);
    checkSegmentBytes(this.#segmentBytes);
  }

  /**
   * @throws DirectoryLockedError, LogLostError, WrongNodeError, WrongClusterError, WrongKeyError, UnreadableLogError,
   * UnknownFormatError, WalDamagedError: nothing on disk was changed. StorageFailedError: the medium failed.
   */
  recover(seal: LogSeal | null = null): Recovered {
    if (!this.#isFresh) throw this.#refusal ?? new ClosedError('The first recovery of the log');
    this.#isFresh = false;
    try {
      // A directory made in its place would be in the way of the one that has to come back.
      if (this.#mustExist && !this.#fileSystem.exists(this.#directory)) throw this.#lost();
      this.#fileSystem.makeDirectory(this.#directory);
      this.#lock?.acquire();
      const found = replay(this.#fileSystem, this.#directory, this.#identity, seal);
      this.#seal = seal?.mark ?? null;
      if (this.#mustExist && found.tail === null) throw this.#lost();
      this.#sequence = found.sequence;
      this.#previousCrc = found.previousCrc;
      this.#lastIndex = found.runs.lastIndex;
      this.#settleDirectory(found.unfinished);
      if (found.tail === null) this.#roll(0);
      else this.#continue(found.tail);
      this.#refusal = null;
      const tornBytes = found.tail === null ? 0 : found.tail.tornEnd - found.tail.position;
      return {
        hardState: found.hardState,
        birth: null,
        base: { index: 0, term: 0 },
        runs: [...found.runs],
        snapshots: [],
        damagedSnapshots: 0,
        tornBytes,
      };
    } catch (error) {
      const failure = this.#fail(`Recovering ${this.#directory}`, error);
      this.#release();
      throw failure;
    }
  }

  write(batch: WriteBatch): void {
    if (this.#refusal !== null) throw this.#refusal;
    try {
      this.#append(batch);
    } catch (error) {
      throw this.#fail(`Writing to ${this.#segment?.path ?? this.#directory}`, error);
    }
  }

  sync(): void {
    if (this.#refusal !== null) throw this.#refusal;
    try {
      this.#flush();
    } catch (error) {
      throw this.#fail(`Syncing ${this.#segment?.path ?? this.#directory}`, error);
    }
  }

  get lastIndex(): LogIndex {
    return this.#lastIndex;
  }

  get firstIndex(): LogIndex {
    return 1;
  }

  get snapshots(): readonly StoredSnapshot[] {
    return [];
  }

  read(): SealedRun[] {
    throw new InvalidSnapshotError('the write-ahead log keeps none yet');
  }

  beginSnapshot(): SnapshotWriter {
    throw new InvalidSnapshotError('the write-ahead log keeps none yet');
  }

  readSnapshot(): SnapshotPortion {
    throw new InvalidSnapshotError('the write-ahead log keeps none yet');
  }

  dropThrough(): void {
    throw new InvalidSnapshotError('the write-ahead log keeps none yet');
  }

  restartAt(): void {
    throw new InvalidSnapshotError('the write-ahead log keeps none yet');
  }

  close(): void {
    this.#isFresh = false;
    this.#refusal = new ClosedError(`The log in ${this.#directory}`);
    this.#release();
  }

  #lost(): LogLostError {
    return new LogLostError(this.#directory, this.#identity.nodeId);
  }

  #append(batch: WriteBatch): void {
    lastIndexAfter(batch, this.#lastIndex);
    if (isEmpty(batch)) return;
    const pieces = piecesOf(batch);
    for (const piece of pieces) {
      const payloadBytes = payloadSize(piece);
      if (payloadBytes <= payloadBytesMax) continue;
      throw new InvalidBatchError(this.#lastIndex, `${payloadBytes} bytes are more than a record holds`);
    }
    for (const piece of pieces) this.#appendRecord(piece);
  }

  #appendRecord(batch: WriteBatch): void {
    this.#flush();
    const recordBytes = recordSize(payloadSize(batch));
    const segment = this.#segmentFor(recordBytes);
    const record = this.#room(recordBytes);
    const chain = { sequence: this.#sequence, previousCrc: this.#previousCrc };
    const crc = encodeRecord(record, batch, this.#position, chain, segment.seed);
    segment.file.write(this.#position, record);
    this.#isDirty = true;
    this.#position += recordBytes;
    this.#sequence++;
    this.#previousCrc = crc;
    const last = batch.runs.at(-1);
    if (last !== undefined) this.#lastIndex = lastIndexOf(last);
    // What is left is time enough, and a log that never grows has not made one for nothing.
    if (this.#position * 4 > segment.recordsEnd) this.#ahead.begin(segment.number + 1, this.#segmentBytes);
  }

  #flush(): void {
    if (!this.#isDirty) return;
    this.#segment?.file.sync();
    this.#isDirty = false;
  }

  #segmentFor(recordBytes: number): OpenSegment {
    const segment = this.#segment;
    if (segment !== null && this.#position + recordBytes <= segment.recordsEnd) return segment;
    return this.#roll(recordBytes);
  }

  /** Goes on in a new segment. All records before are durable by now: its existence vouches for them. */
  #roll(recordBytes: number): OpenSegment {
    const header = {
      segment: (this.#segment?.number ?? 0) + 1,
      firstIndex: this.#lastIndex + 1,
      firstSequence: this.#sequence,
      previousCrc: this.#previousCrc,
      segmentBytes: segmentLength(this.#segmentBytes, recordBytes),
      seal: this.#seal,
    };
    const prepared = this.#ahead.take(header.segment, header.segmentBytes);
    const next = createSegment(this.#fileSystem, this.#directory, this.#identity, header, prepared);
    const before = this.#segment;
    this.#segment = next;
    if (before !== null) markAndClose(before);
    this.#position = segmentHeaderBytes;
    return next;
  }

  /**
   * What was read need not be on the disk: a process that was killed leaves its last write to the kernel, and after
   * a failed sync the kernel shows data that it has given up writing. So the last record, the only one that may
   * have been under way, is written once more.
   */
  #continue(tail: Tail): void {
    if (tail.unmarked !== null) {
      markAndClose({ ...tail.unmarked, file: this.#fileSystem.open(tail.unmarked.path, 'existing') });
    }
    const file = this.#fileSystem.open(tail.path, 'existing');
    this.#segment = {
      file,
      path: tail.path,
      number: tail.number,
      formatVersion: tail.formatVersion,
      recordsEnd: tail.recordsEnd,
      seed: tail.seed,
    };
    this.#position = tail.position;
    if (tail.lastRecord.length > 0) {
      file.write(tail.position - tail.lastRecord.length, tail.lastRecord);
      file.sync();
    }
    if (tail.tornEnd > tail.position) eraseTornTail(file, tail.position, tail.tornEnd);
    // A segment has one format and is sealed under one key: what is written under another goes into the next.
    if (tail.formatVersion !== formatVersion || !isSameMark(tail.seal, this.#seal))
      this.#position = tail.recordsEnd;
  }

  /** Syncs the directory in any case: a segment's new name may not have been durable when its maker was killed. */
  #settleDirectory(unfinished: readonly string[]): void {
    for (const name of unfinished) this.#fileSystem.remove(`${this.#directory}/${name}`);
    this.#fileSystem.syncDirectory(this.#directory);
  }

  /** Memory for one record, reused from batch to batch. */
  #room(bytes: number): Buffer {
    if (bytes > scratchBytesMax) return Buffer.allocUnsafeSlow(bytes);
    if (bytes > this.#scratch.length) {
      this.#scratch = Buffer.allocUnsafeSlow(Math.min(scratchBytesMax, bytes * 2));
    }
    return this.#scratch.subarray(0, bytes);
  }

  #fail(what: string, error: unknown): ConclaveError {
    const failure = error instanceof ConclaveError ? error : new StorageFailedError(what, error);
    this.#refusal = failure;
    return failure;
  }

  #release(): void {
    const segment = this.#segment;
    this.#segment = null;
    this.#ahead.abandon();
    try {
      segment?.file.close();
    } finally {
      this.#lock?.release();
    }
  }
}
