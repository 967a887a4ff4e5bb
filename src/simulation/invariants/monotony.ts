import type { Observation } from './observation.js';
import { Violation } from './violation.js';

/** A server's term increases monotonically. (§5.1; raft.tla: MonotonicTerm) Across lives, the disk's account sees to it. */
export function termNeverGoesBack({ id, replica, before, disk }: Observation): void {
  const least = Math.max(before?.term ?? 0, disk.hardState.term);
  if (replica.currentTerm >= least) return;
  throw new Violation('MonotonicTerm', id, `Node ${id} went from term ${least} to ${replica.currentTerm}.`);
}

/** commitIndex increases monotonically. (Figure 2, State; raft.tla: MonotonicCommitIndex) */
export function commitNeverGoesBack({ id, replica, before }: Observation): void {
  if (before === null || replica.commitIndex >= before.commitIndex) return;
  throw new Violation(
    'MonotonicCommitIndex',
    id,
    `Node ${id} went from commit index ${before.commitIndex} to ${replica.commitIndex}.`,
  );
}

/** lastApplied increases monotonically, and never beyond commitIndex. (Figure 2, State and Rules for Servers) */
export function appliedNeverGoesBack({ id, replica, before }: Observation): void {
  if (replica.lastApplied >= (before?.lastApplied ?? 0) && replica.lastApplied <= replica.commitIndex) return;
  throw new Violation(
    'MonotonicApplied',
    id,
    `Node ${id} went from applied index ${before?.lastApplied ?? 0} to ${replica.lastApplied}, with commit index ${replica.commitIndex}.`,
  );
}
