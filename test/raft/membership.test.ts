import { expect } from 'chai';
import fc from 'fast-check';
import {
  Configuration,
  type ConfigurationData,
  flawIn,
  isSameMember,
  type Member,
} from '../../src/raft/configuration.js';
import {
  CatchUp,
  type Change,
  type ChangeStep,
  changed,
  configurationIsCommitted,
  isForFormerBearer,
  isJoining,
  isOneStep,
  isRemoved,
  isSame,
  isStranger,
  jointly,
  mayLead,
  newVoters,
  preferredVoter,
  preparation,
  reverted,
  settled,
  successorOf,
} from '../../src/raft/membership.js';
import type { Message } from '../../src/raft/messages.js';
import { newProgress } from '../../src/raft/progress.js';
import type { Replica } from '../../src/raft/replica.js';
import { replicaOf } from './replicas.js';

const member = (id: number, more: Partial<Member> = {}): Member => ({
  id,
  address: '',
  incarnation: 0,
  priority: 0,
  ...more,
});
const of = (voters: readonly number[], learners: readonly number[] = []): ConfigurationData => ({
  voters: voters.map((id) => member(id)),
  learners: learners.map((id) => member(id)),
  outgoing: null,
});
const idsOf = (members: readonly Member[]) => members.map(({ id }) => id);
const add = (id: number, learner = false, address = ''): ChangeStep => ({
  kind: 'add',
  id,
  address,
  learner,
});
const remove = (id: number): ChangeStep => ({ kind: 'remove', id });

