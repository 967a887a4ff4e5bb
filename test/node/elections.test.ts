import { expect } from 'chai';
import { LoneNode } from './lone-node.js';

const { electionTimeoutMsMin: timeoutMsMin, electionTimeoutMsMax: timeoutMsMax } = new LoneNode().options
  .timings;

function standing(sketch: ConstructorParameters<typeof LoneNode>[0] = {}): LoneNode {
  const node = new LoneNode(sketch);
  node.passUntil(() => node.role !== 'follower');
  return node;
}

function voteRequest(from: number, term: number, lastLogTerm = 0, lastLogIndex = 0) {
  return { type: 'requestVote', isTransfer: false, term, from, lastLogTerm, lastLogIndex } as const;
}

function preVote(from: number, term: number, lastLogTerm = 0, lastLogIndex = 0) {
  return { type: 'preVote', term, from, lastLogTerm, lastLogIndex } as const;
}

describe('A node’s election timer', () => {
  it('lets it stand within the range of timeouts when it hears nobody', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const node = new LoneNode({ seed });
      expect(node.passUntil(() => node.role === 'preCandidate'))
        .at.least(timeoutMsMin)
        .and.at.most(timeoutMsMax + 1);
    }
  });

  it('sleeps for what is left after the leader was heard, and is not restarted by every message', () => {
    const node = new LoneNode({ term: 1 });
    for (let heard = 0; heard < 20; heard++) {
      node.hearLeader(1);
      node.pass(90);
    }
    expect(node.role).equal('follower');
    node.hearLeader(1);
    const silenceMs = node.passUntil(() => node.role === 'preCandidate');
    expect(silenceMs)
      .at.least(timeoutMsMin)
      .and.at.most(timeoutMsMax + 1);
    expect(node.clock.timersWaiting).at.most(2);
  });

  it('is drawn from a wider range after each round that was lost, no wider than voters have room in, until one leads', () => {
    for (const preVote of [true, false]) {
      const node = standing({ preVote });
      const question = preVote ? 'preVote' : 'requestVote';
      node.take();
      const waits = Array.from({ length: 30 }, () => {
        let asked = 0;
        return node.passUntil(() => {
          asked += node.takeOf(question).length;
          return asked > 0;
        });
      });
      expect(waits[0]).at.most(timeoutMsMin + 2 * (timeoutMsMax - timeoutMsMin) + 1);
      expect(Math.max(...waits)).above(timeoutMsMin + 2 * (timeoutMsMax - timeoutMsMin));
      expect(Math.max(...waits)).at.most(timeoutMsMin + 3 * (timeoutMsMax - timeoutMsMin) + 1);
      node.hearLeader(1);
      for (let round = 0; round < 10; round++) {
        expect(node.passUntil(() => node.role !== 'follower')).at.most(timeoutMsMax + 1);
        node.hearLeader(1);
      }
    }
  });

  it('keeps what is left of it when a newer term is refused a vote, so that not all stand at once (§5.2)', () => {
    const waits = Array.from({ length: 10 }, (_, at) => {
      const node = new LoneNode({ seed: at + 1, term: 3, log: [1, 3] });
      for (let heard = 0; heard < 20; heard++) {
        node.hearLeader(1);
        node.pass(timeoutMsMin / 2);
      }
      node.pass(timeoutMsMin / 2);
      expect(node.role).equal('follower');
      node.hear(voteRequest(2, 4, 1, 1));
      expect(node.takeOf('requestVoteResponse').map(({ message }) => message.granted)).deep.equal([false]);
      return timeoutMsMin + node.passUntil(() => node.role !== 'follower');
    });
    expect(Math.max(...waits))
      .at.most(timeoutMsMax + 1)
      .and.at.least(timeoutMsMin + 50);
    expect(new Set(waits).size).at.least(8);
  });

  it('hears what had arrived on a thread that was starved before it judges the silence', () => {
    const node = new LoneNode({ term: 1 });
    node.hearLeader(1);
    const message = node.heartbeat(1);
    node.clock.setTimeout(() => node.hearFrame(1, message), timeoutMsMax + 50);
    node.clock.stall(timeoutMsMax + 100);
    node.pass(0);
    expect(node.takeOf('preVote')).deep.equal([]);
    expect(node.passUntil(() => node.role === 'preCandidate')).at.least(timeoutMsMin);
  });

  it('starts over when a vote is granted', () => {
    const node = new LoneNode();
    node.pass(timeoutMsMin - 1);
    node.hear(voteRequest(1, 1));
    expect(node.passUntil(() => node.role !== 'follower')).at.least(timeoutMsMin);
  });
});

