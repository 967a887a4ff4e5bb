import type { HardState, NodeId } from '../raft/entry.js';
import { RunSequence } from '../raft/run-sequence.js';
import type { LogSeal, SealMark } from '../wire/log-seal.js';
import { cutSealedRun, type SealedRun } from '../wire/packed-runs.js';
import { UnreadableLogError, WalDamagedError, WrongKeyError } from './errors.js';
import type { FileSystem } from './file-system.js';
import { checksumOfHeader, decodeSegmentHeader, type Identity, segmentHeaderBytes } from './header.js';
import { decodePayload, decodeRecordHeader, follows, isWhole } from './record.js';
import { contentEnd } from './sectors.js';
import { segmentName, segmentNumber, unfinishedNumber } from './segment.js';
import { recordsEnd as recordsEndIn, type SuccessorMark, successorMarkIn } from './successor-mark.js';
import { damageAt } from './torn-tail.js';

/** Where the log goes on. */
export interface Tail {
  readonly path: string;
  readonly number: number;
  readonly formatVersion: number;
  readonly seed: number;
  /** What its entries are sealed with, where that is said. */
  readonly seal: SealMark | null;
  /** Where the place for records ends. */
  readonly recordsEnd: number;
  /** Where the next record goes. */
  readonly position: number;
  /** Where a torn record there ends; equal to `position` when there is none. */
  readonly tornEnd: number;
  /** The last good record in the segment, empty when there is none. */
  readonly lastRecord: Buffer;
  /** The segment before, when its mark need not be durable yet. */
  readonly unmarked: Predecessor | null;
}

/** A segment that another one follows. */
export interface Predecessor {
  readonly path: string;
  readonly formatVersion: number;
  readonly recordsEnd: number;
  readonly seed: number;
  readonly mark: SuccessorMark;
}

/** What a directory holds. */
export interface Replay {
  readonly hardState: HardState;
  readonly runs: RunSequence<SealedRun>;
  /** Of the next record. */
  readonly sequence: number;
  readonly previousCrc: number;
  /** Null when there is no segment yet. */
  readonly tail: Tail | null;
  /** Names of files that a crash left behind. */
  readonly unfinished: readonly string[];
}

/*
 * What a crash of the process, or a loss of power, can leave of a log, and nothing else is taken for its doing:
 *
 *     while                       it leaves                                       recovery
 *     a segment is made           `.new` of the segment after the last, whatever   removes it
 *                                 is in it; no file with a segment's name
 *     it has its name             a whole segment of the length in its header,     marks the one before
 *                                 without records; the one before it with no
 *                                 mark, or a torn one
 *     a record is written         one torn record at the end of the last segment,  erases it
 *                                 zeros after it (`torn-tail.ts`)
 *     a torn record is erased     less of the torn record                          erases the rest
 *
 * A segment is filled with zeros and durable before it has its name, and is never made shorter: a file of another
 * length is damage. So is a segment that is missing before one that is there, before an unfinished one, or after one
 * that is marked; a torn record anywhere else; a mark that is not whole before a segment that holds something.
 */

/**
 * Reads a log from its first record to its last and changes nothing. Entries at or before the last index replace
 * the suffix, as they did when they were written.
 * @throws WalDamagedError, UnknownFormatError, WrongClusterError, WrongNodeError, WrongKeyError, UnreadableLogError
 */
export function replay(
  fileSystem: FileSystem,
  directory: string,
  identity: Identity,
  seal: LogSeal | null,
): Replay {
  const names = fileSystem.list(directory);
  const numbers = names.map(segmentNumber).filter((number) => number !== null);
  const reader = new Reader(identity, seal);
  let tail: Tail | null = null;
  for (const [order, number] of numbers.entries()) {
    const path = `${directory}/${segmentName(number)}`;
    if (number !== order + 1) {
      throw new WalDamagedError(path, 0, `segment ${order + 1}, which comes before it, is missing`);
    }
    const bytes = readFile(fileSystem, path);
    tail = reader.segment(path, bytes, number, number === numbers.length);
  }
  const unfinished = names.filter((name) => unfinishedNumber(name) !== null);
  const beyond = unfinished.find((name) => (unfinishedNumber(name) ?? 0) > numbers.length + 1);
  if (beyond !== undefined) {
    const path = `${directory}/${segmentName(numbers.length + 1)}`;
    throw new WalDamagedError(path, 0, `it is missing, and ${beyond} was begun after it`);
  }
  if (seal !== null) requireOpened(reader.runs, seal, identity.nodeId);
  return {
    hardState: reader.hardState,
    runs: reader.runs,
    sequence: reader.sequence,
    previousCrc: reader.previousCrc,
    tail,
    unfinished,
  };
}

