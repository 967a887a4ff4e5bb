import { expect } from 'chai';
import fc from 'fast-check';
import { InvariantViolation } from '../../src/raft/invariant.js';
import type { Replica } from '../../src/raft/replica.js';
import * as rules from '../../src/raft/replication.js';
import { cutRun, lastIndexOf, type Run } from '../../src/raft/run.js';
import { newTransfer } from '../../src/raft/snapshot.js';
import { appendFrom, entriesIn, entriesOf, entry, replicaOf, runsOf, termsOf } from './replicas.js';

function lead(replica: Replica): Replica {
  rules.becomeLeader(replica, 0);
  return replica;
}

function appendOwn(replica: Replica, ...runs: Run[]): void {
  replica.log.append(runs);
  replica.log.takeUnwritten();
}

function match(replica: Replica, id: number, index: number): void {
  replica.progress.get(id)!.matchIndex = index;
}

/** The entries from `from` on, in runs that are cut where chance wills. */
function recut(runs: readonly Run[], from: number, cuts: readonly number[]): Run[] {
  const pieces: Run[] = [];
  for (const run of runs) {
    for (let index = Math.max(from, run.firstIndex); index <= lastIndexOf(run); ) {
      const end = Math.min(lastIndexOf(run), index + (cuts[pieces.length] ?? 0));
      pieces.push(cutRun(run, index, end));
      index = end + 1;
    }
  }
  return pieces;
}

