import { expect } from 'chai';
import { Freshness } from '../../src/raft/freshness.js';
import { newProgress } from '../../src/raft/progress.js';
import { replicaOf } from './replicas.js';

describe('The age of a state', () => {
  it('is not known before all is applied that was said to be committed', () => {
    const replica = replicaOf({ log: [1, 1, 1] });
    const freshness = new Freshness(replica);
    expect(freshness.ageMs(10)).to.equal(null);
    freshness.heard(2, 20);
    expect(freshness.ageMs(30)).to.equal(null);
    replica.lastApplied = 1;
    expect(freshness.ageMs(30)).to.equal(null);
    replica.lastApplied = 2;
    expect(freshness.ageMs(30)).to.equal(10);
  });

  it('counts from the news that the state has caught up with, not from later news', () => {
    const replica = replicaOf({ log: [1, 1, 1] });
    const freshness = new Freshness(replica);
    replica.lastApplied = 1;
    freshness.heard(1, 100);
    freshness.heard(2, 150);
    freshness.heard(3, 200);
    expect(freshness.ageMs(250)).to.equal(150);
    replica.lastApplied = 2;
    expect(freshness.ageMs(250)).to.equal(100);
    replica.lastApplied = 3;
    freshness.heard(3, 240);
    expect(freshness.ageMs(250)).to.equal(10);
  });

  it('of a leader counts from when a quorum answered it: another may lead by now', () => {
    const replica = replicaOf({ log: [1, 1], term: 1 });
    replica.leaderId = 0;
    replica.termStartIndex = 2;
    replica.commitIndex = 2;
    replica.lastApplied = 2;
    for (const id of [1, 2]) replica.progress.set(id, newProgress(id, replica.log));
    const freshness = new Freshness(replica);
    expect(freshness.ageMs(100)).to.equal(null);
    replica.progress.get(1)!.answeredAtMs = 60;
    expect(freshness.ageMs(100)).to.equal(40);
    replica.progress.get(2)!.answeredAtMs = 90;
    expect(freshness.ageMs(100)).to.equal(10);
    replica.termStartIndex = 3;
    expect(new Freshness(replica).ageMs(100)).to.equal(null);
  });

  it('is not made younger by what the leader said long ago and the network brings late', () => {
    const replica = replicaOf({ log: [1, 1, 1] });
    const freshness = new Freshness(replica);
    replica.lastApplied = 1;
    freshness.heard(1, 100);
    freshness.heard(3, 150);
    // Of the time when one entry was committed: since then the leader has told of more, which this node lacks.
    freshness.heard(1, 200);
    expect(freshness.ageMs(250)).to.equal(150);
    replica.lastApplied = 3;
    expect(freshness.ageMs(250)).to.equal(100);
  });

  it('of one who leads no more counts from what its leader says, not from who answered it in office', () => {
    const replica = replicaOf({ log: [1, 1], term: 1 });
    Object.assign(replica, { leaderId: 1, commitIndex: 2, lastApplied: 2 });
    for (const id of [1, 2]) replica.progress.set(id, { ...newProgress(id, replica.log), answeredAtMs: 90 });
    const freshness = new Freshness(replica);
    expect(freshness.ageMs(100)).to.equal(null);
    freshness.heard(2, 40);
    expect(freshness.ageMs(100)).to.equal(60);
  });
});
