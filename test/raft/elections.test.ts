import { expect } from 'chai';
import * as rules from '../../src/raft/elections.js';
import type { PreVoteResponse, RequestVoteResponse } from '../../src/raft/messages.js';
import type { Replica } from '../../src/raft/replica.js';
import { preVoteRequest, replicaOf, voteRequest } from './replicas.js';

const five = [0, 1, 2, 3, 4];
const settings = { checkQuorum: true, electionTimeoutMsMin: 150 };

/** Stands for election, with its own vote on its disk. */
function becomeCandidate(replica: Replica): void {
  rules.becomeCandidate(replica);
  const { currentTerm: term, votedFor } = replica;
  rules.recordOwnVote(replica, { term, votedFor });
}

function vote(from: number, granted: boolean, term = 1): RequestVoteResponse {
  return { type: 'requestVoteResponse', term, from, granted };
}

function preVote(from: number, granted: boolean, proposedTerm: number, term = 0): PreVoteResponse {
  return { type: 'preVoteResponse', term, from, granted, proposedTerm };
}

describe('Elections: votes (§5.2, §5.4.1)', () => {
  it('compare logs by the last term first, and by length only within it', () => {
    const replica = replicaOf({ log: [1, 1, 3] });
    const isUpToDate = (term: number, index: number) =>
      rules.isUpToDate(replica, voteRequest(1, 9, term, index));
    expect(isUpToDate(4, 1)).equal(true);
    expect(isUpToDate(3, 3)).equal(true);
    expect(isUpToDate(3, 4)).equal(true);
    expect(isUpToDate(3, 2)).equal(false);
    expect(isUpToDate(2, 99)).equal(false);
  });

  it('go to one candidate a term, which may ask again', () => {
    const replica = replicaOf({ term: 1 });
    const fromOne = voteRequest(1, 1, 0, 0);
    const fromTwo = voteRequest(2, 1, 0, 0);
    expect(rules.canGrantVote(replica, fromOne)).equal(true);
    expect(rules.grantVote(replica, fromOne)).deep.equal(vote(0, true));
    expect(replica.votedFor).equal(1);
    expect(rules.canGrantVote(replica, fromOne)).equal(true);
    expect(rules.canGrantVote(replica, fromTwo)).equal(false);
    expect(rules.refuseVote(replica)).deep.equal(vote(0, false));
  });

  it('are not given to a candidate whose log lacks an entry', () => {
    expect(rules.canGrantVote(replicaOf({ log: [1, 2] }), voteRequest(1, 3, 1, 9))).equal(false);
  });

  it('begin with a new term and a vote for oneself', () => {
    const replica = replicaOf({ log: [1, 2], term: 4, votedFor: 2 });
    expect(rules.becomeCandidate(replica)).deep.equal(voteRequest(0, 5, 2, 2));
    expect(replica).include({ currentTerm: 5, votedFor: 0, leaderId: null });
    expect(rules.hasWon(replica)).equal(false);
  });

  it('are counted once a voter, whoever repeats them, and learners and strangers not at all', () => {
    const replica = replicaOf({ voters: five, learners: [5] });
    becomeCandidate(replica);
    for (const from of [1, 1, 1, 5, 5, 77]) rules.recordVote(replica, vote(from, true));
    expect(rules.hasWon(replica)).equal(false);
    expect(
      [...replica.votes.keys()],
      'strangers, of whom there may be any number, take no memory',
    ).deep.equal([0, 1]);
    rules.recordVote(replica, vote(4, true));
    expect(rules.hasWon(replica)).equal(true);
  });

  it('are lost when so many refuse that no majority is left, and not before', () => {
    const replica = replicaOf({ voters: five });
    becomeCandidate(replica);
    for (const from of [1, 1, 2]) rules.recordVote(replica, vote(from, false));
    expect(rules.hasLost(replica)).equal(false);
    rules.recordVote(replica, vote(3, false));
    expect(rules.hasLost(replica)).equal(true);
    expect(rules.hasWon(replica)).equal(false);
  });

  it('of an earlier election are forgotten in the next', () => {
    const replica = replicaOf();
    becomeCandidate(replica);
    rules.recordVote(replica, vote(1, true));
    becomeCandidate(replica);
    expect(rules.hasWon(replica)).equal(false);
  });

  it('for oneself count once they are durable: the only voter would lead one term twice after a crash', () => {
    const replica = replicaOf({ voters: [0], term: 4 });
    rules.becomeCandidate(replica);
    rules.recordOwnVote(replica, { term: 4, votedFor: 0 });
    rules.recordOwnVote(replica, { term: 5, votedFor: null });
    expect(rules.hasWon(replica)).equal(false);
    rules.recordOwnVote(replica, { term: 5, votedFor: 0 });
    expect(rules.hasWon(replica)).equal(true);
  });
});

