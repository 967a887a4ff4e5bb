import { crc32 } from 'node:zlib';
import { readU32, writeU32 } from '../ground/integers.js';
import { ownMemory } from '../ground/memory.js';
import { type LogIndex, termMax } from '../raft/entry.js';
import type { AppendEntries, Message, MessageType, Verify, VerifyResponse } from '../raft/messages.js';
import { entriesIn, type Run } from '../raft/run.js';
import type { Cipher } from './cipher.js';
import { packedSize, packRunsInto, type SealedRun, unpackRuns } from './packed-runs.js';
import type { RunSeals } from './run-seals.js';
import { packTuple, type Scalar, type Tuple, TupleReader } from './tuple.js';

/*
 * What servers say to one another, as bytes:
 *
 *     u8 format version · u32 LE header length · header · packed runs · u32 LE CRC-32 of all before
 *
 * The header is a tuple `[type, term, from, …]`, enciphered. The packed runs (of `appendEntries` alone) were enciphered
 * one by one and are not again; a cipher that authenticates binds them to the header. What is to bind a frame to its
 * receiver, to the cluster, to lives of its members and to a key has its place in the header behind `from`, alike for
 * every type.
 */

/** The format this program writes, and the only one it reads. */
export const frameFormatVersion = 2;
const headerStart = 5;
const checksumBytes = 4;
const frameBytesMin = headerStart + checksumBytes;

/** The number of a type is its place: append only. */
const messageTypes = [
  'appendEntries',
  'appendEntriesResponse',
  'requestVote',
  'requestVoteResponse',
  'preVote',
  'preVoteResponse',
  'readIndex',
  'readIndexResponse',
  'verify',
  'verifyResponse',
] as const satisfies readonly MessageType[];

const noRuns: readonly SealedRun[] = [];

/**
 * Messages to frames. Followers that keep up are sent the same entries, which are sealed once: what was last sent is
 * remembered until `forget` is called, and the log must not change meanwhile.
 */
export class FrameEncoder {
  readonly #cipher: Cipher;
  readonly #seals: RunSeals;
  #last: { readonly message: AppendEntries; readonly runs: readonly SealedRun[] } | null = null;

  constructor(cipher: Cipher, seals: RunSeals) {
    this.#cipher = cipher;
    this.#seals = seals;
  }

  /** The message as a frame in memory of its own, which may be transferred. */
  encode(message: Message): Uint8Array<ArrayBuffer> {
    const runs = message.type === 'appendEntries' ? this.#sealedRunsOf(message) : noRuns;
    // First: this is when the runs are sealed, and that packs tuples, too.
    const bodyBytes = packedSize(runs);
    const header = packTuple(toTuple(message));
    const headerBytes = header.end - header.start + this.#cipher.overheadBytes;
    const bodyStart = headerStart + headerBytes;
    const bodyEnd = bodyStart + bodyBytes;
    const frame = ownMemory(bodyEnd + checksumBytes);
    frame[0] = frameFormatVersion;
    writeU32(frame, 1, headerBytes);
    packRunsInto(frame, bodyStart, runs);
    const associated = frame.subarray(bodyStart, bodyEnd);
    this.#cipher.encryptInto(header, header.start, header.end, frame, headerStart, associated);
    writeU32(frame, bodyEnd, crc32(frame.subarray(0, bodyEnd)));
    return frame;
  }

  forget(): void {
    this.#last = null;
  }

  /** A run that was cut for a message is another object for the next: it would be sealed anew. */
  #sealedRunsOf(message: AppendEntries): readonly SealedRun[] {
    if (message.runs.length === 0) return noRuns;
    if (this.#last === null || !carryTheSame(this.#last.message, message)) {
      this.#last = { message, runs: message.runs.map((run) => this.#seals.sealed(run)) };
    }
    return this.#last.runs;
  }
}

/** Of one log at one time, entries are told by their indexes. */
function carryTheSame(a: AppendEntries, b: AppendEntries): boolean {
  return a.prevLogIndex === b.prevLogIndex && entriesIn(a.runs) === entriesIn(b.runs);
}

/** Names a frame to those who watch both of its ends: its checksum. Frames of the same bytes have the same. */
export function frameKey(frame: Uint8Array): number {
  return frame.length < frameBytesMin ? 0 : readU32(frame, frame.length - checksumBytes);
}

/** How many frames met which fate. */
export interface FrameCounters {
  readonly accepted: number;
  /** Too short for a checksum, or it does not fit: damaged on the way. Nothing in it was read. */
  readonly badChecksum: number;
  /** The checksum fits and the rest makes no message: another version, another key, or malice. */
  readonly malformed: number;
}

/**
 * Frames to messages, from a network that nothing is known of. A bad frame is counted and dropped; it cannot
 * throw, and the memory it makes the decoder take is in proportion to its own length.
 */
export class FrameDecoder {
  readonly #reader: TupleReader;
  readonly #seals: RunSeals;
  readonly #counters = { accepted: 0, badChecksum: 0, malformed: 0 };

  /** @param seals opens the runs, and remembers them as they came. */
  constructor(cipher: Cipher, seals: RunSeals) {
    this.#reader = new TupleReader(cipher);
    this.#seals = seals;
  }

  get counters(): FrameCounters {
    return this.#counters;
  }

  /** The message; null when there is none. It may look into `frame`, which is its own from now on. */
  decode(frame: Uint8Array): Message | null {
    const checkedEnd = frame.length - checksumBytes;
    if (frame.length < frameBytesMin || readU32(frame, checkedEnd) !== crc32(frame.subarray(0, checkedEnd))) {
      this.#counters.badChecksum++;
      return null;
    }
    const message = this.#parse(frame, checkedEnd);
    if (message === null) this.#counters.malformed++;
    else this.#counters.accepted++;
    return message;
  }