describe('A change of members', () => {
  const from = of([0, 1, 2], [3]);
  /** What it makes of three voters and a learner: the two lists, or why not. */
  const outcome = (...change: Change) => {
    const made = changed(from, change, 9);
    return 'why' in made ? made : { voters: made.voters, learners: made.learners };
  };
  const kept = { voters: from.voters, learners: from.learners };

  it('adds who is none, under an incarnation of its own', () => {
    const four = member(4, { incarnation: 9, address: 'there' });
    expect(outcome(add(4, false, 'there'))).to.deep.equal({ ...kept, voters: [...from.voters, four] });
    expect(outcome(add(4, true, 'there'))).to.deep.equal({ ...kept, learners: [member(3), four] });
    expect(outcome(remove(2), add(2))).to.deep.equal({
      ...kept,
      voters: [member(0), member(1), member(2, { incarnation: 9 })],
    });
  });

  it('takes the learner that is there when it is to vote, and changes nothing that is so already', () => {
    const promoted = { voters: [...from.voters, member(3)], learners: [] };
    expect(outcome(add(3))).to.deep.equal(promoted);
    expect(outcome({ kind: 'promote', id: 3 })).to.deep.equal(promoted);
    expect(outcome({ kind: 'promote', id: 1 })).to.deep.equal(kept);
    expect(outcome(add(1))).to.deep.equal(kept);
    expect(outcome(add(3, true))).to.deep.equal(kept);
  });

  it('removes, names another address and another priority, of voters and learners', () => {
    expect(outcome(remove(1))).to.deep.equal({ ...kept, voters: [member(0), member(2)] });
    expect(outcome(remove(3))).to.deep.equal({ ...kept, learners: [] });
    for (const [step, more] of [
      [{ kind: 'update', address: 'there' }, { address: 'there' }],
      [{ kind: 'prioritize', priority: 7 }, { priority: 7 }],
    ] as const) {
      expect(outcome({ ...step, id: 1 })).to.deep.equal({
        ...kept,
        voters: [member(0), member(1, more), member(2)],
      });
      expect(outcome({ ...step, id: 3 })).to.deep.equal({ ...kept, learners: [member(3, more)] });
    }
  });

  it('says what cannot be', () => {
    expect(outcome(add(1, true))).to.deep.equal({
      why: 'impossible',
      text: 'Node 1 votes. Remove it first',
    });
    for (const step of [
      remove(7),
      { kind: 'promote', id: 7 },
      { kind: 'update', id: 7, address: 'there' },
      { kind: 'prioritize', id: 7, priority: 1 },
    ] as const) {
      expect(outcome(step)).to.deep.equal({ why: 'notAMember', text: 'Node 7 is no member.' });
    }
    expect(outcome(remove(0), remove(1), remove(2))).to.deep.equal({
      why: 'impossible',
      text: 'Nobody would vote. Add another voter first',
    });
  });

  it('is one entry where one voter differs at most, so that any two majorities share a server', () => {
    const ids = fc.uniqueArray(fc.nat(6), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(ids, ids, (some, others) => {
        const [one, other] = [of(some), of(others)];
        if (!isOneStep(one, other)) return;
        const [before, after] = [new Configuration(one), new Configuration(other)];
        for (let set = 0; set < 2 ** 7; set++) {
          const holds = (voter: number) => (set & (1 << voter)) !== 0;
          expect(before.hasQuorum(holds) && after.hasQuorum((voter) => !holds(voter))).to.equal(false);
        }
      }),
    );
    expect(isOneStep(of([0, 1]), of([0, 1, 2]))).to.equal(true);
    expect(isOneStep(of([0, 1, 2]), of([0, 1]))).to.equal(true);
    expect(isOneStep(of([0, 1, 2]), of([0, 1, 3]))).to.equal(false);
    expect(isOneStep(of([0, 1, 2]), of([0, 1, 2, 3, 4]))).to.equal(false);
    expect(isOneStep(of([0, 1, 2, 3, 4]), of([0, 1, 2]))).to.equal(false);
    // A server that bears the id for another time is another server.
    const again = { ...of([0, 1]), voters: [member(0), member(1), member(2, { incarnation: 9 })] };
    expect(isOneStep(of([0, 1, 2]), again)).to.equal(false);
  });

  it('has those learn first that are to vote and do not', () => {
    const target = of([0, 1, 3, 4]);
    expect(idsOf(newVoters(from, target))).to.deep.equal([3, 4]);
    expect(preparation(from, target)).to.deep.equal({ ...from, learners: [member(3), member(4)] });
    expect(preparation(from, of([0, 1, 2, 3]))).to.equal(null);
    expect(preparation(from, of([0, 1]))).to.equal(null);
    const again = { ...target, voters: [member(0, { incarnation: 9 })] };
    expect(idsOf(newVoters(from, again))).to.deep.equal([0]);
  });

  it('goes through a joint configuration that can be settled, or given up', () => {
    const target = {
      voters: [member(0), member(1, { priority: 2 }), member(4), member(5)],
      learners: [member(2)],
      outgoing: null,
    };
    const joint = jointly(from, target);
    expect(joint).to.deep.equal({
      ...target,
      // Who stays is in both halves the same.
      outgoing: [member(0), member(1, { priority: 2 }), member(2)],
    });
    expect(flawIn({ ...joint, learners: [] })).to.equal(null);
    expect(settled(joint)).to.deep.equal(target);
    const back = reverted({ ...joint, learners: [member(6)] });
    expect([idsOf(back.voters), idsOf(back.learners), back.outgoing]).to.deep.equal([
      [0, 1, 2],
      [6, 4, 5],
      null,
    ]);
    expect(reverted(from)).to.deep.equal(from);
  });

  it('is the same, or is not, member by member', () => {
    expect(isSame(from, of([2, 0, 1], [3]))).to.equal(true);
    expect(isSame(from, of([0, 1], [3]))).to.equal(false);
    expect(isSame(of([0, 1], [3]), from)).to.equal(false);
    expect(isSame(from, of([0, 1, 4], [3]))).to.equal(false);
    expect(isSame(from, of([0, 1, 2]))).to.equal(false);
    expect(isSame(from, of([0, 1, 2], [4]))).to.equal(false);
    for (const more of [{ id: 1 }, { address: 'there' }, { incarnation: 1 }, { priority: 1 }]) {
      expect(isSameMember(member(0), member(0, more))).to.equal(false);
    }
    expect(isSameMember(member(0), member(0))).to.equal(true);
  });

  it('never makes what is no configuration', () => {
    const id = fc.nat(4);
    const step: fc.Arbitrary<ChangeStep> = fc.oneof(
      fc.record({ kind: fc.constant('add' as const), id, address: fc.constant(''), learner: fc.boolean() }),
      fc.record({ kind: fc.constantFrom('remove' as const, 'promote' as const), id }),
      fc.record({ kind: fc.constant('update' as const), id, address: fc.constantFrom('a', 'b') }),
      fc.record({ kind: fc.constant('prioritize' as const), id, priority: fc.nat(3) }),
    );
    fc.assert(
      fc.property(fc.array(fc.array(step, { maxLength: 3 }), { maxLength: 6 }), (changes) => {
        let data = of([0, 1, 2]);
        for (const [at, change] of changes.entries()) {
          const target = changed(data, change, at + 1);
          if ('why' in target) continue;
          for (const each of [target, preparation(data, target) ?? data, jointly(data, target)]) {
            expect(flawIn(each)).to.equal(null);
          }
          expect(
            reverted(jointly(data, target))
              .voters.map(({ id: each }) => each)
              .sort(),
          ).to.deep.equal(data.voters.map(({ id: each }) => each).sort());
          expect(settled(jointly(data, target))).to.deep.equal({ ...target, outgoing: null });
          data = target;
        }
      }),
    );
  });
});

