import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { readU32, writeU32 } from '../ground/integers.js';
import { ownMemory } from '../ground/memory.js';
import { type LogIndex, type NodeId, type Term, termMax } from '../raft/entry.js';
import { type AppendEntries, type Message, type MessageType, messageTypes } from '../raft/messages.js';
import { entriesIn, type Run } from '../raft/run.js';
import type { Cipher } from './cipher.js';
import { decodeConfiguration, encodeConfiguration } from './configuration.js';
import { packedSize, packRunsInto, type SealedRun, unpackRuns } from './packed-runs.js';
import type { RunSeals } from './run-seals.js';
import { packTuple, type Scalar, type Tuple, TupleReader } from './tuple.js';

/*
 * What servers say to one another, as bytes:
 *
 *     u8 format version · u32 LE header length · header · packed runs · u32 LE CRC-32 of all before
 *
 * The header is a tuple `[type, term, from, to, cluster, life, receiver's life, …]`, enciphered: an envelope that is
 * alike for every type, and the type's own fields. The packed runs (of `appendEntries` alone) were enciphered one by
 * one and are not again; a cipher that authenticates binds them to the header.
 */

/** The format this program writes, and the only one it reads. */
export const frameFormatVersion = 5;
const headerStart = 5;
const checksumBytes = 4;
const frameBytesMin = headerStart + checksumBytes;

/** For whom a frame is, and of which lives it is said: see `src/node/peers/lives.ts`. */
export interface Envelope {
  readonly to: NodeId;
  /** Of the cluster, `clusterTag` of its id. */
  readonly cluster: number;
  /** The sender's. */
  readonly life: number;
  /** The receiver's, as far as the sender knows it, or 0. */
  readonly receiverLife: number;
}

/** What stands for a cluster's id in frames: 48 bits of its SHA-256. */
export function clusterTag(clusterId: string): number {
  return createHash('sha256').update(clusterId).digest().readUIntLE(0, 6);
}

/** Makes lives known to each other; the rules of Raft hear nothing of it. */
export interface Hello {
  readonly type: 'hello';
  readonly term: Term;
  readonly from: NodeId;
  /** A number that the receiver is to repeat in a hello of its own; 0 asks for none. */
  readonly asks: number;
  /** The number that is repeated, or 0. */
  readonly answers: number;
}

/** All that passes between servers. */
export type Spoken = Message | Hello;
type SpokenType = Spoken['type'];

export interface Letter {
  readonly envelope: Envelope;
  readonly message: Spoken;
}

/** What a field may hold. */
const kinds = {
  natural: isNatural,
  term: isTerm,
  flag: isFlag,
  members: (value: unknown): boolean => Array.isArray(value) && value.every(isNatural),
  commands: (value: unknown): boolean => Array.isArray(value) && value.every(isBytes),
  verdicts: (value: unknown): boolean => Array.isArray(value) && value.every(isFlag),
  bytes: isBytes,
  configuration: isBytes,
} as const;

type Field<T extends SpokenType> = readonly [
  name: Exclude<keyof Extract<Spoken, { type: T }> & string, 'type' | 'term' | 'from' | 'runs'>,
  kind: keyof typeof kinds,
];

