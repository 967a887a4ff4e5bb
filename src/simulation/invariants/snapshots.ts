import type { LogIndex } from '../../raft/entry.js';
import type { ClusterRecord } from './cluster-record.js';
import type { Observation } from './observation.js';
import { Violation } from './violation.js';

/**
 * A log that begins later than with its first entry follows a committed entry: what was given up, or never came because
 * a snapshot did, can be no other. (§7: a snapshot replaces committed entries alone)
 */
export function logFollowsCommittedEntry({ id, replica }: Observation, cluster: ClusterRecord): void {
  const { log, commitIndex } = replica;
  const base = log.baseIndex;
  if (base === 0) return;
  const committed = cluster.committedAt(base);
  if (base <= commitIndex && committed !== undefined && committed.term === log.termAt(base)) return;
  throw new Violation(
    'LogFollowsCommittedEntry',
    id,
    `Node ${id} has a log that follows entry ${base} of term ${log.termAt(base)}, and ${committed === undefined ? 'none' : `one of term ${committed.term}`} is committed there (its commit index is ${commitIndex}).`,
  );
}

/**
 * A state that is captured for a snapshot, or restored from one, is the state that every node has, or had, after that
 * entry: application and clients' sessions. (§7; Figure 3, State Machine Safety)
 */
export function stateIsThatOfTheEntry(
  id: number,
  index: LogIndex,
  state: number,
  cluster: ClusterRecord,
): void {
  if (cluster.stateAt(index, state) === state) return;
  throw new Violation(
    'StateIsThatOfTheEntry',
    id,
    `Node ${id} has another state at entry ${index} than was seen there before.`,
  );
}
