import { expect } from 'chai';
import fc from 'fast-check';
import { termMax } from '../../src/raft/entry.js';
import type { Message } from '../../src/raft/messages.js';
import { entry, LoneNode } from './lone-node.js';

/*
 * Whoever can put a frame on the network can say what he likes in it: without a cipher anybody, with one whoever has
 * recorded frames, or has the key. Nothing that is said may end a node. The messages here are drawn near what the node
 * knows, so that they pass for true as far as they can.
 */

const roles = ['follower', 'following', 'preCandidate', 'candidate', 'leader', 'learner'] as const;

/** A node of three, in term 5 or the one after, which has five entries and holds some of them for committed. */
function nodeAs(role: (typeof roles)[number], preVote: boolean, slowDisk: boolean): LoneNode {
  const voters = role === 'learner' ? [1, 2] : [0, 1, 2];
  const learners = role === 'learner' ? [0] : [];
  const node = new LoneNode({ voters, learners, preVote, log: [1, 2, 2, 4, 4], term: 5 });
  if (role !== 'follower') node.hearLeader(1, { leaderCommit: 3 });
  if (role === 'preCandidate' || role === 'candidate' || role === 'leader')
    node.tell({ type: 'host.campaign' });
  if (role === 'candidate' || role === 'leader') {
    if (node.role === 'preCandidate') node.answerVotes(true, 1);
    if (role === 'leader') node.answerVotes(true, 1);
  }
  node.disk.isSlow = slowDisk;
  return node;
}

const from = fc.constantFrom(1, 2);
const term = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 4, max: 8 }) },
  { weight: 1, arbitrary: fc.constantFrom(0, 5 + 2 ** 32, termMax - 1, termMax) },
);
const index = fc.oneof(
  { weight: 8, arbitrary: fc.nat(9) },
  { weight: 1, arbitrary: fc.constantFrom(2 ** 31, Number.MAX_SAFE_INTEGER - 100, Number.MAX_SAFE_INTEGER) },
);
const small = fc.nat(4);
const flag = fc.boolean();

const append = fc
  .record({
    type: fc.constant('appendEntries' as const),
    term,
    from,
    prevLogIndex: fc.nat(9),
    prevLogTerm: fc.nat(7),
    terms: fc.array(fc.integer({ min: 1, max: 8 }), { maxLength: 5 }),
    leaderCommit: index,
    round: index,
    alive: fc.array(index, { maxLength: 3 }),
    incarnation: fc.nat(1),
  })
  .map(({ terms, ...fields }): Message => {
    const runs = terms.map((each, at) => entry(fields.prevLogIndex + 1 + at, each, `forged ${each}`));
    return { ...fields, runs };
  });

function saying<Type extends Message['type']>(
  type: Type,
  fields: {
    [Name in Exclude<
      keyof Extract<Message, { type: Type }>,
      'type' | 'term' | 'from'
    >]: fc.Arbitrary<unknown>;
  },
): fc.Arbitrary<Message> {
  return fc.record({
    type: fc.constant(type),
    term,
    from,
    ...fields,
  }) as fc.Arbitrary<unknown> as fc.Arbitrary<Message>;
}

const anything: readonly fc.Arbitrary<Message>[] = [
  append,
  saying('appendEntriesResponse', {
    success: flag,
    round: small,
    index,
    conflictTerm: term,
    conflictIndex: index,
    incarnation: fc.nat(1),
  }),
  saying('requestVote', { lastLogIndex: index, lastLogTerm: term, isTransfer: flag }),
  saying('requestVoteResponse', { granted: flag }),
  saying('preVote', { lastLogIndex: index, lastLogTerm: term }),
  saying('preVoteResponse', { granted: flag, proposedTerm: term }),
  saying('readIndex', { request: index }),
  saying('readIndexResponse', { request: index, granted: flag, index }),
  saying('verify', { request: index, commands: fc.array(fc.uint8Array({ maxLength: 4 }), { maxLength: 3 }) }),
  saying('verifyResponse', {
    request: small,
    approved: fc.array(flag, { maxLength: 3 }),
    reasons: fc.array(fc.uint8Array({ maxLength: 3 }), { maxLength: 3 }),
  }),
  saying('timeoutNow', {}),
  saying('transferDeclined', {}),
  saying('notMember', { commitIndex: index, commitTerm: term }),
];

/** Messages that come in one turn or in several, with time between them. */
const attack = fc.array(
  fc.record({
    messages: fc.array(fc.oneof(...anything), { minLength: 1, maxLength: 4 }),
    passes: fc.constantFrom(0, 1, 60, 400),
  }),
  { minLength: 1, maxLength: 4 },
);

describe('What peers say, whatever it is', () => {
  it('ends no node, in no role: ten thousand attacks', function () {
    this.timeout(120_000);
    fc.assert(
      fc.property(fc.constantFrom(...roles), flag, flag, attack, (role, preVote, slowDisk, turns) => {
        const node = nodeAs(role, preVote, slowDisk);
        node.propose('a', 'b');
        node.read();
        for (const { messages, passes } of turns) {
          node.hear(...messages);
          node.pass(passes);
          if (node.disk.isBusy) node.completeWrite();
        }
        expect(node.deaths.map(String)).deep.equal([]);
        node.actor.end();
      }),
      { numRuns: 10_000 },
    );
  });

  it('is counted by what is wrong with it, and not heard', () => {
    const node = nodeAs('following', true, false);
    const heartbeat = { term: 5, prevLogIndex: 5, prevLogTerm: 4 };
    node.hearLeader(2, heartbeat);
    node.hearLeader(1, { term: 9, prevLogIndex: 2, prevLogTerm: 1 });
    node.hear({
      type: 'requestVote',
      isTransfer: false,
      term: 2 ** 40,
      from: 2,
      lastLogIndex: 9,
      lastLogTerm: 4,
    });
    expect(node.actor.inbox.counters.nonsense).include({
      secondLeader: 1,
      conflictsWithCommitted: 1,
      termOutOfReach: 1,
      matchBeyondLog: 0,
    });
    expect(node.info).include({ term: 5, leaderId: 1, role: 'follower' });
  });

  it('cannot bring a node beyond the last term that wire and disk have room for', () => {
    for (const preVote of [true, false]) {
      const node = new LoneNode({ preVote, term: termMax });
      node.pass(2000);
      expect([node.role, node.term, node.deaths]).deep.equal(['follower', termMax, []]);
    }
  });
});