describe('A node asked for a vote', () => {
  it('grants it to one candidate a term', () => {
    const node = new LoneNode();
    node.hear(voteRequest(1, 3), voteRequest(2, 3), voteRequest(1, 3));
    const answers = node.takeOf('requestVoteResponse').map(({ to, message }) => [to, message.granted]);
    expect(answers).deep.equal([
      [1, true],
      [2, false],
      [1, true],
    ]);
    expect(node.info).include({ term: 3, votedFor: 1 });
  });

  it('refuses a log that is behind, in the candidate’s term all the same', () => {
    const node = new LoneNode({ log: [1, 2] });
    node.hear(voteRequest(1, 5, 1, 9));
    expect(node.take()).deep.equal([
      { to: 1, message: { type: 'requestVoteResponse', term: 5, from: 0, granted: false } },
    ]);
  });

  it('answers an older term with its own', () => {
    const node = new LoneNode({ term: 5 });
    node.hear(voteRequest(1, 4), preVote(2, 4));
    expect(node.take().map(({ to, message }) => [to, message.type, message.term])).deep.equal([
      [1, 'requestVoteResponse', 5],
      [2, 'preVoteResponse', 5],
    ]);
  });

  it('ignores a newer term while it hears a leader, so that a returning node disturbs nobody', () => {
    const node = new LoneNode({ term: 1 });
    node.hearLeader(1);
    node.take();
    node.hear(voteRequest(2, 9));
    expect([node.take(), node.term]).deep.equal([[], 1]);
    node.pass(timeoutMsMin);
    node.hear(voteRequest(2, 9));
    expect(node.info).include({ term: 9, votedFor: 2 });
  });

  it('does not ignore it when check-quorum is off', () => {
    const node = new LoneNode({ term: 1, preVote: false, checkQuorum: false });
    node.hearLeader(1);
    node.hear(voteRequest(2, 9));
    expect(node.info).include({ term: 9, votedFor: 2 });
  });

  it('votes as a learner, too: who asks counts it among the voters, and it may not have heard of it yet', () => {
    const node = new LoneNode({ voters: [1, 2], learners: [0] });
    node.hear(voteRequest(1, 3), voteRequest(2, 3), preVote(1, 4));
    const answers = node.take().map(({ message }) => 'granted' in message && message.granted);
    expect(answers).deep.equal([true, false, true]);
    expect(node.info).include({ term: 3, votedFor: 1, role: 'learner' });
  });

  it('never stands as a learner', () => {
    const node = new LoneNode({ voters: [1, 2], learners: [0] });
    node.pass(10 * timeoutMsMax);
    expect([node.role, node.take()]).deep.equal(['learner', []]);
  });

  it('as a candidate grants no other a vote in its own term', () => {
    const node = standing({ preVote: false });
    node.hear(voteRequest(1, 1));
    expect(node.takeOf('requestVoteResponse')[0]?.message.granted).equal(false);
    expect(node.role).equal('candidate');
  });

  it('as a pre-candidate that has not voted follows the candidate', () => {
    const node = standing({ term: 4 });
    node.hear(voteRequest(1, 4));
    expect(node.takeOf('requestVoteResponse')[0]?.message.granted).equal(true);
    expect(node.role).equal('follower');
  });
});

