import { expect } from 'chai';
import fc from 'fast-check';
import { Configuration, type ConfigurationData, type Member } from '../../src/raft/configuration.js';
import { ConfigurationHistory } from '../../src/raft/configuration-history.js';
import { InvariantViolation, invariant } from '../../src/raft/invariant.js';
import { appendEntries, appendToOwnLog, becomeLeader } from '../../src/raft/replication.js';
import { readConfiguration } from '../../src/wire/configuration.js';
import { appendFrom, configurationRun, entry, replicaOf } from './replicas.js';

function member(id: number, address = '', incarnation = 0): Member {
  return { id, address, incarnation, priority: 0 };
}

function joint(voters: readonly number[], outgoing: readonly number[], learners: readonly number[] = []) {
  const [data, leaving, learning] = [voters, outgoing, learners].map((ids) => ids.map((id) => member(id)));
  return new Configuration({ voters: data!, outgoing: leaving!, learners: learning! });
}

const ids = (minLength: number) => fc.uniqueArray(fc.nat(11), { minLength, maxLength: 7 });
/** Simple and joint configurations, learners among the voters that leave included. */
const configurations = fc
  .tuple(ids(1), fc.option(ids(1)), ids(0))
  .map(([voters, outgoing, learners]): ConfigurationData => {
    const membersOf = (some: readonly number[]) => some.map((id) => member(id));
    return {
      voters: membersOf(voters),
      outgoing: outgoing === null ? null : membersOf(outgoing),
      learners: membersOf(learners.filter((id) => !voters.includes(id))),
    };
  });
const valuesOf = fc.array(fc.nat(20), { minLength: 12, maxLength: 12 });

/** §6 as it is said: agreement takes a majority of the old configuration and a majority of the new one. */
function naivelyDecides({ voters, outgoing }: ConfigurationData, some: (id: number) => boolean): boolean {
  const majorityOf = (half: readonly Member[]) => half.filter(({ id }) => some(id)).length * 2 > half.length;
  return majorityOf(voters) && (outgoing === null || majorityOf(outgoing));
}