describe('AppendEntries, the receiver (Figure 2)', () => {
  it('rule 2: refuses when its log has no entry at prevLogIndex', () => {
    const replica = replicaOf({ log: [1, 1], term: 2 });
    const answer = rules.appendEntries(replica, appendFrom(1, { term: 2, prevLogIndex: 5, prevLogTerm: 1 }));
    expect(answer.type).equal('appendEntriesResponse');
    expect(answer).include({ success: false, index: 5, conflictTerm: 0, conflictIndex: 3, term: 2, from: 0 });
    expect(termsOf(replica.log)).deep.equal([1, 1]);
  });

  it('rule 2: refuses when the entry at prevLogIndex has another term, and tells where that term begins', () => {
    const replica = replicaOf({ log: [1, 2, 2, 2], term: 4 });
    const answer = rules.appendEntries(
      replica,
      appendFrom(1, { term: 4, prevLogIndex: 4, prevLogTerm: 3, runs: [entry(5, 4)], round: 8 }),
    );
    expect(answer).include({ success: false, index: 4, conflictTerm: 2, conflictIndex: 2, round: 8 });
    expect(termsOf(replica.log)).deep.equal([1, 2, 2, 2]);
  });

  it('rule 3: drops an entry that conflicts and all that follow it', () => {
    const replica = replicaOf({ log: [1, 1, 2, 2, 2], term: 3 });
    rules.appendEntries(
      replica,
      appendFrom(1, { term: 3, prevLogIndex: 1, prevLogTerm: 1, runs: [entry(2, 1), entry(3, 3)] }),
    );
    expect(termsOf(replica.log)).deep.equal([1, 1, 3]);
    expect(replica.log.durableIndex).equal(2);
  });

  it('rule 3: drops nothing for a stale, shorter append that agrees', () => {
    const replica = replicaOf({ log: [1, 1, 1, 1] });
    const stale = appendFrom(1, { term: 1, prevLogIndex: 1, prevLogTerm: 1, runs: [entry(2, 1)] });
    expect(rules.appendEntries(replica, stale)).include({
      type: 'appendEntriesResponse',
      success: true,
      index: 2,
    });
    expect(rules.appendEntries(replica, { ...stale, runs: [] })).include({ success: true, index: 1 });
    expect(termsOf(replica.log)).deep.equal([1, 1, 1, 1]);
    expect(replica.log.takeUnwritten()).deep.equal([]);
  });

  it('rule 4: appends what is new, and the same message twice changes nothing', () => {
    const replica = replicaOf({ log: [1], term: 2 });
    const message = appendFrom(1, { term: 2, runs: [entry(1, 1), entry(2, 2), entry(3, 2)] });
    for (let time = 0; time < 2; time++) {
      expect(rules.appendEntries(replica, message)).include({ success: true, index: 3 });
      expect(termsOf(replica.log)).deep.equal([1, 2, 2]);
    }
    expect(replica.log.takeUnwritten()).deep.equal([entry(2, 2), entry(3, 2)]);
  });

  it('rule 5: commits no further than the last entry it knows to match', () => {
    const replica = replicaOf({ log: [1, 1, 2, 2], term: 3 });
    const heartbeat = appendFrom(1, { term: 3, prevLogIndex: 2, prevLogTerm: 1, leaderCommit: 4 });
    rules.appendEntries(replica, heartbeat);
    expect(replica.commitIndex).equal(2);
    rules.appendEntries(replica, { ...heartbeat, leaderCommit: 1 });
    expect(replica.commitIndex).equal(2);
    rules.appendEntries(replica, { ...heartbeat, runs: [entry(3, 3)] });
    expect(replica.commitIndex).equal(3);
  });

  it('knows an entry at prevLogIndex also within a run, by its term', () => {
    for (let prevLogIndex = 0; prevLogIndex <= 6; prevLogIndex++) {
      for (const prevLogTerm of [0, 1, 2]) {
        const replica = replicaOf({ log: [1, 1, 1, 2, 2], term: 3 });
        const agrees = [0, 1, 1, 1, 2, 2, null][prevLogIndex] === prevLogTerm;
        const answer = rules.appendEntries(replica, appendFrom(1, { term: 3, prevLogIndex, prevLogTerm }));
        expect(answer.success, `${prevLogIndex} of term ${prevLogTerm}`).equal(agrees);
        if (agrees || answer.conflictTerm === 0) continue;
        expect(answer.conflictIndex, 'the first of its term').equal(prevLogIndex <= 3 ? 1 : 4);
      }
    }
  });

  it('stores what the list of entries would be, wherever runs begin and end here and there', () => {
    const terms = fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 10 }).map((all) => all.sort());
    fc.assert(
      fc.property(
        terms,
        terms,
        fc.nat(10),
        fc.array(fc.nat(3), { maxLength: 10 }),
        (own, given, skip, cuts) => {
          // Two logs agree up to where their terms first differ (Log Matching); the leader's goes on in a new term.
          const leaders = [...given, 4];
          const agreed = leaders.findIndex((term, at) => own[at] !== term);
          const prevLogIndex = Math.min(skip, agreed);
          const replica = replicaOf({ log: own, term: 4 });
          const message = appendFrom(1, {
            term: 4,
            prevLogIndex,
            prevLogTerm: leaders[prevLogIndex - 1] ?? 0,
            runs: recut(runsOf(...leaders), prevLogIndex + 1, cuts),
          });
          expect(rules.appendEntries(replica, message)).include({ success: true, index: leaders.length });
          expect(entriesIn(replica.log.range(1, 99))).deep.equal(entriesIn(runsOf(...leaders)));
          // What agreed stays on the disk as it is.
          expect(replica.log.durableIndex).equal(agreed);
          expect(replica.log.takeUnwritten()[0]?.firstIndex).equal(agreed + 1);
        },
      ),
    );
  });

  it('dies rather than replace a committed entry', () => {
    const replica = replicaOf({ log: [1, 1], term: 2 });
    replica.commitIndex = 2;
    const message = appendFrom(1, { term: 2, prevLogIndex: 1, prevLogTerm: 1, runs: [entry(2, 2)] });
    expect(() => rules.appendEntries(replica, message)).throw(
      InvariantViolation,
      'conflicts with a committed',
    );
    expect(termsOf(replica.log)).deep.equal([1, 1]);
  });

  it('answers an older term with its own, which deposes the sender, and acknowledges no round of it', () => {
    const replica = replicaOf({ log: [1], term: 5 });
    const answer = rules.refuseOlderAppend(
      replica,
      appendFrom(1, { term: 4, prevLogIndex: 1, prevLogTerm: 1, round: 57 }),
    );
    expect(answer).include({ success: false, term: 5, round: 0 });
  });

  it('takes a leader and what it says of the living, and dies of two leaders in one term', () => {
    const replica = replicaOf({ term: 2 });
    rules.acceptLeader(replica, appendFrom(1, { term: 2, alive: [0, 1] }), 42);
    expect(replica).include({ leaderId: 1, leaderHeardAtMs: 42 });
    expect(replica.aliveByLeader).deep.equal([0, 1]);
    rules.acceptLeader(replica, appendFrom(1, { term: 2, alive: [1] }), 43);
    expect(replica).include({ leaderId: 1, leaderHeardAtMs: 43 });
    expect(replica.aliveByLeader).deep.equal([1]);
    expect(() => rules.acceptLeader(replica, appendFrom(2, { term: 2 }), 44)).throw(
      InvariantViolation,
      'Servers 1 and 2 both lead term 2',
    );
  });
});