describe('Who may lead, was removed, or is a stranger', () => {
  /** A server whose log has one more configuration, at entry 3, committed or not. */
  function replica(id: number, latest: Configuration, isCommitted: boolean): Replica {
    const made = replicaOf({ id, log: [1, 1, 1], term: 1, learners: [3] });
    made.configurations.append(3, latest);
    made.commitIndex = isCommitted ? 3 : 2;
    return made;
  }

  it('is a voter, or one that is left out as long as that may not be committed', () => {
    const without = Configuration.of([1, 2]);
    expect(configurationIsCommitted(replica(0, without, false))).to.equal(false);
    expect(configurationIsCommitted(replica(0, without, true))).to.equal(true);
    expect([false, true].map((committed) => mayLead(replica(0, without, committed)))).to.deep.equal([
      true,
      false,
    ]);
    expect([false, true].map((committed) => mayLead(replica(1, without, committed)))).to.deep.equal([
      true,
      true,
    ]);
    expect([false, true].map((committed) => mayLead(replica(3, without, committed)))).to.deep.equal([
      false,
      false,
    ]);
  });

  it('is out when a committed configuration says so that follows one that named it', () => {
    const without = Configuration.of([1, 2]);
    expect([false, true].map((committed) => isRemoved(replica(0, without, committed)))).to.deep.equal([
      false,
      true,
    ]);
    expect(isRemoved(replica(1, without, true))).to.equal(false);
    expect(isRemoved(replica(8, without, true)), 'one that was never named').to.equal(false);
    expect([false, true].map((committed) => isStranger(replica(1, without, committed), 0))).to.deep.equal([
      false,
      true,
    ]);
    expect(isStranger(replica(1, without, true), 2)).to.equal(false);
  });
});

describe('A server that is to vote', () => {
  const progressAt = (matchIndex: number, answeredAtMs = 0) => {
    const progress = newProgress(4, replicaOf().log);
    return Object.assign(progress, { matchIndex, answeredAtMs });
  };

  it('has caught up after a round of replication that took less than an election timeout', () => {
    const catchUp = new CatchUp(member(4), 100, 1000);
    catchUp.note(progressAt(99), 150, 1100, 150);
    expect(catchUp.isDone, 'not level yet').to.equal(false);
    catchUp.note(progressAt(100), 150, 1150, 150);
    expect(catchUp.isDone, 'as long as a timeout').to.equal(false);
    catchUp.note(progressAt(149), 170, 1200, 150);
    expect(catchUp.isDone, 'the next round goes as far as the log does then').to.equal(false);
    catchUp.note(progressAt(150), 170, 1299, 150);
    expect(catchUp.isDone).to.equal(true);
    catchUp.note(progressAt(170), 190, 9000, 150);
    expect(catchUp.isDone, 'once and for all').to.equal(true);
  });

  it('is not waited for when it says nothing, or is never level', () => {
    const catchUp = new CatchUp(member(4), 100, 1000);
    expect(catchUp.failure(undefined, 1499, 500)).to.equal(null);
    expect(catchUp.failure(undefined, 1500, 500)).to.equal('has not answered for 500 ms');
    expect(catchUp.failure(progressAt(0, 1200), 1699, 500)).to.equal(null);
    expect(catchUp.failure(progressAt(0, 1200), 1700.4, 500)).to.equal('has not answered for 500 ms');
    expect(catchUp.failure(progressAt(0, 200), 1499, 500), 'an answer of before').to.equal(null);
    for (let round = 1; round <= 10; round++) {
      expect(catchUp.failure(progressAt(0, 9000), 9000, 500), `round ${round}`).to.equal(null);
      catchUp.note(progressAt(100 * round), 100 * (round + 1), 1000 * (round + 1), 150);
    }
    expect(catchUp.failure(progressAt(0, 12_000), 12_000, 500)).to.equal(
      'was not level after 10 rounds of replication',
    );
  });
});

