import type { ConfigurationData } from '../raft/configuration.js';
import type { HardState, LogIndex, NodeId } from '../raft/entry.js';
import type { LogBase } from '../raft/log.js';
import { RunSequence } from '../raft/run-sequence.js';
import type { LogSeal, RecordTag, SealMark } from '../wire/log-seal.js';
import { cutSealedRun, type SealedRun } from '../wire/packed-runs.js';
import { UnreadableLogError, WalDamagedError, WrongKeyError } from './errors.js';
import { type FileSystem, readBuffer } from './file-system.js';
import {
  checksumOfHeader,
  decodeSegmentHeader,
  type FoundSegmentHeader,
  type Identity,
  segmentHeaderBytes,
} from './header.js';
import { LogMap } from './log-map.js';
import {
  decodeBirth,
  decodePayload,
  decodePreamble,
  type FoundPreamble,
  isVouchedFor,
  noTag,
  type Payload,
  tagIn,
} from './payload.js';
import { decodeRecordHeader, follows, isWhole, payloadOf } from './record.js';
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

/** A segment that was read. */
export interface FoundSegment {
  readonly number: number;
  readonly path: string;
  readonly formatVersion: number;
  readonly recordsEnd: number;
  readonly seed: number;
  /** The last index before it; what it begins with says so, or what was read before. */
  readonly baseIndex: LogIndex;
}

/** What the segments of a directory hold. */
export interface Replay {
  readonly hardState: HardState;
  readonly birth: ConfigurationData | null;
  readonly runs: RunSequence<SealedRun>;
  /** The same, without the entries. */
  readonly map: LogMap;
  readonly segments: readonly FoundSegment[];
  /** Of the next record. */
  readonly sequence: number;
  readonly previousCrc: number;
  /** Of the last record. */
  readonly previousTag: Uint8Array;
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
 *     segments are given up       the later of them, oldest first                  gives them up, in time
 *     a snapshot is written       `.new` of a snapshot, whatever is in it          removes it
 *     it has its name             one snapshot more than are kept                  removes the oldest
 *
 * A segment is filled with zeros and durable before it has its name, and is never made shorter: a file of another
 * length is damage. So is a segment that is missing between two that are there, before an unfinished one, or after one
 * that is marked; a torn record anywhere else; a mark that is not whole before a segment that holds more than its
 * preamble. Segments are missing before the first where they were given up for a snapshot, which must be there
 * (`recovery.ts`). Those of earlier formats have no preamble: where their first is missing, all are left over.
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
  const { found, damage } = replayToDamage(fileSystem, directory, identity, seal);
  if (damage !== null) throw damage;
  if (seal !== null) requireOpened(found.runs, seal, identity.nodeId);
  return found;
}

/**
 * The same, as far as it goes, for those who look and start no node on it.
 * @throws UnknownFormatError, WrongClusterError, WrongNodeError, WrongKeyError
 */
export function replayToDamage(
  fileSystem: FileSystem,
  directory: string,
  identity: Identity,
  seal: LogSeal | null,
): { readonly found: Replay; readonly damage: WalDamagedError | null } {
  const names = fileSystem.list(directory);
  const reader = new Reader(identity, seal);
  let tail: Tail | null = null;
  let damage: WalDamagedError | null = null;
  try {
    tail = readSegments(fileSystem, directory, names, reader);
  } catch (error) {
    if (!(error instanceof WalDamagedError)) throw error;
    damage = error;
  }
  const found: Replay = {
    hardState: reader.hardState,
    birth: reader.birth,
    runs: reader.runs,
    map: reader.map,
    segments: reader.segments,
    sequence: reader.sequence,
    previousCrc: reader.previousCrc,
    previousTag: reader.previousTag,
    tail,
    unfinished: names.filter((name) => unfinishedNumber(name) !== null),
  };
  return { found, damage };
}

function readSegments(
  fileSystem: FileSystem,
  directory: string,
  names: readonly string[],
  reader: Reader,
): Tail | null {
  const numbers = names.map(segmentNumber).filter((number) => number !== null);
  const first = numbers[0] ?? 1;
  const last = numbers.at(-1) ?? 0;
  let tail: Tail | null = null;
  for (const [order, number] of numbers.entries()) {
    const path = `${directory}/${segmentName(number)}`;
    if (number !== first + order) {
      throw new WalDamagedError(path, 0, `segment ${first + order}, which comes before it, is missing`);
    }
    tail = reader.segment(path, readFile(fileSystem, path), number, number === last);
  }
  const beyond = names.find((name) => (unfinishedNumber(name) ?? 0) > last + 1);
  if (beyond !== undefined) {
    const path = `${directory}/${segmentName(last + 1)}`;
    throw new WalDamagedError(path, 0, `it is missing, and ${beyond} was begun after it`);
  }
  if (reader.isWithoutBeginning) {
    throw new WalDamagedError(`${directory}/${segmentName(1)}`, 0, 'it is missing, and others come after it');
  }
  return tail;
}