describe('Elections: pre-votes (thesis §9.6)', () => {
  it('ask about the next term and spend nothing', () => {
    const replica = replicaOf({ log: [1, 2], term: 4, votedFor: 2 });
    replica.leaderId = 2;
    expect(rules.becomePreCandidate(replica)).deep.equal(preVoteRequest(0, 5, 2, 2));
    expect(replica).include({ currentTerm: 4, votedFor: 2, leaderId: null });
  });

  it('are granted in the present term by who has not voted in it: an election that brought nobody may be repeated', () => {
    const replica = replicaOf({ term: 4 });
    expect(rules.canGrantPreVote(replica, preVoteRequest(1, 4, 0, 0), 0, settings)).equal(true);
  });

  it('grant nothing: the term and the vote stay as they were', () => {
    const replica = replicaOf({ term: 4, votedFor: 2 });
    const request = preVoteRequest(1, 5, 0, 0);
    expect(rules.canGrantPreVote(replica, request, 0, settings)).equal(true);
    expect(rules.answerPreVote(replica, request, true)).deep.equal({
      type: 'preVoteResponse',
      term: 4,
      from: 0,
      granted: true,
      proposedTerm: 5,
    });
    expect(replica).include({ currentTerm: 4, votedFor: 2 });
  });

  it('are refused where the vote would be: older term, spent vote, shorter log', () => {
    const replica = replicaOf({ log: [1, 4], term: 4, votedFor: 2 });
    const canGrant = (from: number, term: number, lastTerm: number) =>
      rules.canGrantPreVote(replica, preVoteRequest(from, term, lastTerm, 2), 0, settings);
    expect(canGrant(1, 3, 4)).equal(false);
    expect(canGrant(1, 4, 4)).equal(false);
    expect(canGrant(2, 4, 4)).equal(true);
    expect(canGrant(1, 5, 4)).equal(true);
    expect(canGrant(1, 5, 3)).equal(false);
  });

  it('are refused by whoever hears a leader, for as long as nobody may stand who does not', () => {
    const replica = replicaOf({ term: 4 });
    replica.leaderId = 2;
    replica.leaderHeardAtMs = 1000;
    const canGrant = (nowMs: number) =>
      rules.canGrantPreVote(replica, preVoteRequest(1, 5, 9, 9), nowMs, settings);
    expect([canGrant(1149), canGrant(1150)]).deep.equal([false, true]);
  });

  it('count only for the round they answer', () => {
    const replica = replicaOf({ term: 4 });
    rules.becomePreCandidate(replica);
    expect(rules.answersThisPreVote(replica, preVote(1, true, 5))).equal(true);
    expect(rules.answersThisPreVote(replica, preVote(1, true, 4))).equal(false);
    rules.recordVote(replica, preVote(1, true, 5));
    expect(rules.hasWon(replica)).equal(true);
  });

  it('are not asked for where there is no further term: what comes after 48 bits no message can carry', () => {
    expect(rules.canBeginTerm(replicaOf({ term: 281_474_976_710_654 }))).equal(true);
    expect(rules.canBeginTerm(replicaOf({ term: 281_474_976_710_655 }))).equal(false);
  });
});
