import type { NodeId, Term } from './entry.js';
import { invariant } from './invariant.js';
import type { Message } from './messages.js';
import type { Replica } from './replica.js';

/*
 * The rules about terms (§5.1), which stand before all others: what is to be done with a message, whoever hears it.
 */

/** The settings that judging takes. */
export interface TermRules {
  /** Voters that hear a leader do not let others disturb it (thesis §4.2.3, §6.2). */
  readonly checkQuorum: boolean;
  /** A leader that was heard within this time is at work, in milliseconds. */
  readonly electionTimeoutMsMin: number;
}

export type Judgement =
  /** Of the present term, or a question that binds nobody: its role hears it. */
  | 'current'
  /** Its sender is right about the term, which is adopted before the message is heard. */
  | 'newerTerm'
  /** Its sender must learn the present term. */
  | 'olderTerm'
  /** A candidate asks for a vote against a leader that is heard: it is not answered, and its term not adopted. */
  | 'disturbsLeader';

export function judge(replica: Replica, message: Message, nowMs: number, rules: TermRules): Judgement {
  if (startsNewTerm(replica, message)) {
    const wantsVote = message.type === 'requestVote' && !message.isTransfer;
    const disturbs = rules.checkQuorum && wantsVote && hearsLeader(replica, nowMs, rules);
    return disturbs ? 'disturbsLeader' : 'newerTerm';
  }
  return isOfOlderTerm(replica, message) ? 'olderTerm' : 'current';
}

/** A PreVote names the term that its sender would begin, and nobody is in it yet (thesis §9.6). */
function startsNewTerm(replica: Replica, message: Message): boolean {
  return message.type !== 'preVote' && message.term > replica.currentTerm;
}

/**
 * The answer to a pre-vote belongs to the round that it answers: one who never heard of this server's last election
 * may still help it win the next.
 */
function isOfOlderTerm(replica: Replica, message: Message): boolean {
  if (message.type === 'preVoteResponse') return message.proposedTerm <= replica.currentTerm;
  return message.term < replica.currentTerm;
}

/** Does this server hold that a leader is at work, because it is one or heard one just now? (thesis §4.2.3) */
export function believesInLeader(replica: Replica, nowMs: number, withinMs: number): boolean {
  if (replica.leaderId === null) return false;
  return replica.leaderId === replica.id || nowMs - replica.leaderHeardAtMs < withinMs;
}

/** The same within the shortest election timeout: until then nobody may stand who does not hear the leader. */
export function hearsLeader(replica: Replica, nowMs: number, rules: TermRules): boolean {
  return believesInLeader(replica, nowMs, rules.electionTimeoutMsMin);
}

/** Hears a member, unless what it says is of an older term, which tells nothing of its health in this one. */
export function hear(replica: Replica, message: { from: NodeId; term: Term }, nowMs: number): void {
  const { currentTerm, configuration, heardAtMs } = replica;
  if (message.term >= currentTerm && configuration.isMember(message.from)) heardAtMs.set(message.from, nowMs);
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
