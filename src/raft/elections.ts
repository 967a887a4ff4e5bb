import type { NodeId, Term } from './entry.js';
import { invariant } from './invariant.js';
import type { Message, PreVote, PreVoteResponse, RequestVote, RequestVoteResponse } from './messages.js';
import type { Replica } from './replica.js';

/** A message of a newer term, whose sender is right about the term (Figure 2, Rules for Servers). */
export function startsNewTerm(replica: Replica, message: Message): boolean {
  return message.type !== 'preVote' && message.term > replica.currentTerm;
}

/**
 * A message of an older term: its sender must learn the current one (§5.1). The answer to a pre-vote belongs to the
 * round that it answers: one who never heard of this server's last election may still help it win the next.
 */
export function isOfOlderTerm(replica: Replica, message: Message): boolean {
  if (message.type === 'preVoteResponse') return message.proposedTerm <= replica.currentTerm;
  return message.term < replica.currentTerm;
}

/** Enters a newer term, with no vote cast and no leader known in it. */
export function adoptTerm(replica: Replica, term: Term): void {
  invariant(term > replica.currentTerm, () => `The term cannot go from ${replica.currentTerm} to ${term}.`);
  replica.currentTerm = term;
  replica.votedFor = null;
  forgetLeader(replica);
}

export function forgetLeader(replica: Replica): void {
  replica.leaderId = null;
  replica.aliveByLeader = [];
}

/** Does this server hold that a leader is at work, because it is one or heard one just now? (thesis §4.2.3) */
export function believesInLeader(replica: Replica, nowMs: number, electionTimeoutMsMin: number): boolean {
  if (replica.leaderId === null) return false;
  return replica.leaderId === replica.id || nowMs - replica.leaderHeardAtMs < electionTimeoutMsMin;
}

/** Is a log that ends in (lastLogTerm, lastLogIndex) at least as up-to-date as this server's? (§5.4.1) */
export function isUpToDate(replica: Replica, request: RequestVote | PreVote): boolean {
  const { lastTerm, lastIndex } = replica.log;
  if (request.lastLogTerm !== lastTerm) return request.lastLogTerm > lastTerm;
  return request.lastLogIndex >= lastIndex;
}

/** RequestVote RPC, receiver's rule 2, for a request of the current term: at most one candidate a term. */
export function canGrantVote(replica: Replica, request: RequestVote): boolean {
  const free = replica.votedFor === null || replica.votedFor === request.from;
  return free && isUpToDate(replica, request);
}

/** Casts the vote. It must be durable before the answer leaves. */
export function grantVote(replica: Replica, request: RequestVote): RequestVoteResponse {
  replica.votedFor = request.from;
  return { type: 'requestVoteResponse', term: replica.currentTerm, from: replica.id, granted: true };
}

export function refuseVote(replica: Replica): RequestVoteResponse {
  return { type: 'requestVoteResponse', term: replica.currentTerm, from: replica.id, granted: false };
}

/** Would this server vote for the sender in the term it proposes? Nothing is promised (thesis §9.6). */
export function canGrantPreVote(replica: Replica, request: PreVote): boolean {
  if (request.term < replica.currentTerm) return false;
  const votedForAnother = replica.votedFor !== null && replica.votedFor !== request.from;
  if (request.term === replica.currentTerm && votedForAnother) return false;
  return isUpToDate(replica, request);
}

export function answerPreVote(replica: Replica, request: PreVote, granted: boolean): PreVoteResponse {
  return {
    type: 'preVoteResponse',
    term: replica.currentTerm,
    from: replica.id,
    granted,
    proposedTerm: request.term,
  };
}

/** Begins to ask whether an election could be won; its own answer is yes. */
export function becomePreCandidate(replica: Replica): PreVote {
  forgetLeader(replica);
  replica.votes = new Map([[replica.id, true]]);
  return {
    type: 'preVote',
    term: replica.currentTerm + 1,
    from: replica.id,
    lastLogIndex: replica.log.lastIndex,
    lastLogTerm: replica.log.lastTerm,
  };
}

/** Begins an election (§5.2): new term, vote for itself. Both must be durable before the request leaves. */
export function becomeCandidate(replica: Replica): RequestVote {
  adoptTerm(replica, replica.currentTerm + 1);
  replica.votedFor = replica.id;
  replica.votes = new Map([[replica.id, true]]);
  return {
    type: 'requestVote',
    term: replica.currentTerm,
    from: replica.id,
    lastLogIndex: replica.log.lastIndex,
    lastLogTerm: replica.log.lastTerm,
  };
}

/** Does the answer belong to the round of pre-votes under way? */
export function answersThisPreVote(replica: Replica, response: PreVoteResponse): boolean {
  return response.proposedTerm === replica.currentTerm + 1;
}

/** Counts an answer once, whoever repeats it; a server that is no voter does not count. */
export function recordVote(replica: Replica, response: RequestVoteResponse | PreVoteResponse): void {
  if (replica.configuration.isVoter(response.from)) replica.votes.set(response.from, response.granted);
}

/** Has a quorum granted? */
export function hasWon({ configuration, votes }: Replica): boolean {
  return configuration.hasQuorum((voter) => votes.get(voter) === true);
}

/** Have so many refused that no quorum is left to grant? */
export function hasLost({ configuration, votes }: Replica): boolean {
  return !configuration.hasQuorum((voter) => votes.get(voter) !== false);
}

/** Hears a peer; and, when it is the leader of the current term, the leader. */
export function hear(replica: Replica, from: NodeId, nowMs: number): void {
  replica.heardAtMs.set(from, nowMs);
}
