import { expect } from 'chai';
import { Distribution } from '../../src/node/measures/distribution.js';
import { LoneNode } from './lone-node.js';

describe('What a node measures of itself', () => {
  it('sorts durations at their bounds, and those above all of them', () => {
    const distribution = new Distribution();
    for (const tookMs of [0, 0.1, 0.11, 1, 4999, 5000, 5001, 1e9]) distribution.add(tookMs);
    const { bounds, counts, sum } = distribution.spread;
    const at = (bound: number) => counts[bounds.indexOf(bound)];
    expect([at(0.0001), at(0.00025), at(0.001), at(5), counts.at(-1)]).deep.equal([2, 1, 1, 2, 2]);
    expect(counts.reduce((total, count) => total + count)).equal(8);
    expect(sum).closeTo(1_000_000 + 15.00121, 0.001);
  });

  it('counts elections that it won and those that it did not', () => {
    const node = new LoneNode();
    node.passUntil(() => node.role === 'preCandidate');
    expect(node.actor.measure()).include({ role: 'preCandidate', preElections: 1, elections: 0 });
    const leader = new LoneNode();
    leader.serve();
    expect(leader.actor.measure()).include({
      role: 'leader',
      preElections: 1,
      elections: 1,
      electionsWon: 1,
      leaders: 1,
    });
  });

  it('tells how far each follower is behind, and nothing of it once it no longer leads', () => {
    const node = new LoneNode();
    node.serve();
    node.propose('a', 'b');
    node.acknowledge(1);
    node.pass(20);
    const { peers, lastLogIndex } = node.actor.measure();
    expect(peers.map(({ peer, matchIndex }) => [peer, lastLogIndex - matchIndex])).deep.equal([
      [1, 0],
      [2, 3],
    ]);
    expect(peers[0]?.silentMs).equal(20);
    node.hearLeader(2, { term: 9, prevLogIndex: 0, runs: [], leaderCommit: 0 });
    expect(node.actor.measure()).deep.include({ role: 'follower', peers: [], leaders: 2 });
  });

  it('counts what clients ask and what comes of it, by the code of the error', () => {
    const node = new LoneNode({ limits: { commandBytesMax: 4 } });
    node.propose('a');
    node.serve();
    node.propose('b', 'c');
    node.acknowledge(1);
    node.propose('too long');
    node.propose('d');
    const measures = node.actor.measure();
    expect(measures).deep.include({
      commandsTaken: 5,
      commandsApplied: 2,
      commandsRefused: { NOT_LEADER: 1, COMMAND_TOO_LARGE: 1 },
      requestsOpen: 1,
    });
    node.actor.abandon();
    expect(node.actor.measure().commandsRefused).include({ OUTCOME_UNKNOWN: 1 });
  });

  it('times what it writes until that is durable, and what it commits', () => {
    const node = new LoneNode({ slowDisk: true });
    node.passUntil(() => node.role === 'preCandidate');
    const before = node.actor.measure();
    expect(before.writes.counts.every((count) => count === 0)).equal(true);
    const alone = new LoneNode({ voters: [0] });
    alone.passUntil(() => alone.role === 'leader');
    alone.propose('a', 'b');
    alone.pass(1);
    const { writes, commits, entriesWritten, bytesWritten } = alone.actor.measure();
    expect(entriesWritten).equal(3);
    expect(bytesWritten).above(3);
    expect(writes.counts[0]).at.least(2);
    expect(commits.counts[0]).equal(2);
  });

  it('takes as long for a write as the disk does', () => {
    const node = new LoneNode({ voters: [0], slowDisk: true });
    node.passUntil(() => node.disk.isBusy);
    node.pass(30);
    node.disk.complete();
    node.pass(0);
    const { bounds, counts } = node.actor.measure().writes;
    expect(counts[bounds.indexOf(0.05)]).equal(1);
  });

  it('says why frames were not heard', () => {
    const node = new LoneNode();
    const before = node.actor.measure().framesDropped;
    node.hearFrame(1, new Uint8Array(40));
    node.hearFrame(9, new Uint8Array(0));
    const { framesDropped } = node.actor.measure();
    expect((framesDropped.badChecksum ?? 0) - (before.badChecksum ?? 0)).equal(2);
    expect(framesDropped.noRoom).equal(0);
  });
});
