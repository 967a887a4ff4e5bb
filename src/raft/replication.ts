import { invariant } from './invariant.js';
import type { EntrySource, Log } from './log.js';
import type { AppendEntries, AppendEntriesResponse, InstallSnapshot } from './messages.js';
import { newProgress, type Progress } from './progress.js';
import type { Replica } from './replica.js';
import { cutRun, entriesIn, lastIndexOf, type Run } from './run.js';

/** The sender leads the current term: the paper's election safety says nobody else does (§5.2). */
export function acceptLeader(
  replica: Replica,
  message: AppendEntries | InstallSnapshot,
  nowMs: number,
): void {
  invariant(
    replica.leaderId === null || replica.leaderId === message.from,
    () => `Servers ${replica.leaderId} and ${message.from} both lead term ${replica.currentTerm}.`,
  );
  replica.leaderId = message.from;
  replica.leaderHeardAtMs = nowMs;
  if (message.type === 'appendEntries') replica.aliveByLeader = message.alive;
}

/**
 * AppendEntries RPC, receiver's rules 2 to 5, for a message of the current term. The answer may leave only when
 * all that it acknowledges is durable.
 */
export function appendEntries(replica: Replica, message: AppendEntries): AppendEntriesResponse {
  const { log } = replica;
  // What is before the log is in a snapshot or applied, committed at any rate, and every leader has it (§5.4).
  if (message.prevLogIndex >= log.baseIndex) {
    const termAtPrev = log.termAt(message.prevLogIndex);
    if (termAtPrev !== message.prevLogTerm) return refuseAppend(replica, message, termAtPrev);
  }
  storeEntries(replica, message.runs);
  // Rule 5 with the last *new* entry: what follows it in this log is not known to match the leader's.
  const lastMatched = Math.max(message.prevLogIndex + entriesIn(message.runs), log.baseIndex);
  replica.commitIndex = Math.max(replica.commitIndex, Math.min(message.leaderCommit, lastMatched));
  return {
    type: 'appendEntriesResponse',
    term: replica.currentTerm,
    from: replica.id,
    success: true,
    round: message.round,
    index: lastMatched,
    conflictTerm: 0,
    conflictIndex: 0,
    incarnation: message.incarnation,
  };
}

/** Rules 3 and 4: keep what agrees, drop a conflicting entry and all after it, append what is new. */
function storeEntries(replica: Replica, runs: readonly Run[]): void {
  const { log } = replica;
  const fresh = newOf(runs, log);
  const first = fresh[0];
  if (first === undefined) return;
  if (first.firstIndex <= log.lastIndex) {
    invariant(
      first.firstIndex > replica.commitIndex,
      () =>
        `The leader's entry ${first.firstIndex} (term ${first.term}) conflicts with a committed one of term ${log.termAt(first.firstIndex)}.`,
    );
    log.truncateFrom(first.firstIndex);
    replica.configurations.truncateFrom(first.firstIndex);
  }
  log.append(fresh);
  replica.configurations.follow(fresh);
}

/** What is left of the runs from the first entry on that the log lacks, or has of another term. */
function newOf(runs: readonly Run[], log: Log): readonly Run[] {
  for (const [at, run] of runs.entries()) {
    const index = log.firstNewIn(run);
    if (index <= lastIndexOf(run)) return [cutRun(run, index, lastIndexOf(run)), ...runs.slice(at + 1)];
  }
  return [];
}

function refuseAppend(
  replica: Replica,
  message: AppendEntries,
  conflictTerm: number | null,
): AppendEntriesResponse {
  const { log } = replica;
  return {
    type: 'appendEntriesResponse',
    term: replica.currentTerm,
    from: replica.id,
    success: false,
    round: message.round,
    index: message.prevLogIndex,
    conflictTerm: conflictTerm ?? 0,
    conflictIndex: conflictTerm === null ? log.lastIndex + 1 : log.firstIndexFromTerm(conflictTerm),
    incarnation: message.incarnation,
  };
}

