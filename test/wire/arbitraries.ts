import fc from 'fast-check';
import { packBytes } from '../../src/ground/byte-strings.js';
import { Random } from '../../src/ground/random.js';
import { Configuration } from '../../src/raft/configuration.js';
import {
  type EntryKind,
  entryKinds,
  type LogEntry,
  type SessionPlace,
  termMax,
} from '../../src/raft/entry.js';
import type { Message } from '../../src/raft/messages.js';
import type { Run } from '../../src/raft/run.js';
import type { Cipher, CipherOptions } from '../../src/wire/cipher.js';
import { createCipher } from '../../src/wire/create-cipher.js';
import { type Envelope, FrameDecoder, FrameEncoder, type Spoken } from '../../src/wire/messages.js';
import { countMax, type SealedRun } from '../../src/wire/packed-runs.js';
import { RunSeals } from '../../src/wire/run-seals.js';

/* What may be said on the wire, for property tests. */

export const cipherOptions: readonly CipherOptions[] = [
  { kind: 'none' },
  { kind: 'pseudo' },
  { kind: 'aes-256-gcm', key: Uint8Array.from({ length: 32 }, (_, at) => at) },
];

/** One cipher of each kind. */
export const ciphers = (): Cipher[] => cipherOptions.map((options) => createCipher(options, new Random(7)));

/** An envelope like any other. */
export const envelope: Envelope = { to: 2, cluster: 2 ** 40 + 5, life: 2 ** 47 + 9, receiverLife: 77 };

/** The message as a frame, by an encoder that has sent nothing before. */
export function frameOf(message: Spoken, cipher: Cipher, to: Envelope = envelope): Uint8Array<ArrayBuffer> {
  return new FrameEncoder(cipher, new RunSeals(cipher)).encode(message, to);
}

export function decoderFor(cipher: Cipher): FrameDecoder {
  return new FrameDecoder(cipher, new RunSeals(cipher));
}

export const bytes = fc.uint8Array({ maxLength: 400 });
const natural = fc.oneof(fc.nat(300), fc.maxSafeNat(), fc.constant(Number.MAX_SAFE_INTEGER));
const term = fc.oneof(
  fc.nat(9),
  fc.maxSafeNat().map((value) => value % (termMax + 1)),
  fc.constant(termMax),
);
const entryTerm = term.map((value) => Math.max(1, value));
const kind = fc.constantFrom(...entryKinds);
const place: fc.Arbitrary<SessionPlace> = fc.record({
  id: natural,
  sequence: fc.nat(2 ** 48),
  acknowledged: natural,
  logTimeMs: natural,
});

/** Entries of a session say their place in it, those that are no commands and no part of its life have none. */
function placed<Item extends { readonly kind: EntryKind }>(
  item: Item,
  session: SessionPlace,
  isPlain: boolean,
) {
  const isOfSession = item.kind === 'session' || (item.kind === 'command' && !isPlain);
  return isOfSession ? { ...item, session } : item;
}

export const logEntry: fc.Arbitrary<LogEntry> = fc
  .tuple(
    fc.record({
      term: entryTerm,
      index: natural.map((value) => Math.max(1, value)),
      leaderId: natural,
      kind,
      command: bytes,
    }),
    place,
    fc.boolean(),
  )
  .map(([entry, session, isPlain]) => placed(entry, session, isPlain));

/** Runs that follow one another from `firstIndex` on. */
const consecutiveFrom = (firstIndex: number): fc.Arbitrary<Run[]> =>
  fc
    .array(
      fc.record({
        term: entryTerm,
        kind,
        leaderId: natural,
        session: place,
        isPlain: fc.boolean(),
        commands: fc.array(bytes, { minLength: 1, maxLength: 5 }),
      }),
      { maxLength: 6 },
    )
    .map((items) => {
      let next = firstIndex;
      return items.map(({ term, kind, leaderId, commands: given, session, isPlain }) => {
        const commands = kind === 'session' ? given.slice(0, 1) : given;
        const run = {
          firstIndex: next,
          count: commands.length,
          term,
          kind,
          leaderId,
          body: packBytes(commands),
        };
        next += commands.length;
        return placed(run, session, isPlain);
      });
    });

export const consecutiveRuns: fc.Arbitrary<Run[]> = fc
  .integer({ min: 1, max: 2 ** 40 })
  .chain(consecutiveFrom);

/** Runs as a storage or a frame may be given them: nothing is known of what they hold. */
export const sealedRuns: fc.Arbitrary<SealedRun[]> = fc
  .tuple(
    fc.integer({ min: 1, max: 2 ** 40 }),
    fc.array(
      fc.record({ count: fc.integer({ min: 1, max: countMax }), term: entryTerm, kind, sealed: bytes }),
      {
        maxLength: 12,
      },
    ),
  )
  .map(([first, items]) => {
    let next = first;
    return items.map((item) => {
      const run = { firstIndex: next, ...item };
      next += item.count;
      return run;
    });
  });

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
  prevLogIndex: fc.constant(0),
  prevLogTerm: term,
  runs: consecutiveRuns,
  leaderCommit: natural,
  round: natural,
  alive: fc.array(natural, { maxLength: 40 }),
  incarnation: natural,
}).map((message) => {
  if (message.type !== 'appendEntries') return message;
  return { ...message, prevLogIndex: (message.runs[0]?.firstIndex ?? 1) - 1 };
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
    incarnation: natural,
  }),
  variant('requestVote', { lastLogIndex: natural, lastLogTerm: term, isTransfer: fc.boolean() }),
  variant('requestVoteResponse', { granted: fc.boolean() }),
  variant('preVote', { lastLogIndex: natural, lastLogTerm: term }),
  variant('preVoteResponse', { granted: fc.boolean(), proposedTerm: term }),
  variant('readIndex', { request: natural }),
  variant('readIndexResponse', { request: natural, granted: fc.boolean(), index: natural }),
  variant('verify', { request: natural, commands: fc.array(bytes, { maxLength: 20 }) }),
  variant('verifyResponse', {
    request: natural,
    approved: fc.array(fc.boolean(), { maxLength: 70 }),
    reasons: fc.array(bytes, { maxLength: 5 }),
  }),
  variant('timeoutNow', {}),
  variant('transferDeclined', {}),
  variant('notMember', { commitIndex: natural, commitTerm: term }),
  variant('installSnapshot', {
    lastIncludedIndex: natural,
    lastIncludedTerm: term,
    configuration: fc.constantFrom(Configuration.of([0, 1, 2]).data, Configuration.of([3], [7, 9]).data, {
      ...Configuration.of([1, 2]).data,
      outgoing: Configuration.of([2, 5]).data.voters,
    }),
    configurationIndex: natural,
    position: natural,
    chunk: bytes,
    done: fc.boolean(),
    incarnation: natural,
  }),
  variant('installSnapshotResponse', {
    index: natural,
    success: fc.boolean(),
    position: natural,
    incarnation: natural,
  }),
];

export const anyMessage = fc.oneof(...messages);
