import { type HardState, termMax } from './entry.js';
import type { PreVote, PreVoteResponse, RequestVote, RequestVoteResponse } from './messages.js';
import type { Replica } from './replica.js';
import { adoptTerm, forgetLeader, hearsLeader, type TermRules } from './terms.js';

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

/**
 * Would this server vote for the sender in the term it proposes, having no leader that is at work? Nothing is promised
 * (thesis §9.6).
 */
export function canGrantPreVote(
  replica: Replica,
  request: PreVote,
  nowMs: number,
  rules: TermRules,
): boolean {
  if (hearsLeader(replica, nowMs, rules) || request.term < replica.currentTerm) return false;
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

/** Is there a term after this one? Only forgeries can bring a server to where there is none. */
export function canBeginTerm({ currentTerm }: Replica): boolean {
  return currentTerm < termMax;
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

/**
 * Begins an election (§5.2): new term, vote for itself. Both must be durable before the request leaves.
 * @param isTransfer the leader of the term before wants it
 */
export function becomeCandidate(replica: Replica, isTransfer = false): RequestVote {
  adoptTerm(replica, replica.currentTerm + 1);
  replica.votedFor = replica.id;
  replica.votes = new Map();
  return {
    type: 'requestVote',
    term: replica.currentTerm,
    from: replica.id,
    lastLogIndex: replica.log.lastIndex,
    lastLogTerm: replica.log.lastTerm,
    isTransfer,
  };
}

/**
 * A candidate's own vote counts like the others', only once it is durable: a sole voter that forgot it in a crash
 * could lead one term twice.
 * @param durable what is on this server's stable storage
 */
export function recordOwnVote(replica: Replica, durable: HardState): void {
  const { id, currentTerm } = replica;
  if (durable.term === currentTerm && durable.votedFor === id) replica.votes.set(id, true);
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