describe('A snapshot that a leader sends', () => {
  it('is a sign of life of it, and says nothing of the others', () => {
    const replica = replicaOf({ term: 2 });
    rules.acceptLeader(replica, appendFrom(1, { term: 2, alive: [0, 1] }), 42);
    const { data: configuration } = replica.configuration;
    const fields = { lastIncludedIndex: 9, lastIncludedTerm: 1, configuration, configurationIndex: 0 };
    const chunk = { position: 0, chunk: new Uint8Array(1), done: true, incarnation: 0 };
    rules.acceptLeader(replica, { type: 'installSnapshot', term: 2, from: 1, ...fields, ...chunk }, 50);
    expect(replica).include({ leaderId: 1, leaderHeardAtMs: 50 });
    expect(replica.aliveByLeader).deep.equal([0, 1]);
  });
});

describe('A leader', () => {
  it('knows nothing of its followers when it takes office, and supposes that they agree (§5.3)', () => {
    const replica = lead(replicaOf({ log: [1, 1], learners: [7] }));
    expect([...replica.progress.keys()]).deep.equal([1, 2, 7]);
    for (const progress of replica.progress.values()) {
      expect(progress).include({ matchIndex: 0, nextIndex: 3, acknowledgedRound: 0 });
    }
    expect(replica).include({ leaderId: 0, termStartIndex: 3, round: 0 });
  });

  it('forgets what it knew of them in an earlier term of office', () => {
    const replica = lead(replicaOf({ log: [1] }));
    replica.progress.get(1)!.matchIndex = 1;
    replica.round = 9;
    expect(lead(replica).progress.get(1)).include({ matchIndex: 0 });
    expect(replica.round).equal(0);
  });

  it('sends what follows nextIndex, within the size, and counts it as under way', () => {
    const replica = lead(replicaOf({ log: [1, 1, 1] }));
    const progress = replica.progress.get(1)!;
    progress.nextIndex = 2;
    replica.commitIndex = 1;
    replica.round = 6;
    const message = rules.nextAppendEntries(replica, progress, replica.log, 1, [0, 1]);
    expect(message).deep.equal(
      appendFrom(0, {
        term: 1,
        prevLogIndex: 1,
        prevLogTerm: 1,
        runs: [entry(2, 1)],
        leaderCommit: 1,
        round: 6,
        alive: [0, 1],
      }),
    );
    expect(progress).deep.include({ nextIndex: 3, inFlight: [2], sentCommit: 1 });
  });

  it('sends no entries with a heartbeat, and moves nothing', () => {
    const replica = lead(replicaOf({ log: [1, 1] }));
    const progress = replica.progress.get(1)!;
    progress.nextIndex = 1;
    expect(rules.nextAppendEntries(replica, progress, replica.log, 0, []).runs).deep.equal([]);
    expect(progress).deep.include({ nextIndex: 1, inFlight: [] });
  });

  it('asks of a log that has fallen behind its own whether it has the end, and sends nothing', () => {
    const replica = lead(replicaOf({ log: [1, 1, 1] }));
    replica.log.dropThrough(2);
    const progress = { ...replica.progress.get(1)!, nextIndex: 1 };
    const message = rules.nextAppendEntries(replica, progress, replica.log, 1000, []);
    expect(message).deep.include({ prevLogIndex: 3, prevLogTerm: 1, runs: [] });
    expect(progress.nextIndex).equal(1);
  });

  it('asks while it sends a snapshot whether that is there, and sends nothing that would follow something else', () => {
    const replica = lead(replicaOf({ log: [1, 1, 2] }));
    const mark = { index: 2, term: 1, configuration: replica.configuration.data, configurationIndex: 0 };
    const progress = { ...replica.progress.get(1)!, nextIndex: 1, transfer: newTransfer(mark, 100) };
    const message = rules.nextAppendEntries(replica, progress, replica.log, 1000, []);
    expect(message).deep.include({ prevLogIndex: 2, prevLogTerm: 1, runs: [] });
    expect(progress).deep.include({ nextIndex: 1, inFlight: [] });
  });

  it('dies rather than send what would follow an entry that it lacks', () => {
    const replica = lead(replicaOf({ log: [1] }));
    const progress = replica.progress.get(1)!;
    progress.nextIndex = 9;
    expect(() => rules.nextAppendEntries(replica, progress, replica.log, 1, [])).throw(
      InvariantViolation,
      'Entry 8',
    );
  });
});

