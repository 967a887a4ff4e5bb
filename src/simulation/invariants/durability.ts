import type { NodeId } from '../../raft/entry.js';
import type { Progress } from '../../raft/progress.js';
import type { DiskRecord } from '../disk/disk-record.js';
import type { ClusterRecord } from './cluster-record.js';
import type { Observation } from './observation.js';
import { Violation } from './violation.js';

/** What a node counts as on its own disk is there. (Figure 2, State: updated on stable storage before responding) */
export function durableIsOnDisk({ id, replica, disk, log }: Observation): void {
  const { durableIndex } = replica.log;
  const term = replica.log.termAt(durableIndex);
  if (durableIndex === 0 || (term !== null && disk.holds(durableIndex, term))) return;
  throw new Violation(
    'DurableIsOnDisk',
    id,
    `Node ${id} counts entry ${durableIndex} of term ${log.at(durableIndex)?.term} as durable, and its disk has ${disk.lastIndex} entries, there one of term ${disk.at(durableIndex)?.term}.`,
  );
}

/**
 * No entry is durable before the term that it is of: a server that came back between the two could vote, and be voted
 * for, in a term whose entries it has. (Figure 2, Persistent state; etcd-io/raft: HardState before Entries)
 */
export function entriesAreOfEnteredTerms(id: NodeId, disk: DiskRecord): void {
  const { lastIndex, hardState } = disk;
  const term = disk.at(lastIndex)?.term ?? 0;
  if (term <= hardState.term) return;
  throw new Violation(
    'EntriesAreOfEnteredTerms',
    id,
    `The disk of node ${id} has entry ${lastIndex} of term ${term} and says that the node is in term ${hardState.term}.`,
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
    if (disk === undefined || disk.isPast(replica.currentTerm)) continue;
    const term = (matchIndex > log.baseIndex ? log.at(matchIndex) : cluster.committedAt(matchIndex))?.term;
    if (term !== undefined && disk.holds(matchIndex, term)) continue;
    throw new Violation(
      'MatchedIsOnDisk',
      id,
      `Node ${id}, leader of term ${replica.currentTerm}, takes entry ${matchIndex} (term ${term}) for stored by node ${follower}, whose disk has ${disk.lastIndex} entries, there one of term ${disk.at(matchIndex)?.term}.`,
    );
  }
}

/** One that was removed and added again is another, of which nothing is known. */
export function serverOf({ id, incarnation }: Pick<Progress, 'id' | 'incarnation'>): string {
  return `${id} since ${incarnation}`;
}

/** What a leader knows to be replicated stays known while it leads. (Figure 2: matchIndex "increases monotonically") */
export function matchNeverGoesBack(seen: Observation): void {
  const { id, replica, standing, before } = seen;
  if (standing !== 'leader') return;
  for (const { id: follower, incarnation, matchIndex, acknowledgedRound } of replica.progress.values()) {
    const known = before?.matched.get(serverOf({ id: follower, incarnation })) ?? 0;
    if (matchIndex < known && before?.standing === 'leader' && before.term === replica.currentTerm) {
      throw new Violation(
        'MonotonicMatchIndex',
        id,
        `Node ${id}, leader of term ${replica.currentTerm}, took entry ${known} for stored by node ${follower}, and now only entry ${matchIndex}.`,
      );
    }
    if (acknowledgedRound > replica.round) {
      throw new Violation(
        'AcknowledgedRoundWasBegun',
        id,
        `Node ${id}, leader of term ${replica.currentTerm}, began ${replica.round} rounds of heartbeats and counts an answer of node ${follower} to round ${acknowledgedRound}.`,
      );
    }
  }
}
