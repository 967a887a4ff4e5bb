import type { ClusterRecord } from './cluster-record.js';
import type { Observation } from './observation.js';
import { Violation } from './violation.js';

/**
 * A leader never overwrites or deletes entries in its log; it only appends new entries. (Figure 3, Leader
 * Append-Only; raft.tla: LeaderAppendOnly)
 */
export function leaderAppendOnly({ id, replica, standing, before, changedFrom }: Observation): void {
  if (standing !== 'leader' || before?.standing !== 'leader' || before.term !== replica.currentTerm) return;
  if (changedFrom > before.lastIndex) return;
  throw new Violation(
    'LeaderAppendOnly',
    id,
    `Node ${id} leads term ${replica.currentTerm} and replaced entry ${changedFrom} of its own log, which had ${before.lastIndex}.`,
  );
}

/**
 * If two logs contain an entry with the same index and term, then the logs are identical in all entries up through
 * the given index. (Figure 3, Log Matching; raft.tla: LogMatching)
 */
export function logMatching({ id, log, changedFrom }: Observation, cluster: ClusterRecord): void {
  for (let index = changedFrom; index <= log.lastIndex; index++) {
    const term = log.at(index)?.term ?? 0;
    const chain = log.chainAt(index);
    if (cluster.chainOf(index, term, chain) === chain) continue;
    throw new Violation(
      'LogMatching',
      id,
      `Node ${id} has entry ${index} of term ${term} as others do, and another log up to it.`,
    );
  }
}

/** A run has as many commands as entries, wherever it was cut: an index means one command. */
export function runsAreWhole({ id, log, replica }: Observation): void {
  if (log.lastIndex === replica.log.lastIndex) return;
  throw new Violation(
    'RunsAreWhole',
    id,
    `Node ${id} has ${replica.log.lastIndex} entries and commands for ${log.lastIndex}.`,
  );
}

/** Terms never fall along a log. (§5.4.1; etcd and openraft assert it) */
export function logTermsAscend({ id, log, replica, changedFrom }: Observation): void {
  for (let index = changedFrom; index <= log.lastIndex; index++) {
    const term = log.at(index)?.term ?? 0;
    const before = log.at(index - 1)?.term ?? 0;
    if (term >= before && term <= replica.currentTerm) continue;
    throw new Violation(
      'LogTermsAscend',
      id,
      `Node ${id}, in term ${replica.currentTerm}, has entry ${index} of term ${term} after one of term ${before}.`,
    );
  }
}

/**
 * If a log entry is committed in a given term, then that entry will be present in the logs of the leaders for all
 * higher-numbered terms. (Figure 3, Leader Completeness; raft.tla: LeaderCompleteness)
 */
export function leaderCompleteness(seen: Observation, cluster: ClusterRecord): void {
  const { id, replica, standing, before, log } = seen;
  if (standing !== 'leader' || (before?.standing === 'leader' && before.term === replica.currentTerm)) return;
  let index = cluster.committed.length;
  while (index > 0 && (cluster.committedAt(index)?.saidInTerm ?? 0) >= replica.currentTerm) index--;
  const committed = cluster.committedAt(index);
  if (committed === undefined || index < log.baseIndex || log.chainAt(index) === committed.chain) return;
  throw new Violation(
    'LeaderCompleteness',
    id,
    `Node ${id} leads term ${replica.currentTerm} without all entries up to ${index}, which were committed in term ${committed.saidInTerm}.`,
  );
}
