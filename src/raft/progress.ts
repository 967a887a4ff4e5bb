import type { LogIndex, NodeId } from './entry.js';
import type { Log } from './log.js';
import type { AppendEntriesResponse } from './messages.js';
import type { SnapshotTransfer } from './snapshot.js';

/** What a leader knows of one follower. Always 0 <= matchIndex < nextIndex <= lastIndex + 1. */
export interface Progress {
  readonly id: NodeId;
  /** Which of the servers of that id: answers of another are not counted for it. */
  readonly incarnation: number;
  /** The highest index known to be durable on the follower and equal to the leader's. Never falls in a term. */
  matchIndex: LogIndex;
  /** The next index to send; ahead of `matchIndex` by what is under way. */
  nextIndex: LogIndex;
  /** Where the logs are asked to agree: the probe's `prevLogIndex`; null once they do. */
  probedIndex: LogIndex | null;
  /** The last index of each AppendEntries with entries that is under way, oldest first. Bounded by its user. */
  inFlight: LogIndex[];
  /** The snapshot that the follower is being sent, since what it needs next is no longer in the log; null otherwise. */
  transfer: SnapshotTransfer | null;
  /** The commit index last sent, so that news of a commit is sent once. */
  sentCommit: LogIndex;
  /** The highest round of heartbeats the follower has answered in this term. */
  acknowledgedRound: number;
  /** When the follower last answered in this term, in ms of the leader's clock. */
  answeredAtMs: number;
}

/** Volatile state on leaders, reinitialised after election (Figure 2). */
export function newProgress(id: NodeId, log: Log, incarnation = 0): Progress {
  return {
    id,
    incarnation,
    matchIndex: 0,
    nextIndex: log.lastIndex + 1,
    probedIndex: log.lastIndex,
    inFlight: [],
    transfer: null,
    sentCommit: 0,
    acknowledgedRound: 0,
    answeredAtMs: Number.NEGATIVE_INFINITY,
  };
}

/** The follower has matched and stored through `response.index`. Late and repeated answers change nothing (§5.3). */
export function recordMatch(progress: Progress, response: AppendEntriesResponse): void {
  progress.matchIndex = Math.max(progress.matchIndex, response.index);
  progress.nextIndex = Math.max(progress.nextIndex, progress.matchIndex + 1);
  progress.probedIndex = null;
  progress.inFlight = progress.inFlight.filter((last) => last > progress.matchIndex);
}

/** The follower has all that the snapshot stands for, on stable storage. The entries after it are next. */
export function recordInstalled(progress: Progress, index: LogIndex): void {
  progress.matchIndex = Math.max(progress.matchIndex, index);
  progress.nextIndex = Math.max(progress.nextIndex, progress.matchIndex + 1);
  progress.probedIndex = null;
}

/**
 * Is a refusal about something already known to match, or older than the probe under way? When one message is lost,
 * all that were under way behind it are refused, and only the first refusal is news. Of a probe two are: that of the
 * probe itself, and that of a heartbeat sent after it, which says that the probe was lost.
 */
export function isOutdatedRefusal(progress: Progress, { index }: AppendEntriesResponse): boolean {
  const { matchIndex, nextIndex, probedIndex } = progress;
  if (index <= matchIndex || index >= nextIndex) return true;
  return probedIndex !== null && index !== probedIndex && index !== nextIndex - 1;
}

/**
 * The follower refused: go back to where the logs may agree, a term at a time rather than an entry (§5.3, end).
 * If the leader has entries of the conflicting term, that is just after its last one; else the follower's first
 * entry of that term.
 */
export function backtrack(progress: Progress, response: AppendEntriesResponse, log: Log): void {
  const lastOfTerm = log.lastIndexOfTerm(response.conflictTerm);
  const candidate = lastOfTerm > 0 ? Math.min(lastOfTerm + 1, response.index) : response.conflictIndex;
  progress.nextIndex = Math.max(progress.matchIndex + 1, Math.min(candidate, response.index));
  progress.probedIndex = progress.nextIndex - 1;
  progress.inFlight = [];
}
