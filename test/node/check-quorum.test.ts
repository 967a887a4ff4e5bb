import { expect } from 'chai';
import { LoneNode } from './lone-node.js';

const { electionTimeoutMsMin: timeoutMsMin, electionTimeoutMsMax: timeoutMsMax } = new LoneNode().options
  .timings;

function voteRequest(from: number, term: number, lastLogTerm = 0, lastLogIndex = 0) {
  return { type: 'requestVote', isTransfer: false, term, from, lastLogTerm, lastLogIndex } as const;
}

describe('A leader that loses its majority', () => {
  it('resigns after an election timeout without answers', () => {
    const node = new LoneNode();
    node.serve();
    const { heartbeatMs } = node.options.timings;
    expect(node.passUntil(() => node.role !== 'leader'))
      .at.least(timeoutMsMax - heartbeatMs)
      .and.at.most(timeoutMsMax + heartbeatMs + 1);
    expect(node.info).include({ term: 1, leaderId: null });
  });

  it('gives others the time of an election before it stands again', () => {
    const node = new LoneNode();
    node.serve();
    node.passUntil(() => node.role !== 'leader');
    expect(node.passUntil(() => node.role !== 'follower')).at.least(timeoutMsMin);
  });

  it('is given an election timeout from taking office, however long ago its voters were heard', () => {
    const node = new LoneNode({ preVote: false, voters: [0, 1, 2, 3, 4], seed: 3 });
    node.passUntil(() => node.role === 'candidate');
    node.answerVotes(true, 1);
    const roundMs = new LoneNode({ seed: 3 }).options.timings.electionTimeoutMsMin - 1;
    node.pass(roundMs);
    node.answerVotes(true, 2);
    expect(node.role).equal('leader');
    node.pass(timeoutMsMax - 1);
    expect(node.role).equal('leader');
    node.pass(node.options.timings.heartbeatMs + 1);
    expect(node.role).not.equal('leader');
  });

  it('stays when check-quorum is off', () => {
    const node = new LoneNode({ preVote: false, checkQuorum: false });
    node.serve();
    node.pass(10 * timeoutMsMax);
    expect(node.role).equal('leader');
  });

  it('stays while a majority answers', () => {
    const node = new LoneNode();
    node.serve();
    for (let beat = 0; beat < 20; beat++) {
      node.pass(node.options.timings.heartbeatMs);
      node.acknowledge(1);
    }
    expect(node.role).equal('leader');
    expect(node.info.peers).deep.equal([1]);
  });

  it('stays while a majority answers, though it is only to refuse', () => {
    const node = new LoneNode();
    node.serve();
    for (let beat = 0; beat < 20; beat++) {
      node.pass(node.options.timings.heartbeatMs);
      node.acknowledge(1, { success: false, conflictIndex: 1 });
    }
    expect(node.role).equal('leader');
  });

  it('resigns when its disk stalls, though all answer', () => {
    const node = new LoneNode();
    node.serve();
    node.disk.isSlow = true;
    node.propose('a');
    const stalledMs = node.passUntil(() => {
      if (node.role === 'leader') node.acknowledge(1);
      return node.role !== 'leader';
    });
    expect(stalledMs)
      .at.least(timeoutMsMax)
      .and.at.most(timeoutMsMax + node.options.timings.heartbeatMs + 1);
  });

  it('is deposed by an answer of a newer term, so that a node which was alone can come back', () => {
    const node = new LoneNode();
    node.serve();
    node.acknowledge(2, { success: false, term: 6 });
    expect(node.info).include({ role: 'follower', term: 6, leaderId: null });
  });

  it('ignores requests for votes of newer terms meanwhile', () => {
    const node = new LoneNode();
    node.serve();
    node.hear(voteRequest(2, 9, 9, 9));
    expect(node.info).include({ role: 'leader', term: 1 });
  });
});