describe('A configuration: who can decide (§5.2, §6)', () => {
  it('has a quorum when more than half of each half agree', () => {
    fc.assert(
      fc.property(configurations, fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }), (data, agree) => {
        const decides = new Configuration(data).hasQuorum((id) => agree[id] === true);
        expect(decides).equal(naivelyDecides(data, (id) => agree[id] === true));
      }),
      { numRuns: 1000 },
    );
  });

  it('has reached the highest value that such a quorum has', () => {
    fc.assert(
      fc.property(configurations, valuesOf, (data, values) => {
        const isReached = (n: number) => naivelyDecides(data, (id) => (values[id] as number) >= n);
        const naive = Math.max(...[0, ...values].filter(isReached));
        expect(new Configuration(data).reached((id) => values[id] as number)).equal(naive);
      }),
      { numRuns: 1000 },
    );
  });

  it('lets no two decide apart: any two quorums share a voter, also of a joint one and of either half', () => {
    const some = fc.array(fc.boolean(), { minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(configurations, some, some, fc.nat(2), (data, one, another, which) => {
        const whole = new Configuration(data);
        const half = { ...data, outgoing: null };
        const old = { voters: data.outgoing ?? data.voters, learners: [], outgoing: null };
        const other = new Configuration([data, half, old][which] as ConfigurationData);
        fc.pre(whole.hasQuorum((id) => one[id] === true) && other.hasQuorum((id) => another[id] === true));
        expect(whole.voters.some((id) => one[id] && another[id])).equal(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('asks each voter of a half once, and learners never', () => {
    fc.assert(
      fc.property(configurations, valuesOf, (data, values) => {
        const asked: number[] = [];
        new Configuration(data).reached((id) => asked.push(id) * 0 + (values[id] as number));
        const voters = [...data.voters, ...(data.outgoing ?? [])].map(({ id }) => id);
        expect(asked.sort()).deep.equal(voters.sort());
      }),
    );
  });

  it('finds the shortest quorum from the first on', () => {
    const five = Configuration.of([0, 1, 2, 3, 4]);
    expect(five.shortestQuorum([4, 3, 2, 1, 0])).deep.equal([4, 3, 2]);
    expect(five.shortestQuorum([4, 3])).equal(null);
    expect(joint([0, 1, 2], [2, 3, 4]).shortestQuorum([0, 1, 2, 3])).deep.equal([0, 1, 2, 3]);
  });
});

describe('A configuration: who belongs to it', () => {
  it('tells voters from learners and from strangers', () => {
    const configuration = Configuration.of([0, 1, 2], [3]);
    const rows = [0, 3, 9].map((id) => [
      configuration.isVoter(id),
      configuration.isLearner(id),
      configuration.isMember(id),
    ]);
    expect(rows).deep.equal([
      [true, false, true],
      [false, true, true],
      [false, false, false],
    ]);
    expect(configuration.isJoint).equal(false);
  });

  it('makes peers of all members but oneself', () => {
    const configuration = Configuration.of([0, 1, 2], [3]);
    expect(configuration.peersOf(1)).deep.equal([0, 2, 3]);
    expect(configuration.peersOf(3)).deep.equal([0, 1, 2]);
  });

  it('lets those vote who leave, until they have left, also one that is to be a learner', () => {
    const configuration = joint([0, 1, 2], [2, 3, 4], [3]);
    expect(configuration.isJoint).equal(true);
    expect(configuration.voters).deep.equal([0, 1, 2, 3, 4]);
    expect(configuration.learners).deep.equal([]);
    expect(configuration.peersOf(2)).deep.equal([0, 1, 3, 4]);
  });

  it('knows where a member is reached, and which of those that bore its id it is', () => {
    const data = { voters: [member(7, 'there:1', 2)], learners: [], outgoing: null };
    expect(new Configuration(data).member(7)).deep.equal(member(7, 'there:1', 2));
    expect(new Configuration(data).member(8)).equal(null);
  });

  it('is made of ids with the address of each, and with none where none is given', () => {
    const made = Configuration.of([0, 1], [2], { 1: 'there:1', 2: 'there:2' });
    expect(made.members).deep.equal([member(0), member(1, 'there:1'), member(2, 'there:2')]);
  });

  it('is on its way from the voters of before, where there are such', () => {
    const between = Configuration.between([2, 3], [0, 1, 2], [4]);
    expect(between.data).deep.equal(joint([0, 1, 2], [2, 3], [4]).data);
    expect(Configuration.between([], [0, 1, 2], [4]).data).deep.equal(Configuration.of([0, 1, 2], [4]).data);
  });

  it('ranks its members by priority, and a stranger behind all who have one', () => {
    const voters = [5, 0, 5, 2].map((priority, id) => ({ ...member(id), priority }));
    const configuration = new Configuration({ voters, learners: [], outgoing: null });
    expect([0, 1, 2, 3, 9].map((id) => configuration.rankOf(id))).deep.equal([0, 2, 0, 1, 2]);
  });

  it('is none without voters, with a member named twice, or one that is two servers', () => {
    const [a, b] = [member(1), member(2)];
    const flawed: [ConfigurationData, string][] = [
      [{ voters: [], learners: [a], outgoing: null }, 'nobody votes'],
      [{ voters: [a], learners: [], outgoing: [] }, 'nobody votes'],
      [{ voters: [a, a], learners: [], outgoing: null }, 'named twice'],
      [{ voters: [a], learners: [b, b], outgoing: null }, 'named twice'],
      [{ voters: [a], learners: [a], outgoing: null }, 'a learner votes'],
      [{ voters: [a], learners: [], outgoing: [member(1, '', 1)] }, 'member 1 is two servers'],
      [{ voters: [a], learners: [member(2, 'x')], outgoing: [b] }, 'member 2 is two servers'],
    ];
    for (const [data, flaw] of flawed) {
      expect(() => new Configuration(data)).throw(InvariantViolation, flaw);
    }
  });
});

describe('A server’s configuration', () => {
  it('is in force at a leader from the moment that it is appended: it follows new members and forgets who left (§6)', () => {
    const leader = replicaOf({ voters: [0, 1, 2], log: [1, 1] });
    becomeLeader(leader, 0);
    leader.progress.get(1)!.matchIndex = 2;
    appendToOwnLog(leader, [configurationRun(3, 1, joint([0, 1, 3], [0, 1, 2], [4]))]);
    expect([...leader.progress.keys()].sort()).deep.equal([1, 2, 3, 4]);
    appendToOwnLog(leader, [configurationRun(4, 1, Configuration.of([0, 1, 3], [4]))]);
    expect(
      [...leader.progress.values()].map(({ id, matchIndex, nextIndex }) => [id, matchIndex, nextIndex]),
    ).deep.equal([
      [1, 2, 3],
      [3, 0, 4],
      [4, 0, 4],
    ]);
  });

  it('forgets what a server had that bore the id of a new one', () => {
    const leader = replicaOf({ voters: [0, 1, 2], log: [1, 1] });
    becomeLeader(leader, 0);
    leader.progress.get(2)!.matchIndex = 2;
    const again = new Configuration({
      voters: [member(0), member(1), member(2, '', 3)],
      learners: [],
      outgoing: null,
    });
    appendToOwnLog(leader, [configurationRun(3, 1, again)]);
    expect(leader.progress.get(2)).deep.include({ incarnation: 3, matchIndex: 0 });
  });

  it('is in force at a follower from the moment that it is stored, and goes with the entry that is cut off', () => {
    const follower = replicaOf({ voters: [0, 1, 2], log: [1] });
    const runs = [
      configurationRun(2, 1, Configuration.of([0, 1])),
      configurationRun(3, 1, Configuration.of([1])),
    ];
    appendEntries(follower, appendFrom(1, { term: 1, prevLogIndex: 1, prevLogTerm: 1, runs }));
    expect([follower.configuration.voters, follower.configurations.latestIndex]).deep.equal([[1], 3]);
    expect(follower.configurations.at(2).configuration.voters).deep.equal([0, 1]);
    follower.currentTerm = 2;
    const other = [entry(3, 2)];
    appendEntries(follower, appendFrom(2, { term: 2, prevLogIndex: 2, prevLogTerm: 1, runs: other }));
    expect([follower.configuration.voters, follower.configurations.latestIndex]).deep.equal([[0, 1], 2]);
    const another = [entry(2, 2)];
    follower.currentTerm = 3;
    appendEntries(follower, appendFrom(0, { term: 3, prevLogIndex: 1, prevLogTerm: 1, runs: another }));
    expect([follower.configuration.voters, follower.configurations.latestIndex]).deep.equal([[0, 1, 2], 0]);
  });
});

describe('The configurations of a log', () => {
  const [first, second, third] = [[0, 1, 2], [0, 1], [0]].map((voters) => Configuration.of(voters));

  function history(): ConfigurationHistory {
    const made = new ConfigurationHistory(first!, readConfiguration);
    made.append(4, second!);
    made.append(7, third!);
    return made;
  }

  it('are told for each of its ends', () => {
    const placed = [0, 3, 4, 6, 7, 99].map((index) => history().at(index));
    expect(placed.map(({ index }) => index)).deep.equal([0, 0, 4, 4, 7, 7]);
    expect(history().previous).equal(second);
    expect(new ConfigurationHistory(first!, readConfiguration).previous).equal(first);
  });

  it('are forgotten where the log is, but for the one that its first entry follows', () => {
    const made = history();
    made.dropThrough(5);
    expect([made.at(5), made.latestIndex]).deep.equal([{ index: 4, configuration: second }, 7]);
    made.dropThrough(8);
    expect(made.at(8)).deep.equal({ index: 7, configuration: third });
    expect(() => made.truncateFrom(7)).throw(InvariantViolation);
  });

  it('are a snapshot’s alone once that is installed', () => {
    const made = history();
    made.restore(20, first!);
    expect([made.latest, made.latestIndex]).deep.equal([first, 20]);
    made.append(21, second!);
    made.truncateFrom(21);
    expect(made.latest).equal(first);
    expect(() => made.append(20, second!)).throw(
      InvariantViolation,
      'A configuration at 20 cannot follow one at 20.',
    );
    expect(() => made.truncateFrom(20)).throw(
      InvariantViolation,
      'No configuration is known before entry 20.',
    );
  });

  it('are all told, for those who check them', () => {
    expect(history().all.map(({ index, configuration }) => [index, configuration])).deep.equal([
      [0, first],
      [4, second],
      [7, third],
    ]);
  });

  it('come with the entries that name one, and with no others', () => {
    const made = history();
    expect(made.follow([entry(8, 2)])).equal(false);
    expect(made.follow([entry(9, 2), configurationRun(10, 2, second!), entry(11, 2)])).equal(true);
    expect([made.latest.voters, made.latestIndex]).deep.equal([[0, 1], 10]);
    const unreadable = { ...configurationRun(12, 2, first!), body: new Uint8Array(3) };
    expect(() => made.follow([unreadable])).throw(
      InvariantViolation,
      'Entry 12 is to name a configuration and names none.',
    );
  });
});

describe('A server that starts', () => {
  it('keeps term, vote and log, and has committed and applied nothing yet (Figure 2)', () => {
    const replica = replicaOf({ term: 7, votedFor: 2, log: [3, 3] });
    expect(replica).include({ currentTerm: 7, votedFor: 2, commitIndex: 0, lastApplied: 0, leaderId: null });
    expect(replica.log.durableIndex).equal(2);
    expect(replica.aliveByLeader, 'nobody has said who lives').deep.equal([]);
  });
});

describe('A broken invariant', () => {
  it('is an error with a code, which says what broke and what to do', () => {
    expect(() => invariant(false, () => 'Two and two are five.'))
      .throw(InvariantViolation, /^Two and two are five\. .*keep its disk/)
      .include({ code: 'INVARIANT_VIOLATED', name: 'InvariantViolation' });
    expect(() => invariant(true, () => 'never')).not.throw();
  });
});
