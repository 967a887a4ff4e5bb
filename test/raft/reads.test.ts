import { expect } from 'chai';
import { ReadIndexQueue } from '../../src/raft/reads.js';
import { becomeLeader } from '../../src/raft/replication.js';
import { replicaOf } from './replicas.js';

function leaderWithReads() {
  const leader = replicaOf({ log: [1, 1, 1] });
  becomeLeader(leader, 0);
  leader.commitIndex = 2;
  const acknowledge = (id: number, round: number) => {
    leader.progress.get(id)!.acknowledgedRound = round;
  };
  return { leader, reads: new ReadIndexQueue<string>(), acknowledge };
}

describe('Reads by ReadIndex (thesis §6.4)', () => {
  it('owe a round of heartbeats that begins after they came', () => {
    const { leader, reads, acknowledge } = leaderWithReads();
    reads.beginRound(leader);
    expect(reads.needsRound).equal(false);
    reads.add(leader, 'a');
    expect(reads.needsRound).equal(true);
    acknowledge(1, 1);
    expect(reads.takeConfirmed(leader)).deep.equal([]);
    reads.beginRound(leader);
    expect(leader.round).equal(2);
    expect(reads.takeConfirmed(leader)).deep.equal([]);
    acknowledge(1, 2);
    const [confirmed] = reads.takeConfirmed(leader);
    expect(confirmed).deep.include({ index: 2, reads: ['a'] });
    expect(reads.takeConfirmed(leader)).deep.equal([]);
  });

  it('share a round, and the commit index of the last of them', () => {
    const { leader, reads, acknowledge } = leaderWithReads();
    reads.add(leader, 'a');
    leader.commitIndex = 3;
    reads.add(leader, 'b');
    reads.beginRound(leader);
    acknowledge(2, 1);
    expect(reads.takeConfirmed(leader)[0]).deep.include({ index: 3, reads: ['a', 'b'] });
  });

  it('are confirmed oldest first, each by its own round or a later one', () => {
    const { leader, reads, acknowledge } = leaderWithReads();
    for (const read of ['a', 'b', 'c']) {
      reads.add(leader, read);
      reads.beginRound(leader);
    }
    expect(reads.size).equal(3);
    acknowledge(1, 2);
    expect(reads.takeConfirmed(leader).flatMap((batch) => batch.reads)).deep.equal(['a', 'b']);
    expect(reads.size).equal(1);
  });

  it('are not confirmed by learners', () => {
    const leader = replicaOf({ voters: [0, 1, 2], learners: [3, 4], log: [1] });
    becomeLeader(leader, 0);
    const reads = new ReadIndexQueue<string>();
    reads.add(leader, 'a');
    reads.beginRound(leader);
    for (const id of [3, 4]) leader.progress.get(id)!.acknowledgedRound = 1;
    expect(reads.takeConfirmed(leader)).deep.equal([]);
  });

  it('are all given up when the leader leaves office', () => {
    const { leader, reads } = leaderWithReads();
    reads.add(leader, 'a');
    reads.beginRound(leader);
    reads.add(leader, 'b');
    expect(reads.takeAll()).deep.equal(['a', 'b']);
    expect([reads.size, reads.needsRound]).deep.equal([0, false]);
    expect(reads.takeAll()).deep.equal([]);
  });
});
