import { expect } from 'chai';
import fc from 'fast-check';
import { InvariantViolation } from '../../src/raft/invariant.js';
import type { Message, PreVoteResponse } from '../../src/raft/messages.js';
import * as rules from '../../src/raft/terms.js';
import { anyMessage } from '../wire/arbitraries.js';
import { appendAnswer, appendFrom, preVoteRequest, replicaOf, voteRequest } from './replicas.js';

const settings = { checkQuorum: true, electionTimeoutMsMin: 150 };

function preVote(from: number, proposedTerm: number, term: number): PreVoteResponse {
  return { type: 'preVoteResponse', term, from, granted: true, proposedTerm };
}

/** Server 0 in term 3, which heard its leader 1 at time 1000. */
function follower() {
  const replica = replicaOf({ term: 3 });
  replica.leaderId = 1;
  replica.leaderHeardAtMs = 1000;
  return replica;
}

function judged(said: Message, nowMs = 2000, checkQuorum = true): rules.Judgement {
  return rules.judge(follower(), said, nowMs, { ...settings, checkQuorum });
}

describe('A message, judged by its term (§5.1)', () => {
  it('is heard when it is of the present one', () => {
    expect(judged(appendFrom(1, { term: 3 }))).equal('current');
    expect(judged(voteRequest(2, 3, 0, 0))).equal('current');
  });

  it('of a newer one starts it, whatever it says, but for a pre-vote, whose sender has not begun it', () => {
    expect(judged(appendFrom(1, { term: 4 }))).equal('newerTerm');
    expect(judged(appendAnswer(2, { term: 4, success: false }))).equal('newerTerm');
    expect(judged(voteRequest(2, 9, 0, 0))).equal('newerTerm');
    expect(judged(preVote(2, 4, 4))).equal('newerTerm');
    expect(judged(preVoteRequest(2, 4, 0, 0))).equal('current');
  });

  it('of an older one is refused', () => {
    expect(judged(appendFrom(1, { term: 2 }))).equal('olderTerm');
    expect(judged(preVoteRequest(2, 2, 0, 0))).equal('olderTerm');
  });

  it('is as old as the round that it answers, if it answers a pre-vote, whatever its sender’s own term', () => {
    expect(judged(preVote(2, 4, 1))).equal('current');
    expect(judged(preVote(2, 3, 3))).equal('olderTerm');
  });

  it('that asks for a vote disturbs a leader heard within the shortest election timeout (thesis §4.2.3)', () => {
    const request = voteRequest(2, 4, 9, 9);
    expect(judged(request, 1149)).equal('disturbsLeader');
    expect(judged(request, 1150)).equal('newerTerm');
    expect(judged(request, 1149, false), 'without check-quorum').equal('newerTerm');
    expect(judged(voteRequest(2, 3, 9, 9), 1149), 'in the present term').equal('current');
    expect(judged(appendFrom(2, { term: 4 }), 1149), 'one that leads').equal('newerTerm');
  });

  it('cannot disturb a leader itself either, until it steps down', () => {
    const leader = follower();
    leader.leaderId = 0;
    expect(rules.judge(leader, voteRequest(2, 4, 9, 9), 1e9, settings)).equal('disturbsLeader');
    rules.forgetLeader(leader);
    expect(rules.judge(leader, voteRequest(2, 4, 9, 9), 1e9, settings)).equal('newerTerm');
  });

  it('changes nothing by being judged, and starts a term only if it is a newer one', () => {
    fc.assert(
      fc.property(anyMessage, fc.nat(2000), fc.boolean(), (said, nowMs, checkQuorum) => {
        const replica = follower();
        const judgement = rules.judge(replica, said, nowMs, { ...settings, checkQuorum });
        expect(replica).deep.equal(follower());
        if (judgement === 'newerTerm') rules.adoptTerm(replica, said.term);
        expect(replica.currentTerm).equal(judgement === 'newerTerm' ? said.term : 3);
        expect(judgement === 'newerTerm' && said.type === 'preVote').equal(false);
      }),
    );
  });
});

describe('A term', () => {
  it('is entered with no vote cast and no leader known', () => {
    const replica = replicaOf({ term: 3, votedFor: 1 });
    replica.leaderId = 1;
    replica.aliveByLeader = [0, 1];
    rules.adoptTerm(replica, 5);
    expect(replica).include({ currentTerm: 5, votedFor: null, leaderId: null });
    expect(replica.aliveByLeader).deep.equal([]);
  });

  it('never goes back, and is not entered twice: the vote in it would be lost', () => {
    for (const term of [2, 3]) {
      expect(() => rules.adoptTerm(replicaOf({ term: 3 }), term)).throw(InvariantViolation, 'cannot go');
    }
  });
});

describe('Belief in a leader (thesis §4.2.3)', () => {
  it('lasts for a time after the leader was heard', () => {
    const replica = replicaOf();
    expect(rules.believesInLeader(replica, 0, 150)).equal(false);
    replica.leaderId = 1;
    replica.leaderHeardAtMs = 1000;
    expect(rules.believesInLeader(replica, 1149, 150)).equal(true);
    expect(rules.believesInLeader(replica, 1150, 150)).equal(false);
    rules.forgetLeader(replica);
    expect(rules.believesInLeader(replica, 1001, 150), 'not in one of an earlier term').equal(false);
  });

  it('is a leader’s in itself until it steps down', () => {
    const replica = replicaOf();
    replica.leaderId = 0;
    expect(rules.believesInLeader(replica, 1e9, 150)).equal(true);
    rules.forgetLeader(replica);
    expect(rules.believesInLeader(replica, 1e9, 150)).equal(false);
  });
});

describe('A peer', () => {
  it('is heard in every message but one of an older term, which tells nothing of its health in this one', () => {
    const replica = replicaOf({ term: 3 });
    rules.hear(replica, appendFrom(1, { term: 2 }), 16);
    rules.hear(replica, appendFrom(2, { term: 3 }), 17);
    rules.hear(replica, voteRequest(2, 4, 0, 0), 18);
    expect([...replica.heardAtMs]).deep.equal([[2, 18]]);
  });
});
