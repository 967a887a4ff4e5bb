import type { Term } from './entry.js';
import type { AppendEntries, AppendEntriesResponse, InstallSnapshot, Message } from './messages.js';
import type { Replica } from './replica.js';
import { lastIndexOf } from './run.js';
import { chunkBytesMax } from './snapshot.js';

/*
 * What no server that keeps the rules says to this one: a forgery, a message of another cluster or of an earlier life
 * of this one, or another server's bug. The rules hold their ground by dying of what must not be (`invariant`); a
 * stranger must not be able to have them do so. So whoever hears a message asks here first, and drops what makes no
 * sense. Whatever cannot be told from the truth is heard: against forgeries of that kind ciphers help, and nothing
 * else.
 */

export const nonsenses = [
  /** The term is further ahead than elections could have brought it. */
  'termOutOfReach',
  /** A log that ends in a term that its server has not entered, or in a term without an entry, or the other way. */
  'impossibleLog',
  /** Another leads this term (Figure 3, Election Safety). */
  'secondLeader',
  /** Terms fall along the entries, or rise above their leader's. */
  'entriesOutOfOrder',
  /** An entry that is to name a configuration, and names none that a cluster could have. */
  'unreadableConfiguration',
  /** A leader that lacks what is committed (Figure 3, Leader Completeness). */
  'conflictsWithCommitted',
  /** The answer acknowledges entries that the leader does not have. */
  'matchBeyondLog',
  /** A snapshot that ends with no entry, or in a later term than its leader's, or with a configuration of later on. */
  'impossibleSnapshot',
  /** The answer is to a round of heartbeats that was not begun. */
  'roundNotBegun',
] as const;
export type Nonsense = (typeof nonsenses)[number];

/** How many terms elections could have passed while a server heard nothing of them: one a millisecond for 49 days. */
const termsMissedMax = 2 ** 32;

/**
 * What is wrong with a message of the present term or of a newer one, given what this server knows; null when it may be
 * true. In a cluster that keeps the rules it always is.
 */
export function nonsenseIn(replica: Replica, message: Message): Nonsense | null {
  if (message.term > replica.currentTerm + termsMissedMax) return 'termOutOfReach';
  switch (message.type) {
    case 'appendEntries':
      return isOfSecondLeader(replica, message) ? 'secondLeader' : nonsenseInEntries(replica, message);
    case 'appendEntriesResponse':
      return message.term === replica.currentTerm ? nonsenseInAnswer(replica, message) : null;
    case 'installSnapshot':
      return isOfSecondLeader(replica, message) ? 'secondLeader' : nonsenseInSnapshot(replica, message);
    case 'installSnapshotResponse': {
      const leads = message.term === replica.currentTerm && replica.leaderId === replica.id;
      return leads && message.success && message.index > replica.log.lastIndex ? 'matchBeyondLog' : null;
    }
    case 'requestVote':
    case 'preVote': {
      const { term, lastLogIndex, lastLogTerm } = message;
      // Who stands has begun a term after those of its log, or asks about one.
      const isPossible = lastLogTerm < term && (lastLogIndex === 0) === (lastLogTerm === 0);
      return isPossible ? null : 'impossibleLog';
    }
    case 'notMember': {
      const { term, commitIndex, commitTerm } = message;
      return commitTerm <= term && (commitIndex === 0) === (commitTerm === 0) ? null : 'impossibleLog';
    }
    case 'readIndexResponse':
      return message.granted && isOfSecondLeader(replica, message) ? 'secondLeader' : null;
    case 'verify':
    case 'timeoutNow':
      return isOfSecondLeader(replica, message) ? 'secondLeader' : null;
    default:
      return null;
  }
}

/** Does the message speak for a leader of the present term who is another than the one that is known? */
function isOfSecondLeader(
  { currentTerm, leaderId }: Replica,
  message: { from: number; term: Term },
): boolean {
  return message.term === currentTerm && leaderId !== null && leaderId !== message.from;
}

function nonsenseInEntries(replica: Replica, message: AppendEntries): Nonsense | null {
  const { prevLogIndex, prevLogTerm, runs, term } = message;
  const { log, commitIndex } = replica;
  const own = log.termAt(prevLogIndex);
  if (prevLogIndex <= commitIndex && own !== null && own !== prevLogTerm) return 'conflictsWithCommitted';
  let before = prevLogTerm;
  for (const run of runs) {
    if (run.term < before) return 'entriesOutOfOrder';
    if (!replica.configurations.canFollow(run)) return 'unreadableConfiguration';
    if (log.firstNewIn(run) <= Math.min(commitIndex, lastIndexOf(run))) return 'conflictsWithCommitted';
    before = run.term;
  }
  return before > term ? 'entriesOutOfOrder' : null;
}

function nonsenseInSnapshot({ log, commitIndex }: Replica, message: InstallSnapshot): Nonsense | null {
  const { term, lastIncludedIndex, lastIncludedTerm, configurationIndex, chunk } = message;
  const isPossible =
    lastIncludedIndex > 0 &&
    lastIncludedTerm > 0 &&
    lastIncludedTerm <= term &&
    configurationIndex <= lastIncludedIndex &&
    chunk.length <= chunkBytesMax;
  if (!isPossible) return 'impossibleSnapshot';
  if (lastIncludedIndex > commitIndex) {
    return lastIncludedTerm < (log.termAt(commitIndex) ?? 0) ? 'conflictsWithCommitted' : null;
  }
  const own = log.termAt(lastIncludedIndex);
  return own !== null && own !== lastIncludedTerm ? 'conflictsWithCommitted' : null;
}

function nonsenseInAnswer(
  replica: Replica,
  { success, index, round }: AppendEntriesResponse,
): Nonsense | null {
  const { id, leaderId, log } = replica;
  if (leaderId !== id) return null;
  if (round > replica.round) return 'roundNotBegun';
  return success && index > log.lastIndex ? 'matchBeyondLog' : null;
}