const altered =
  'its record does not carry the tag that the key gives it: it was altered by somebody without the key';

class Reader {
  hardState: HardState = { term: 0, votedFor: null };
  birth: ConfigurationData | null = null;
  runs = new RunSequence<SealedRun>(cutSealedRun);
  readonly map = new LogMap();
  readonly segments: FoundSegment[] = [];
  sequence = 1;
  previousCrc = 0;
  previousTag = noTag;
  /** Have only segments been read that stand for nothing, because others came before them? */
  isWithoutBeginning = false;
  readonly #identity: Identity;
  readonly #seal: LogSeal | null;
  #predecessor: Predecessor | null = null;
  /** May what is first in the log have replaced entries of segments that were given up? */
  #reachesBack = false;

  constructor(identity: Identity, seal: LogSeal | null) {
    this.#identity = identity;
    this.#seal = seal;
  }

  segment(path: string, bytes: Buffer, number: number, isLast: boolean): Tail {
    const header = decodeSegmentHeader(path, bytes, this.#identity);
    const { segmentBytes, formatVersion, seal } = header;
    const tag = this.#tagOf(path, header);
    if (header.segment !== number) throw new WalDamagedError(path, 0, `it is segment ${header.segment}`);
    const isFirst = this.segments.length === 0;
    if (isFirst) {
      this.sequence = header.firstSequence;
      this.previousCrc = header.previousCrc;
    }
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
    let start = segmentHeaderBytes;
    if (formatVersion >= 3) start = this.#preamble(path, place, seed, header, tag);
    else if (isFirst) this.isWithoutBeginning = number !== 1;
    const segment = { number, path, formatVersion, recordsEnd, seed };
    this.segments.push({ ...segment, baseIndex: this.map.lastIndex });
    const { position, lastPosition } = this.#records(segment, place, start, tag);
    const tornEnd = contentEnd(place, position);
    if (tornEnd > position) {
      const damage = isLast
        ? damageAt(place, position, this, seed)
        : 'a record of a finished segment does not check';
      if (damage !== null) throw new WalDamagedError(path, position, damage);
    }
    const before = this.#predecessor;
    const isEmpty = tornEnd === start;
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
    return { ...segment, seal, position, tornEnd, lastRecord, unmarked };
  }

  /** What the segment's records have to be tagged with; null where they need not be. */
  #tagOf(path: string, { seal, formatVersion }: FoundSegmentHeader): RecordTag | null {
    const given = this.#seal;
    if (given === null) return null;
    // Where a key is given, who says nothing of it has been made to; earlier formats aside.
    const hasToSay = formatVersion >= 3 && given.recordTag(given.mark) !== null;
    const mark = seal ?? (hasToSay ? { kind: 'none' as const, checkValue: noTag } : null);
    if (mark === null) return null;
    if (!given.knows(mark)) throw new WrongKeyError(path, mark, given.mark);
    return formatVersion >= 3 ? given.recordTag(mark) : null;
  }

