import { expect } from 'chai';
import { hasLostQuorum, membersHeard } from '../../src/raft/liveness.js';
import type { Replica } from '../../src/raft/replica.js';
import { becomeLeader } from '../../src/raft/replication.js';
import { hear } from '../../src/raft/terms.js';
import { replicaOf } from './replicas.js';

/** A leader that took office at 0. */
function leaderOf(members: Parameters<typeof replicaOf>[0]): Replica {
  const replica = replicaOf(members);
  becomeLeader(replica, 0);
  return replica;
}

function answer(replica: Replica, id: number, nowMs: number): void {
  const progress = replica.progress.get(id);
  if (progress !== undefined) progress.answeredAtMs = nowMs;
}

describe('Liveness', () => {
  it('lists the members heard within a time, itself included, in order', () => {
    const replica = replicaOf({ id: 2, voters: [0, 1, 2], learners: [3] });
    expect(membersHeard(replica, 100, 50)).deep.equal([2]);
    hear(replica, { from: 3, term: 0 }, 60);
    hear(replica, { from: 0, term: 0 }, 51);
    hear(replica, { from: 1, term: 0 }, 50);
    expect(membersHeard(replica, 100, 50)).deep.equal([0, 2, 3]);
  });

  it('tells a leader that it has lost its majority of voters (thesis §6.2)', () => {
    const replica = leaderOf({ voters: [0, 1, 2, 3, 4], learners: [5] });
    for (const id of [1, 5]) answer(replica, id, 990);
    expect(hasLostQuorum(replica, 1000, 300)).equal(true);
    answer(replica, 2, 701);
    expect(hasLostQuorum(replica, 1000, 300)).equal(false);
    expect(hasLostQuorum(replica, 1001, 300)).equal(true);
  });

  it('does not take a voter that is heard for one that hears: it may be standing for election', () => {
    const replica = leaderOf({ voters: [0, 1, 2] });
    for (const id of [1, 2]) hear(replica, { from: id, term: 0 }, 999);
    expect(hasLostQuorum(replica, 1000, 300)).equal(true);
  });

  it('never makes the only voter doubt itself', () => {
    expect(hasLostQuorum(replicaOf({ voters: [0] }), 1e9, 300)).equal(false);
  });

  it('gives a new leader an election timeout before it doubts', () => {
    const replica = replicaOf({ voters: [0, 1, 2] });
    becomeLeader(replica, 1000);
    expect(hasLostQuorum(replica, 1299, 300)).equal(false);
    expect(hasLostQuorum(replica, 1300, 300)).equal(true);
  });
});