/**
 * The answer to an AppendEntries of an older term: its `term` deposes the sender (§5.1). It acknowledges no round:
 * the sender may lead this newer term when the answer arrives, and must not take the old round for one of its new.
 */
export function refuseOlderAppend(replica: Replica, message: AppendEntries): AppendEntriesResponse {
  const refusal = refuseAppend(replica, message, replica.log.termAt(message.prevLogIndex));
  return { ...refusal, round: 0 };
}

/** Takes office: nothing is known of the followers, and a no-op of the new term will be appended at once (§8). */
export function becomeLeader(replica: Replica, nowMs: number): void {
  replica.leaderId = replica.id;
  replica.leaderHeardAtMs = nowMs;
  replica.progress.clear();
  trackMembers(replica);
  replica.termStartIndex = replica.log.lastIndex + 1;
  replica.round = 0;
}

/**
 * A leader appends to its log. A configuration among it is in force at once, committed or not (§6): the leader supplies
 * whoever is a member now, new ones from the end of its log backwards, and counts no answers of those who were.
 */
export function appendToOwnLog(replica: Replica, runs: readonly Run[]): void {
  replica.log.append(runs);
  if (replica.configurations.follow(runs)) trackMembers(replica);
}

/** A leader knows of every member but itself, and of nobody else; nor of a server that bore a member's id before. */
function trackMembers({ id: self, configuration, progress, log }: Replica): void {
  for (const { id, incarnation } of progress.values()) {
    if (configuration.member(id)?.incarnation !== incarnation) progress.delete(id);
  }
  for (const { id, incarnation } of configuration.members) {
    if (id !== self && !progress.has(id)) progress.set(id, newProgress(id, log, incarnation));
  }
}

/**
 * The next AppendEntries for a follower, with as many entries as fit, or none for a heartbeat. Moves `nextIndex`. While
 * the follower is sent a snapshot, heartbeats ask whether it has the entry that this ends with.
 */
export function nextAppendEntries(
  replica: Replica,
  progress: Progress,
  source: EntrySource,
  entryBytesMax: number,
  alive: AppendEntries['alive'],
): AppendEntries {
  const { index: prevLogIndex, term: prevLogTerm } = placeBefore(replica, progress, source);
  const mayCarry = entryBytesMax > 0 && prevLogIndex === progress.nextIndex - 1;
  const runs = mayCarry ? source.slice(progress.nextIndex, entryBytesMax) : [];
  if (runs.length > 0) {
    progress.nextIndex += entriesIn(runs);
    progress.inFlight.push(progress.nextIndex - 1);
  }
  progress.sentCommit = replica.commitIndex;
  return {
    type: 'appendEntries',
    term: replica.currentTerm,
    from: replica.id,
    prevLogIndex,
    prevLogTerm,
    runs,
    leaderCommit: replica.commitIndex,
    round: replica.round,
    alive,
    incarnation: progress.incarnation,
  };
}

/**
 * What the next entries follow. Where that is in the log no longer, and no snapshot is on its way yet, a heartbeat asks
 * about the log's end.
 */
function placeBefore({ log }: Replica, { transfer, nextIndex }: Progress, source: EntrySource) {
  if (transfer !== null) return transfer.mark;
  const index = nextIndex - 1;
  const term = source.termAt(index);
  if (term !== null) return { index, term };
  invariant(index < log.baseIndex, () => `Entry ${index} is to precede others and is not in the log.`);
  return { index: log.lastIndex, term: log.lastTerm };
}

/**
 * Leaders' rule: if a quorum stores an entry of the *current* term, it and all before it are committed
 * (§5.3, §5.4.2). The leader counts itself only as far as its own disk has answered. True when the index moved.
 */
export function advanceCommitIndex(replica: Replica): boolean {
  const { id: self, configuration, progress, log } = replica;
  const reached = configuration.reached((voter) =>
    voter === self ? log.durableIndex : (progress.get(voter)?.matchIndex ?? 0),
  );
  if (reached <= replica.commitIndex || log.termAt(reached) !== replica.currentTerm) return false;
  replica.commitIndex = reached;
  return true;
}
