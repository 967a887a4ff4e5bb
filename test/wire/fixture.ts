import { packBytes } from '../../src/ground/byte-strings.js';
import { Random } from '../../src/ground/random.js';
import { Configuration } from '../../src/raft/configuration.js';
import type { Message } from '../../src/raft/messages.js';
import type { Run } from '../../src/raft/run.js';
import type { Cipher, CipherOptions } from '../../src/wire/cipher.js';
import { createCipher } from '../../src/wire/create-cipher.js';

/** The bytes that a format version had, and what they were made from, as `fixtures/` keeps them. */
export interface Fixture {
  readonly formatVersion: number;
  readonly cipher: CipherOptions['kind'];
  /** Of `aes-256-gcm`. */
  readonly key?: string;
  readonly seed: number;
  readonly frames: readonly { readonly message: unknown; readonly frame: string }[];
  /** LogEntry messages and their entries. */
  readonly logEntries: readonly { readonly entries: unknown; readonly bytes: string }[];
}

export const folder = new URL('../../../test/wire/fixtures/', import.meta.url);

export const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex');

/** As the fixtures write it: byte strings in hexadecimal. */
export const readable = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, field) => (field instanceof Uint8Array ? hex(field) : field)));

export function cipherOf({ cipher: kind, key, seed }: Pick<Fixture, 'cipher' | 'key' | 'seed'>): Cipher {
  const options = kind === 'aes-256-gcm' ? { kind, key: Buffer.from(key ?? '', 'hex') } : { kind };
  return createCipher(options, new Random(seed));
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const long = Uint8Array.from({ length: 300 }, (_, at) => at * 7);

const run = (firstIndex: number, term: number, kind: Run['kind'], ...commands: Uint8Array[]): Run => {
  return { firstIndex, count: commands.length, term, kind, leaderId: 4, body: packBytes(commands) };
};

/** What every kind of message looks like. */
export const fixtureMessages: readonly Message[] = [
  {
    type: 'appendEntries',
    incarnation: 300,
    term: 70_000,
    from: 1,
    prevLogIndex: 7,
    prevLogTerm: 2,
    runs: [
      run(8, 2, 'noop', new Uint8Array(0)),
      run(9, 2, 'command', text('put colour blue'), new Uint8Array(0), long),
      run(12, 70_000, 'configuration', Uint8Array.of(0, 255)),
    ],
    leaderCommit: 5,
    round: 2 ** 35,
    alive: [0, 1, 4],
  },
  {
    type: 'appendEntries',
    incarnation: 0,
    term: 3,
    from: 1,
    prevLogIndex: 0,
    prevLogTerm: 0,
    runs: [],
    leaderCommit: 0,
    round: 1,
    alive: [],
  },
  {
    type: 'appendEntriesResponse',
    incarnation: 0,
    term: 3,
    from: 1,
    success: true,
    round: 12,
    index: 300,
    conflictTerm: 0,
    conflictIndex: 0,
  },
  {
    type: 'appendEntriesResponse',
    incarnation: 0,
    term: 3,
    from: 1,
    success: false,
    round: 13,
    index: 300,
    conflictTerm: 2,
    conflictIndex: 70_000,
  },
  { type: 'requestVote', isTransfer: false, term: 3, from: 1, lastLogIndex: 300, lastLogTerm: 2 },
  { type: 'requestVoteResponse', term: 3, from: 1, granted: true },
  { type: 'preVote', term: 3, from: 1, lastLogIndex: 2 ** 33, lastLogTerm: 2 ** 40 },
  { type: 'preVoteResponse', term: 3, from: 1, granted: false, proposedTerm: 4 },
  { type: 'readIndex', term: 3, from: 1, request: 9 },
  { type: 'readIndexResponse', term: 3, from: 1, request: 9, granted: true, index: 301 },
  { type: 'verify', term: 3, from: 1, request: 10, commands: [text('block'), new Uint8Array(0)] },
  { type: 'verifyResponse', term: 3, from: 1, request: 10, approved: [true, false] },
  {
    type: 'installSnapshot',
    term: 3,
    from: 1,
    lastIncludedIndex: 300,
    lastIncludedTerm: 2,
    configuration: Configuration.of([1, 2], [4]).data,
    configurationIndex: 7,
    position: 70_000,
    chunk: text('state'),
    done: true,
    incarnation: 7,
  },
  {
    type: 'installSnapshotResponse',
    term: 3,
    from: 1,
    index: 300,
    success: false,
    position: 9,
    incarnation: 7,
  },
  { type: 'timeoutNow', term: 3, from: 1 },
  { type: 'transferDeclined', term: 3, from: 1 },
  { type: 'notMember', term: 3, from: 1, commitIndex: 12, commitTerm: 2 },
];

export const fixtureRuns: readonly Run[] = [
  run(1, 1, 'noop', new Uint8Array(0)),
  run(2, 1, 'command', text('put colour blue'), new Uint8Array(0), long),
  run(2 ** 33, 70_000, 'command', long),
  run(Number.MAX_SAFE_INTEGER, 2 ** 48 - 1, 'configuration', Uint8Array.of(0, 255)),
];