describe('Who leads next', () => {
  /** A leader, 0, of voters with priorities and a learner 9; who has how much, and when it answered. */
  function leaderOf(
    voters: readonly Member[],
    known: Readonly<Record<number, readonly [matchIndex: number, answeredAtMs: number]>>,
  ): Replica {
    const replica = replicaOf({ log: [1, 1, 1, 1, 1] });
    replica.configurations.restore(0, new Configuration({ voters, learners: [member(9)], outgoing: null }));
    replica.progress.clear();
    for (const [id, [matchIndex, answeredAtMs]] of Object.entries(known)) {
      const progress = newProgress(Number(id), replica.log);
      replica.progress.set(Number(id), Object.assign(progress, { matchIndex, answeredAtMs }));
    }
    replica.commitIndex = 4;
    return replica;
  }

  it('is the most level of the voters that answer, and of these the most preferred', () => {
    const voters = [member(0), member(1), member(2, { priority: 1 }), member(3)];
    const successor = (known: Parameters<typeof leaderOf>[1]) =>
      successorOf(leaderOf(voters, known), 1000, 100);
    expect(successor({ 1: [5, 950], 2: [4, 950], 3: [5, 950] })).to.equal(1);
    expect(successor({ 1: [4, 950], 2: [4, 950], 3: [4, 950] })).to.equal(2);
    expect(successor({ 1: [4, 950], 2: [4, 900], 3: [5, 901] })).to.equal(3);
    expect(successor({ 1: [5, 900], 2: [5, 0] })).to.equal(null);
    expect(successor({ 9: [5, 999], 7: [5, 999] })).to.equal(null);
    expect(successor({ 3: [1, 999], 1: [1, 999] }), 'the first of those that are alike').to.equal(1);
  });

  it('is a preferred voter that answers and has all that is committed', () => {
    const voters = [member(0, { priority: 1 }), member(1), member(2, { priority: 2 })];
    const preferred = (known: Parameters<typeof leaderOf>[1], of_ = voters) =>
      preferredVoter(leaderOf(of_, known), 1000, 100);
    expect(preferred({ 1: [5, 999], 2: [4, 950] })).to.equal(2);
    expect(preferred({ 1: [5, 999], 2: [3, 950] })).to.equal(null);
    expect(preferred({ 1: [5, 999], 2: [5, 900] })).to.equal(null);
    expect(preferred({ 9: [5, 999] })).to.equal(null);
    const best = [member(0, { priority: 3 }), ...voters.slice(1)];
    expect(preferred({ 1: [5, 999], 2: [5, 999] }, best)).to.equal(null);
    const alike = [member(0, { priority: 2 }), ...voters.slice(1)];
    expect(preferred({ 1: [5, 999], 2: [5, 999] }, alike)).to.equal(null);
  });
});

describe('A server that joins', () => {
  const joining = (joinsAfter: number | null, ...incarnations: readonly number[]): Replica => {
    const { id, configurations, ...replica } = replicaOf({ id: 2, voters: [0, 1], log: [1, 1, 1, 1] });
    for (const [at, incarnation] of incarnations.entries()) {
      const data = { ...of([0, 1]), learners: [member(2, { incarnation })] };
      configurations.append(at + 1, new Configuration(data));
    }
    return Object.defineProperties({ ...replica, id, configurations, joinsAfter } as Replica, {
      configuration: { get: () => configurations.latest },
    });
  };
  const append = (incarnation: number) =>
    ({ type: 'appendEntries', term: 1, from: 0, incarnation }) as unknown as Message;
  const ask = (type: 'requestVote' | 'preVote' | 'timeoutNow') => ({ type, term: 1, from: 0 }) as Message;

  it('is none of the members of its log that bore its id before', () => {
    expect(isJoining(joining(null))).equal(false);
    expect(isJoining(joining(0))).equal(true);
    expect(isJoining(joining(5, 0, 5))).equal(true);
    expect(isJoining(joining(5, 0, 5, 6))).equal(false);
    expect(isRemoved(joining(5))).equal(false);
  });

  it('hears what is said to itself, and nothing that was for them', () => {
    const snapshot = { ...append(5), type: 'installSnapshot' } as Message;
    for (const message of [append(0), append(5), snapshot]) {
      expect(isForFormerBearer(joining(5, 6), message)).equal(true);
      expect(isForFormerBearer(joining(null), message)).equal(false);
    }
    expect(isForFormerBearer(joining(5), append(6))).equal(false);
    for (const type of ['requestVote', 'preVote', 'timeoutNow'] as const) {
      expect(isForFormerBearer(joining(5, 5), ask(type)), type).equal(true);
      expect(isForFormerBearer(joining(5, 6), ask(type)), type).equal(false);
    }
    expect(
      isForFormerBearer(joining(5), { type: 'notMember', term: 1, from: 0, commitIndex: 1, commitTerm: 1 }),
    ).equal(false);
  });
});
