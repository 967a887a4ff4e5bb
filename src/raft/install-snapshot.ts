import { Configuration } from './configuration.js';
import { invariant } from './invariant.js';
import type { InstallSnapshot, InstallSnapshotResponse } from './messages.js';
import type { Replica } from './replica.js';
import type { SnapshotMark } from './snapshot.js';

/* The receiver's side of InstallSnapshot (Figure 13): what a server does with a snapshot of its leader's. */

export function markOf(message: InstallSnapshot): SnapshotMark {
  const { lastIncludedIndex: index, lastIncludedTerm: term, configuration, configurationIndex } = message;
  return { index, term, configuration, configurationIndex };
}

/**
 * What a leader's snapshot is to a server of its term. `known`: its own state is as new, and it never goes back to an
 * older one. `matching`: its log has the entry that the snapshot ends with, and so all that the snapshot stands for; the
 * log is kept, with what follows (§7, InstallSnapshot RPC, rule 6). `wanted`: the log ends before, or conflicts.
 */
export type SnapshotVerdict = 'known' | 'matching' | 'wanted';

export function judgeSnapshot({ log, commitIndex }: Replica, { index, term }: SnapshotMark): SnapshotVerdict {
  if (index <= commitIndex) return 'known';
  return log.termAt(index) === term ? 'matching' : 'wanted';
}

/** What a snapshot stands for is committed: so is that part of a log that matches it. */
export function commitThroughSnapshot(replica: Replica, { index, term }: SnapshotMark): void {
  invariant(
    replica.log.termAt(index) === term,
    () => `The log does not have the entry ${index} of term ${term} that a snapshot ends with.`,
  );
  replica.commitIndex = Math.max(replica.commitIndex, index);
}

/**
 * The snapshot is on this server's stable storage and takes the place of the whole log, which ends before it or conflicts
 * with it (rule 7). The configuration is the snapshot's. The state machine is restored from it by whoever has one.
 */
export function installSnapshot(replica: Replica, mark: SnapshotMark): void {
  invariant(
    judgeSnapshot(replica, mark) === 'wanted',
    () => `A snapshot through entry ${mark.index} is of no use with entry ${replica.commitIndex} committed.`,
  );
  replica.log.restartAt(mark);
  replica.commitIndex = mark.index;
  replica.configurations.restore(mark.configurationIndex, new Configuration(mark.configuration));
}

/** Says where this server's copy of the snapshot ends, which is where it wants to go on. */
export function wantSnapshotFrom(
  replica: Replica,
  { lastIncludedIndex: index, incarnation }: InstallSnapshot,
  position: number,
): InstallSnapshotResponse {
  const { id: from, currentTerm: term } = replica;
  return { type: 'installSnapshotResponse', term, from, success: false, index, position, incarnation };
}

/** Says that this server has all that the snapshot stands for. To leave once that is durable. */
export function acknowledgeSnapshot(
  replica: Replica,
  { lastIncludedIndex: index, incarnation }: InstallSnapshot,
): InstallSnapshotResponse {
  const { id: from, currentTerm: term } = replica;
  return { type: 'installSnapshotResponse', term, from, success: true, index, position: 0, incarnation };
}