  /** Takes what the segment begins with, holds it against what was before, and returns where it ends. */
  #preamble(
    path: string,
    bytes: Buffer,
    seed: number,
    header: FoundSegmentHeader,
    tag: RecordTag | null,
  ): number {
    const at = segmentHeaderBytes;
    const record = decodeRecordHeader(bytes, at, seed);
    const payload =
      record !== null && follows(record, this) && isWhole(bytes, at, record)
        ? payloadOf(bytes, at, record)
        : null;
    const preamble = payload === null ? null : decodePreamble(payload);
    if (record === null || payload === null || preamble === null) {
      throw new WalDamagedError(path, at, 'it does not begin with what a segment begins with');
    }
    const { hardState, base } = preamble;
    const birth = decodeBirth(preamble.birth);
    if (header.firstIndex !== base.index + 1 || birth === undefined) {
      throw new WalDamagedError(path, at, 'its record checks and makes no sense');
    }
    const previous = preamble.previousTag ?? noTag;
    if (tag !== null && !isVouchedFor(payload, { tag, previous }, bytes.subarray(0, segmentHeaderBytes))) {
      throw new WalDamagedError(path, at, altered);
    }
    if (this.segments.length === 0 || this.isWithoutBeginning) {
      this.#reachesBack = !preamble.beginsAnew && base.index > 0;
      this.#restart(base);
    } else {
      this.#requireSame(path, preamble);
      if (preamble.beginsAnew) {
        this.#reachesBack = false;
        this.#restart(base);
      }
    }
    this.isWithoutBeginning = false;
    this.hardState = hardState;
    this.birth = birth ?? this.birth;
    this.#follow(record.crc, payload);
    return at + record.recordBytes;
  }

  /** A segment goes on from those before it. */
  #requireSame(path: string, { hardState, base, beginsAnew, previousTag }: FoundPreamble): void {
    const { term, votedFor } = this.hardState;
    const isSame =
      hardState.term === term &&
      hardState.votedFor === votedFor &&
      (beginsAnew || (base.index === this.map.lastIndex && base.term === this.map.termAt(base.index))) &&
      (previousTag === null || Buffer.compare(previousTag, this.previousTag) === 0);
    if (!isSame) {
      throw new WalDamagedError(
        path,
        segmentHeaderBytes,
        'it does not go on from what the segments before it end with',
      );
    }
  }

  /** Takes all good records from `start` on and returns where the last one begins and ends. */
  #records(
    { path, number, seed, formatVersion }: Omit<FoundSegment, 'baseIndex'>,
    bytes: Buffer,
    start: number,
    tag: RecordTag | null,
  ): { position: number; lastPosition: number } {
    let position = start;
    let lastPosition = segmentHeaderBytes;
    for (;;) {
      const header = decodeRecordHeader(bytes, position, seed);
      if (header === null || !follows(header, this) || !isWhole(bytes, position, header)) break;
      const payload = payloadOf(bytes, position, header);
      if (tag !== null && !isVouchedFor(payload, { tag, previous: this.previousTag })) {
        throw new WalDamagedError(path, position, altered);
      }
      const content = decodePayload(payload, formatVersion);
      if (content === null) throw new WalDamagedError(path, position, 'its record checks and makes no sense');
      if (!this.isWithoutBeginning) this.#take(path, number, position, content);
      this.#follow(header.crc, payload);
      lastPosition = position;
      position += header.recordBytes;
    }
    return { position, lastPosition };
  }

  #take(path: string, segment: number, position: number, { hardState, runs, previousTerm }: Payload): void {
    if (hardState !== null) this.hardState = hardState;
    const [first] = runs;
    if (first === undefined) return;
    const { firstIndex } = first;
    const { base, lastIndex } = this.map;
    if (firstIndex > lastIndex + 1 || firstIndex < 1 || (firstIndex <= base.index && !this.#reachesBack)) {
      const before = lastIndex === base.index ? base.index : lastIndex;
      throw new WalDamagedError(path, position, `entry ${firstIndex} follows entry ${before}`);
    }
    if (firstIndex <= base.index) this.#restart({ index: firstIndex - 1, term: previousTerm ?? 0 });
    if (previousTerm !== null && previousTerm !== this.map.termAt(firstIndex - 1)) {
      throw new WalDamagedError(
        path,
        position,
        `entry ${firstIndex} follows one of term ${previousTerm}, which is not there`,
      );
    }
    this.runs.replaceWith(runs);
    this.map.add(runs, segment, position);
  }

  #restart(base: LogBase): void {
    this.runs = new RunSequence<SealedRun>(cutSealedRun, base.index);
    this.map.restart(base);
  }

  /** The record was the next one. */
  #follow(crc: number, payload: Uint8Array): void {
    this.sequence++;
    this.previousCrc = crc;
    this.previousTag = tagIn(payload) ?? noTag;
  }
}

/**
 * Format 1 says nothing of its seals, and a follower keeps entries under their leader's key: so the first of all and the
 * last are opened, too.
 */
function requireOpened(runs: RunSequence<SealedRun>, seal: LogSeal, id: NodeId): void {
  for (const run of [runs.at(runs.baseIndex + 1), runs.last]) {
    if (run !== null && !seal.opens(run)) throw new UnreadableLogError(id, run.firstIndex, run.term);
  }
}

function readFile(fileSystem: FileSystem, path: string): Buffer {
  const file = fileSystem.open(path, 'existing');
  try {
    return readBuffer(file, 0, file.size());
  } finally {
    file.close();
  }
}
