import { expect } from 'chai';
import { hear } from '../../src/raft/elections.js';
import { hasLostQuorum, membersHeard } from '../../src/raft/liveness.js';
import { becomeLeader } from '../../src/raft/replication.js';
import { replicaOf } from './replicas.js';

describe('Liveness', () => {
  it('lists the members heard within a time, itself included, in order', () => {
    const replica = replicaOf({ id: 2, voters: [0, 1, 2], learners: [3] });
    expect(membersHeard(replica, 100, 50)).deep.equal([2]);
    hear(replica, 3, 60);
    hear(replica, 0, 51);
    hear(replica, 1, 50);
    expect(membersHeard(replica, 100, 50)).deep.equal([0, 2, 3]);
  });

  it('tells a leader that it has lost its majority of voters (thesis §6.2)', () => {
    const replica = replicaOf({ voters: [0, 1, 2, 3, 4], learners: [5] });
    for (const id of [1, 5]) hear(replica, id, 990);
    expect(hasLostQuorum(replica, 1000, 300)).equal(true);
    hear(replica, 2, 701);
    expect(hasLostQuorum(replica, 1000, 300)).equal(false);
    expect(hasLostQuorum(replica, 1001, 300)).equal(true);
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