describe('A pre-vote', () => {
  it('is granted by one who hears no leader, who promises nothing', () => {
    const node = new LoneNode({ term: 1 });
    node.hear(preVote(1, 2), preVote(2, 2));
    expect(node.takeOf('preVoteResponse').map(({ message }) => message.granted)).deep.equal([true, true]);
    expect(node.info).include({ term: 1, votedFor: null });
  });

  it('is refused by one who hears a leader, and by the leader', () => {
    const follower = new LoneNode({ term: 1 });
    follower.hearLeader(1);
    follower.hear(preVote(2, 2));
    expect(follower.takeOf('preVoteResponse')[0]?.message.granted).equal(false);
    const leader = new LoneNode();
    leader.serve();
    leader.hear(preVote(2, 2, 1, 1));
    expect(leader.takeOf('preVoteResponse')[0]?.message.granted).equal(false);
  });

  it('is asked of the voters before a term is spent, over and over', () => {
    const node = standing({ learners: [7] });
    expect(node.take().map(({ to, message }) => [to, message.type, message.term])).deep.equal([
      [1, 'preVote', 1],
      [2, 'preVote', 1],
    ]);
    node.pass(3 * timeoutMsMax);
    expect(node.take().length).at.least(4);
    expect([node.role, node.term]).deep.equal(['preCandidate', 0]);
  });

  it('is won by a majority, and the election begins', () => {
    const node = standing({ voters: [0, 1, 2, 3, 4] });
    node.answerVotes(true, 1, 1, 1);
    expect(node.role).equal('preCandidate');
    node.take();
    node.answerVotes(true, 2);
    expect(node.info).include({ role: 'candidate', term: 1, votedFor: 0 });
    expect(node.takeOf('requestVote').map(({ to }) => to)).deep.equal([1, 2, 3, 4]);
  });

  it('is lost by refusals, and the node waits for its next timeout', () => {
    const node = standing();
    node.answerVotes(false, 1, 2);
    expect(node.info.state).equal('alive.follower.waiting');
    expect(node.passUntil(() => node.role === 'preCandidate')).at.least(timeoutMsMin);
  });

  it('does not count late answers', () => {
    const node = standing({ term: 5 });
    node.hear({ type: 'preVoteResponse', term: 5, from: 1, granted: true, proposedTerm: 5 });
    expect(node.role).equal('preCandidate');
  });

  it('is refused with a newer term to one who lags, who takes it over', () => {
    const node = standing();
    node.hear({ type: 'preVoteResponse', term: 8, from: 1, granted: false, proposedTerm: 1 });
    expect(node.info).include({ role: 'follower', term: 8 });
  });

  it('is counted from one whose own term is older, or a candidate whom nobody heard would never win', () => {
    const node = standing({ term: 4 });
    node.hear({ type: 'preVoteResponse', term: 2, from: 1, granted: true, proposedTerm: 5 });
    expect(node.info).include({ role: 'candidate', term: 5 });
  });

  it('ends when a leader of the term speaks', () => {
    const node = standing({ term: 1 });
    node.hearLeader(2);
    expect(node.info).include({ state: 'alive.follower.following', leaderId: 2 });
    expect(node.takeOf('appendEntriesResponse')[0]?.message.success).equal(true);
  });
});