class Reader {
  hardState: HardState = { term: 0, votedFor: null };
  readonly runs = new RunSequence<SealedRun>(cutSealedRun);
  sequence = 1;
  previousCrc = 0;
  readonly #identity: Identity;
  readonly #seal: LogSeal | null;
  #predecessor: Predecessor | null = null;

  constructor(identity: Identity, seal: LogSeal | null) {
    this.#identity = identity;
    this.#seal = seal;
  }

  segment(path: string, bytes: Buffer, number: number, isLast: boolean): Tail {
    const { segmentBytes, formatVersion, ...header } = decodeSegmentHeader(path, bytes, this.#identity);
    if (this.#seal !== null && header.seal !== null && !this.#seal.knows(header.seal)) {
      throw new WrongKeyError(path, header.seal, this.#seal.mark);
    }
    if (header.segment !== number) throw new WalDamagedError(path, 0, `it is segment ${header.segment}`);
    // A segment is made only after all before it are durable, so nothing may be missing in between.
    if (header.firstSequence !== this.sequence || header.previousCrc !== this.previousCrc) {
      throw new WalDamagedError(
        path,
        0,
        `it begins with record ${header.firstSequence}, and the segments before it end with record ${this.sequence - 1}`,
      );
    }
    if (bytes.length !== segmentBytes) {
      const reason = `it has ${bytes.length} bytes and was made with ${segmentBytes}`;
      throw new WalDamagedError(path, Math.min(bytes.length, segmentBytes), reason);
    }
    const seed = checksumOfHeader(bytes);
    const recordsEnd = recordsEndIn(segmentBytes, formatVersion);
    const place = bytes.subarray(0, recordsEnd);
    const { position, lastPosition } = this.#records(path, place, seed, formatVersion);
    const tornEnd = contentEnd(place, position);
    if (tornEnd > position) {
      const damage = isLast
        ? damageAt(place, position, this, seed)
        : 'a record of a finished segment does not check';
      if (damage !== null) throw new WalDamagedError(path, position, damage);
    }
    const before = this.#predecessor;
    const isEmpty = tornEnd === segmentHeaderBytes;
    if (before !== null && before.mark !== 'whole' && !(isLast && isEmpty && before.mark !== 'damaged')) {
      throw new WalDamagedError(
        before.path,
        before.recordsEnd,
        'it is not marked as one that another follows',
      );
    }
    const mark = successorMarkIn(bytes, recordsEnd, seed);
    if (isLast && mark !== 'none') {
      const gone = `segment ${number + 1}, which was made after it, is missing`;
      const reason = mark === 'whole' ? gone : 'its last bytes are neither zeros nor its mark';
      throw new WalDamagedError(path, recordsEnd, reason);
    }
    this.#predecessor = formatVersion === 1 ? null : { path, formatVersion, recordsEnd, seed, mark };
    const lastRecord = bytes.subarray(lastPosition, position);
    const unmarked = isEmpty ? before : null;
    const { seal } = header;
    return { path, number, formatVersion, seal, seed, recordsEnd, position, tornEnd, lastRecord, unmarked };
  }

  /** Takes all good records and returns where the last one begins and ends. */
  #records(
    path: string,
    bytes: Buffer,
    seed: number,
    formatVersion: number,
  ): { position: number; lastPosition: number } {
    let position = segmentHeaderBytes;
    let lastPosition = position;
    for (;;) {
      const header = decodeRecordHeader(bytes, position, seed);
      if (header === null || !follows(header, this) || !isWhole(bytes, position, header)) break;
      const payload = decodePayload(bytes, position, header, formatVersion);
      if (payload === null) throw new WalDamagedError(path, position, 'its record checks and makes no sense');
      const { firstIndex = 1 } = payload.runs[0] ?? {};
      const { lastIndex } = this.runs;
      if (firstIndex < 1 || firstIndex > lastIndex + 1) {
        throw new WalDamagedError(path, position, `entry ${firstIndex} follows entry ${lastIndex}`);
      }
      this.runs.replaceWith(payload.runs);
      if (payload.hardState !== null) this.hardState = payload.hardState;
      this.sequence++;
      this.previousCrc = header.crc;
      lastPosition = position;
      position += header.recordBytes;
    }
    return { position, lastPosition };
  }
}

/**
 * Format 1 says nothing of its seals, and a follower keeps entries under their leader's key: so the first of all and the
 * last are opened, too.
 */
function requireOpened(runs: RunSequence<SealedRun>, seal: LogSeal, id: NodeId): void {
  for (const run of [runs.at(1), runs.last]) {
    if (run !== null && !seal.opens(run)) throw new UnreadableLogError(id, run.firstIndex, run.term);
  }
}

function readFile(fileSystem: FileSystem, path: string): Buffer {
  const file = fileSystem.open(path, 'existing');
  try {
    const bytes = file.read(0, file.size());
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  } finally {
    file.close();
  }
}
