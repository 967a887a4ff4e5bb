import type { ClusterRecord } from './cluster-record.js';
import type { Observation } from './observation.js';
import { Violation } from './violation.js';

/** What a node counts as on its own disk is there. (Figure 2, State: updated on stable storage before responding) */
export function durableIsOnDisk({ id, replica, disk, log }: Observation): void {
  const { durableIndex } = replica.log;
  if (durableIndex === 0 || disk.at(durableIndex)?.term === log.at(durableIndex)?.term) return;
  throw new Violation(
    'DurableIsOnDisk',
    id,
    `Node ${id} counts entry ${durableIndex} of term ${log.at(durableIndex)?.term} as durable, and its disk has ${disk.lastIndex} entries, there one of term ${disk.at(durableIndex)?.term}.`,
  );
}

/**
 * What a leader knows to be replicated is on its follower's disk, unless a later leader has had it replaced.
 * (Figure 2: matchIndex; raft.tla: MatchIndexInv)
 */
export function matchedIsOnDisk(seen: Observation, cluster: ClusterRecord): void {
  const { id, replica, standing, log } = seen;
  if (standing !== 'leader') return;
  for (const { id: follower, matchIndex } of replica.progress.values()) {
    if (matchIndex === 0) continue;
    const disk = cluster.disks.get(follower);
    if (disk === undefined || disk.hardState.term > replica.currentTerm) continue;
    const term = log.at(matchIndex)?.term;
    if (term !== undefined && disk.at(matchIndex)?.term === term) continue;
    throw new Violation(
      'MatchedIsOnDisk',
      id,
      `Node ${id}, leader of term ${replica.currentTerm}, takes entry ${matchIndex} (term ${term}) for stored by node ${follower}, whose disk has ${disk.lastIndex} entries, there one of term ${disk.at(matchIndex)?.term}.`,
    );
  }
}