  #parse(frame: Uint8Array, checkedEnd: number): Message | null {
    if (frame[0] !== frameFormatVersion) return null;
    const headerEnd = headerStart + readU32(frame, 1);
    if (headerEnd > checkedEnd) return null;
    const body = frame.subarray(headerEnd, checkedEnd);
    const tuple = this.#reader.read(frame, headerStart, headerEnd, body);
    return tuple === null ? null : toMessage(tuple, body, this.#seals);
  }
}

function toTuple(message: Message): Tuple {
  const { term, from } = message;
  const type = messageTypes.indexOf(message.type);
  switch (message.type) {
    case 'appendEntries': {
      const { prevLogIndex, prevLogTerm, leaderCommit, round, alive, runs } = message;
      return [type, term, from, prevLogIndex, prevLogTerm, leaderCommit, round, entriesIn(runs), alive];
    }
    case 'appendEntriesResponse': {
      const { success, round, index, conflictTerm, conflictIndex } = message;
      return [type, term, from, success, round, index, conflictTerm, conflictIndex];
    }
    case 'requestVote':
    case 'preVote':
      return [type, term, from, message.lastLogIndex, message.lastLogTerm];
    case 'requestVoteResponse':
      return [type, term, from, message.granted];
    case 'preVoteResponse':
      return [type, term, from, message.granted, message.proposedTerm];
    case 'readIndex':
      return [type, term, from, message.request];
    case 'readIndexResponse':
      return [type, term, from, message.request, message.granted, message.index];
    case 'verify':
      return [type, term, from, message.request, message.commands];
    case 'verifyResponse':
      return [type, term, from, message.request, message.approved];
  }
}

/** Checks everything the rules take for granted: the number of fields, their types and their ranges. */
function toMessage(tuple: Tuple, body: Uint8Array, seals: RunSeals): Message | null {
  const [typeNumber, term, from, a, b, c, d, e] = tuple;
  if (!isNatural(typeNumber) || !isTerm(term) || !isNatural(from)) return null;
  const type = messageTypes[typeNumber];
  if (type === undefined) return null;
  if (type === 'appendEntries') return toAppendEntries(tuple, term, from, body, seals);
  if (body.length > 0) return null;
  const fields = tuple.length - 3;
  switch (type) {
    case 'appendEntriesResponse':
      return fields === 5 && isFlag(a) && isNatural(b) && isNatural(c) && isTerm(d) && isNatural(e)
        ? { type, term, from, success: a, round: b, index: c, conflictTerm: d, conflictIndex: e }
        : null;
    case 'requestVote':
    case 'preVote':
      return fields === 2 && isNatural(a) && isTerm(b)
        ? { type, term, from, lastLogIndex: a, lastLogTerm: b }
        : null;
    case 'requestVoteResponse':
      return fields === 1 && isFlag(a) ? { type, term, from, granted: a } : null;
    case 'preVoteResponse':
      return fields === 2 && isFlag(a) && isTerm(b)
        ? { type, term, from, granted: a, proposedTerm: b }
        : null;
    case 'readIndex':
      return fields === 1 && isNatural(a) ? { type, term, from, request: a } : null;
    case 'readIndexResponse':
      return fields === 3 && isNatural(a) && isFlag(b) && isNatural(c)
        ? { type, term, from, request: a, granted: b, index: c }
        : null;
    case 'verify':
    case 'verifyResponse':
      return fields === 2 && isNatural(a) && Array.isArray(b) ? toVerification(type, term, from, a, b) : null;
  }
}

function toAppendEntries(
  tuple: Tuple,
  term: number,
  from: number,
  body: Uint8Array,
  seals: RunSeals,
): AppendEntries | null {
  const [, , , prevLogIndex, prevLogTerm, leaderCommit, round, count, alive] = tuple;
  if (tuple.length !== 9 || !isNatural(prevLogIndex) || !isTerm(prevLogTerm)) return null;
  if (!isNatural(leaderCommit) || !isNatural(round) || !isNatural(count)) return null;
  if (!Array.isArray(alive) || !alive.every(isNatural)) return null;
  if (!Number.isSafeInteger(prevLogIndex + count)) return null;
  const runs = openRuns(body, prevLogIndex + 1, seals);
  if (runs === null || entriesIn(runs) !== count) return null;
  return {
    type: 'appendEntries',
    term,
    from,
    prevLogIndex,
    prevLogTerm,
    runs,
    leaderCommit,
    round,
    alive,
  };
}

/** Null unless all of them are what they are said to be. */
function openRuns(packed: Uint8Array, firstIndex: LogIndex, seals: RunSeals): Run[] | null {
  const runs: Run[] = [];
  for (const sealed of unpackRuns(packed, firstIndex) ?? [null]) {
    const run = sealed === null ? null : seals.open(sealed);
    if (run === null) return null;
    runs.push(run);
  }
  return runs;
}

function toVerification(
  type: 'verify' | 'verifyResponse',
  term: number,
  from: number,
  request: number,
  items: readonly Scalar[],
): Verify | VerifyResponse | null {
  if (type === 'verify') return items.every(isBytes) ? { type, term, from, request, commands: items } : null;
  return items.every(isFlag) ? { type, term, from, request, approved: items } : null;
}

function isNatural(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isTerm(value: unknown): value is number {
  return isNatural(value) && value <= termMax;
}

function isFlag(value: unknown): value is boolean {
  return typeof value === 'boolean';
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array;
}
