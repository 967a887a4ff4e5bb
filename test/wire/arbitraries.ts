import fc from 'fast-check';
import { Random } from '../../src/ground/random.js';
import { type Entry, entryKinds, type LogEntry, termMax } from '../../src/raft/entry.js';
import type { Message } from '../../src/raft/messages.js';
import type { Cipher, CipherOptions } from '../../src/wire/cipher.js';
import { createCipher } from '../../src/wire/create-cipher.js';

/* What may be said on the wire, for property tests. */

export const cipherOptions: readonly CipherOptions[] = [
  { kind: 'none' },
  { kind: 'pseudo' },
  { kind: 'aes-256-gcm', key: Uint8Array.from({ length: 32 }, (_, at) => at) },
];

/** One cipher of each kind. */
export const ciphers = (): Cipher[] => cipherOptions.map((options) => createCipher(options, new Random(7)));

export const bytes = fc.uint8Array({ maxLength: 400 });
const natural = fc.oneof(fc.nat(300), fc.maxSafeNat(), fc.constant(Number.MAX_SAFE_INTEGER));
const term = fc.oneof(
  fc.nat(9),
  fc.maxSafeNat().map((value) => value % (termMax + 1)),
  fc.constant(termMax),
);
const entryTerm = term.map((value) => Math.max(1, value));
const kind = fc.constantFrom(...entryKinds);

export const logEntry: fc.Arbitrary<LogEntry> = fc.record({
  term: entryTerm,
  index: natural.map((value) => Math.max(1, value)),
  leaderId: natural,
  kind,
  command: bytes,
});

const log = fc.array(fc.record({ term: entryTerm, kind, bytes }), { maxLength: 12 });

export const consecutiveEntries: fc.Arbitrary<Entry[]> = fc
  .tuple(fc.integer({ min: 1, max: 2 ** 40 }), log)
  .map(([first, items]) => items.map((item, at) => ({ index: first + at, ...item })));

function variant<T extends Message['type']>(
  type: T,
  fields: {
    [K in keyof Omit<Extract<Message, { type: T }>, 'type' | 'term' | 'from'>]: fc.Arbitrary<unknown>;
  },
): fc.Arbitrary<Message> {
  return fc.record({
    type: fc.constant(type),
    term,
    from: natural,
    ...fields,
  }) as fc.Arbitrary<unknown> as fc.Arbitrary<Message>;
}

const appendEntries = variant('appendEntries', {
  prevLogIndex: fc.nat(2 ** 31 - 1),
  prevLogTerm: term,
  entries: log,
  leaderCommit: natural,
  round: natural,
  alive: fc.array(natural, { maxLength: 40 }),
}).map((message) => {
  if (message.type !== 'appendEntries') return message;
  const { prevLogIndex, entries } = message;
  return { ...message, entries: entries.map((entry, at) => ({ ...entry, index: prevLogIndex + 1 + at })) };
});

/** Every type of message. */
export const messages: readonly fc.Arbitrary<Message>[] = [
  appendEntries,
  variant('appendEntriesResponse', {
    success: fc.boolean(),
    round: natural,
    index: natural,
    conflictTerm: term,
    conflictIndex: natural,
  }),
  variant('requestVote', { lastLogIndex: natural, lastLogTerm: term }),
  variant('requestVoteResponse', { granted: fc.boolean() }),
  variant('preVote', { lastLogIndex: natural, lastLogTerm: term }),
  variant('preVoteResponse', { granted: fc.boolean(), proposedTerm: term }),
  variant('readIndex', { request: natural }),
  variant('readIndexResponse', { request: natural, granted: fc.boolean(), index: natural }),
  variant('verify', { request: natural, commands: fc.array(bytes, { maxLength: 20 }) }),
  variant('verifyResponse', { request: natural, approved: fc.array(fc.boolean(), { maxLength: 70 }) }),
];

export const anyMessage = fc.oneof(...messages);