/** The fields of each type behind the envelope. The number of a type is its place in `messageTypes`; `hello` is last. */
const fieldsOf: { readonly [T in SpokenType]: readonly Field<T>[] } = {
  appendEntries: [
    ['prevLogIndex', 'natural'],
    ['prevLogTerm', 'term'],
    ['leaderCommit', 'natural'],
    ['round', 'natural'],
    ['alive', 'members'],
    ['incarnation', 'natural'],
  ],
  appendEntriesResponse: [
    ['success', 'flag'],
    ['round', 'natural'],
    ['index', 'natural'],
    ['conflictTerm', 'term'],
    ['conflictIndex', 'natural'],
    ['incarnation', 'natural'],
  ],
  requestVote: [
    ['lastLogIndex', 'natural'],
    ['lastLogTerm', 'term'],
    ['isTransfer', 'flag'],
  ],
  requestVoteResponse: [['granted', 'flag']],
  preVote: [
    ['lastLogIndex', 'natural'],
    ['lastLogTerm', 'term'],
  ],
  preVoteResponse: [
    ['granted', 'flag'],
    ['proposedTerm', 'term'],
  ],
  readIndex: [['request', 'natural']],
  readIndexResponse: [
    ['request', 'natural'],
    ['granted', 'flag'],
    ['index', 'natural'],
  ],
  verify: [
    ['request', 'natural'],
    ['commands', 'commands'],
  ],
  verifyResponse: [
    ['request', 'natural'],
    ['approved', 'verdicts'],
    ['reasons', 'commands'],
  ],
  installSnapshot: [
    ['lastIncludedIndex', 'natural'],
    ['lastIncludedTerm', 'term'],
    ['configuration', 'configuration'],
    ['configurationIndex', 'natural'],
    ['position', 'natural'],
    ['chunk', 'bytes'],
    ['done', 'flag'],
    ['incarnation', 'natural'],
  ],
  installSnapshotResponse: [
    ['index', 'natural'],
    ['success', 'flag'],
    ['position', 'natural'],
    ['incarnation', 'natural'],
  ],
  timeoutNow: [],
  transferDeclined: [],
  notMember: [
    ['commitIndex', 'natural'],
    ['commitTerm', 'term'],
  ],
  hello: [
    ['asks', 'natural'],
    ['answers', 'natural'],
  ],
};
/** Fields that may be missing at the end of a message, of those types that have such. */
const optionalFields: { readonly [T in SpokenType]?: number } = { verifyResponse: 1 };
const envelopeFields = 7;
const helloNumber = 255;

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
  encode(message: Spoken, envelope: Envelope): Uint8Array<ArrayBuffer> {
    const runs = message.type === 'appendEntries' ? this.#sealedRunsOf(message) : noRuns;
    // First: this is when the runs are sealed, and that packs tuples, too.
    const bodyBytes = packedSize(runs);
    const header = packTuple(toTuple(message, envelope));
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

  /** The message, for whoever looks on: it need not be addressed to him. */
  decode(frame: Uint8Array): Spoken | null {
    return this.open(frame)?.message ?? null;
  }

  /** What is in the frame; null when that is no message. It may look into `frame`, which is its own from now on. */
  open(frame: Uint8Array): Letter | null {
    const checkedEnd = frame.length - checksumBytes;
    if (frame.length < frameBytesMin || readU32(frame, checkedEnd) !== crc32(frame.subarray(0, checkedEnd))) {
      this.#counters.badChecksum++;
      return null;
    }
    const letter = this.#parse(frame, checkedEnd);
    if (letter === null) this.#counters.malformed++;
    else this.#counters.accepted++;
    return letter;
  }

  #parse(frame: Uint8Array, checkedEnd: number): Letter | null {
    if (frame[0] !== frameFormatVersion) return null;
    const headerEnd = headerStart + readU32(frame, 1);
    if (headerEnd > checkedEnd) return null;
    const body = frame.subarray(headerEnd, checkedEnd);
    const tuple = this.#reader.read(frame, headerStart, headerEnd, body);
    return tuple === null ? null : toLetter(tuple, body, this.#seals);
  }
}

function toTuple(message: Spoken, { to, cluster, life, receiverLife }: Envelope): Tuple {
  const { type, term, from } = message;
  const number = type === 'hello' ? helloNumber : messageTypes.indexOf(type);
  const tuple: (Scalar | readonly Scalar[])[] = [number, term, from, to, cluster, life, receiverLife];
  for (const [name, kind] of fieldsOf[type]) {
    const value = (message as unknown as Fields)[name];
    if (value !== undefined)
      tuple.push(kind === 'configuration' ? encodeConfiguration(value as never) : (value as Scalar));
  }
  return tuple;
}

type Fields = Record<string, Tuple[number]>;

/** Checks everything the rules take for granted: the number of fields, their types and their ranges. */
function toLetter(tuple: Tuple, body: Uint8Array, seals: RunSeals): Letter | null {
  const [number, term, from, to, cluster, life, receiverLife] = tuple;
  if (!isNatural(number) || !isTerm(term) || !isNatural(from)) return null;
  if (!isNatural(to) || !isNatural(cluster) || !isNatural(life) || !isNatural(receiverLife)) return null;
  const type = number === helloNumber ? 'hello' : messageTypes[number];
  if (type === undefined) return null;
  const missing = envelopeFields + fieldsOf[type].length - tuple.length;
  if (missing < 0 || missing > (optionalFields[type] ?? 0)) return null;
  const message: Fields & { type: MessageType | 'hello' } = { type, term, from } as never;
  for (const [at, [name, kind]] of fieldsOf[type].entries()) {
    if (at >= fieldsOf[type].length - missing) break;
    const value = tuple[envelopeFields + at];
    if (value === undefined || !kinds[kind](value)) return null;
    const opened = kind === 'configuration' ? decodeConfiguration(value as Uint8Array) : value;
    if (opened === null) return null;
    message[name] = opened as Tuple[number];
  }
  const envelope = { to, cluster, life, receiverLife };
  if (type !== 'appendEntries') return body.length > 0 ? null : { envelope, message: message as never };
  const runs = openRuns(body, (message.prevLogIndex as number) + 1, seals);
  return runs === null ? null : { envelope, message: { ...message, runs } as never };
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