describe('A candidate', () => {
  it('becomes leader by the votes of a majority, and opens its term with a no-op', () => {
    const node = standing({ preVote: false, voters: [0, 1, 2, 3, 4] });
    expect(node.role).equal('candidate');
    node.answerVotes(true, 1, 1);
    expect(node.role).equal('candidate');
    node.take();
    node.answerVotes(true, 3);
    expect(node.info.state).equal('alive.leader.authority.establishing');
    const appends = node.takeOf('appendEntries');
    expect(appends.map(({ to }) => to)).deep.equal([1, 2, 3, 4]);
    expect(appends[0]?.message.runs.map(({ kind }) => kind)).deep.equal(['noop']);
  });

  it('gives up when it is refused, when a leader speaks, and when a newer term begins', () => {
    const refused = standing({ preVote: false });
    refused.answerVotes(false, 1, 2);
    expect(refused.role).equal('follower');
    const beaten = standing({ preVote: false });
    beaten.hearLeader(1);
    expect(beaten.info).include({ role: 'follower', leaderId: 1, term: 1 });
    const late = standing({ preVote: false });
    late.hear(voteRequest(2, 7));
    expect(late.info).include({ role: 'follower', term: 7, votedFor: 2 });
  });

  it('tries again after a timeout, in a newer term', () => {
    const node = standing({ preVote: false });
    node.pass(timeoutMsMax + 1);
    expect(node.role).equal('candidate');
    expect(node.term).at.least(2);
  });

  it('asks for pre-votes again after a timeout, when it asks for them at all', () => {
    const node = standing();
    node.answerVotes(true, 1);
    expect([node.role, node.term]).deep.equal(['candidate', 1]);
    node.passUntil(() => node.role === 'preCandidate');
    expect(node.term).equal(1);
  });

  it('answers pre-votes by its log and term', () => {
    const node = standing({ preVote: false });
    node.hear(preVote(1, 1), preVote(2, 2));
    expect(node.takeOf('preVoteResponse').map(({ message }) => message.granted)).deep.equal([false, true]);
  });
});

describe('A cluster of one', () => {
  it('elects itself and commits', () => {
    const node = new LoneNode({ voters: [0] });
    node.passUntil(() => node.role === 'leader');
    expect(node.info).include({ state: 'alive.leader.authority.serving', term: 1, commitIndex: 1 });
    expect(node.propose('a', 'b')).deep.equal(['a@2 b@3']);
    expect(node.read()).deep.equal(['"a b" at 3']);
  });

  it('does not lead before its own vote is durable: a crash would let it lead the same term twice', () => {
    const node = new LoneNode({ voters: [0], learners: [7], slowDisk: true });
    node.passUntil(() => node.disk.isBusy);
    expect(node.role).equal('candidate');
    expect(node.takeOf('appendEntries')).deep.equal([]);
    node.completeWrite();
    expect(node.role).equal('leader');
    expect(node.takeOf('appendEntries').length).equal(1);
  });
});

describe('Candidacy', () => {
  it('keeps a node from standing, until it is given back', () => {
    const node = new LoneNode({ candidacy: false });
    node.pass(10 * timeoutMsMax);
    expect([node.role, node.take()]).deep.equal(['follower', []]);
    node.tell({ type: 'host.setCandidacy', allowed: true });
    node.passUntil(() => node.role === 'preCandidate');
  });

  it('taken away ends standing at the next timeout, and leaves a leader in office', () => {
    for (const preVote of [true, false]) {
      const node = standing({ preVote });
      node.tell({ type: 'host.setCandidacy', allowed: false });
      node.pass(timeoutMsMax + 1);
      expect(node.role).equal('follower');
    }
    const leader = new LoneNode();
    leader.serve();
    leader.tell({ type: 'host.setCandidacy', allowed: false });
    expect(leader.info).include({ role: 'leader', candidacy: false });
  });

  it('is needed for a campaign at the host’s command', () => {
    for (const preVote of [true, false]) {
      const node = new LoneNode({ preVote });
      node.tell({ type: 'host.campaign' });
      expect(node.role).equal(preVote ? 'preCandidate' : 'candidate');
      const barred = new LoneNode({ preVote, candidacy: false });
      barred.tell({ type: 'host.campaign' });
      expect(barred.role).equal('follower');
    }
  });

  it('taken away makes a silent follower forget its leader', () => {
    const node = new LoneNode({ term: 1, candidacy: false });
    node.hearLeader(1);
    node.pass(2 * timeoutMsMax);
    expect(node.info).include({ state: 'alive.follower.waiting', leaderId: null });
  });
});