describe('Commitment', () => {
  it('needs a majority of voters, and learners are none', () => {
    const replica = lead(replicaOf({ voters: [0, 1, 2], learners: [3, 4], log: [1] }));
    match(replica, 3, 1);
    match(replica, 4, 1);
    expect(rules.advanceCommitIndex(replica)).equal(false);
    match(replica, 2, 1);
    expect(rules.advanceCommitIndex(replica)).equal(true);
    expect(replica.commitIndex).equal(1);
    expect(rules.advanceCommitIndex(replica)).equal(false);
  });

  it('counts the leader itself only as far as its own disk has answered', () => {
    const replica = lead(replicaOf({ term: 1 }));
    appendOwn(replica, ...entriesOf(1, 1));
    match(replica, 1, 2);
    expect(rules.advanceCommitIndex(replica)).equal(false);
    replica.log.markDurable(1);
    expect(rules.advanceCommitIndex(replica)).equal(true);
    expect(replica.commitIndex).equal(1);
  });

  it('may happen before the leader’s own disk has answered, by a majority of others', () => {
    const replica = lead(replicaOf({ term: 1 }));
    appendOwn(replica, entry(1, 1));
    match(replica, 1, 1);
    match(replica, 2, 1);
    expect(rules.advanceCommitIndex(replica)).equal(true);
  });

  it('does not commit an entry of an earlier term by counting replicas (Figure 8, §5.4.2)', () => {
    // (c): S1 leads term 4 and has spread its entry of term 2 to a majority; S5 could still replace it.
    const s1 = lead(replicaOf({ voters: [0, 1, 2, 3, 4], log: [1, 2], term: 4 }));
    match(s1, 1, 2);
    match(s1, 2, 2);
    expect(rules.advanceCommitIndex(s1)).equal(false);
    expect(s1.commitIndex).equal(0);
    // (e): an entry of its own term on the majority commits the older one with it.
    appendOwn(s1, entry(3, 4));
    s1.log.markDurable(3);
    match(s1, 1, 3);
    match(s1, 2, 3);
    expect(rules.advanceCommitIndex(s1)).equal(true);
    expect(s1.commitIndex).equal(3);
  });
});
