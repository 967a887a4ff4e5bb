import type { LogIndex } from '../../raft/entry.js';
import type { ClusterRecord } from './cluster-record.js';
import type { Observation } from './observation.js';
import { Violation } from './violation.js';

/**
 * Once an entry is committed nobody commits another at its index. (§5.4.3, State Machine Safety; raft.tla:
 * CommittedEntriesNeverChange)
 */
export function committedEntriesNeverChange(seen: Observation, cluster: ClusterRecord): void {
  const { id, replica, log, before, changedFrom } = seen;
  const { commitIndex, currentTerm } = replica;
  cluster.holds(replica);
  if (commitIndex > log.lastIndex) {
    throw new Violation(
      'CommittedEntriesNeverChange',
      id,
      `Node ${id} has ${log.lastIndex} entries and commit index ${commitIndex}.`,
    );
  }
  // What a snapshot stands for is judged as its state is: `snapshotIsOfTheCommittedLog`.
  const from = Math.max(Math.min((before?.commitIndex ?? 0) + 1, changedFrom), log.baseIndex + 1);
  for (let index = from; index <= commitIndex; index++) {
    const run = log.at(index);
    const term = run?.term ?? 0;
    const chain = log.chainAt(index);
    const known = cluster.committedAt(index);
    if (known === undefined) {
      const hasEffect = run !== undefined && cluster.sessions.next(index, run);
      if (run?.kind === 'configuration') {
        cluster.configurations.push(replica.configurations.at(index));
      }
      cluster.committed.push({ term, chain, saidInTerm: currentTerm, hasEffect });
    } else if (known.chain !== chain) {
      throw new Violation(
        'CommittedEntriesNeverChange',
        id,
        `Node ${id} holds entry ${index} of term ${term} for committed, and one of term ${known.term} was.`,
      );
    }
  }
}

/**
 * A leader knows that an entry from its current term is committed once that entry is stored on a majority; entries
 * of earlier terms are never committed by counting replicas. (§5.4.2; raft.tla: AdvanceCommitIndex)
 */
export function leaderCommitsItsOwnTerm({ id, replica, standing, before, log }: Observation): void {
  if (standing !== 'leader' || before?.standing !== 'leader' || before.term !== replica.currentTerm) return;
  if (replica.commitIndex === before.commitIndex) return;
  const { term } = log.at(replica.commitIndex) ?? { term: 0 };
  if (term === replica.currentTerm) return;
  throw new Violation(
    'LeaderCommitsItsOwnTerm',
    id,
    `Node ${id} leads term ${replica.currentTerm} and committed entry ${replica.commitIndex} of term ${term} by counting.`,
  );
}

/**
 * A committed entry is on the disks of a majority, from the moment that anybody says so. (§5.3, and Figure 2: State) A
 * leader counts by its latest configuration, or by the one that this took the place of when it was committed (§6).
 */
export function committedIsOnQuorumDisks(seen: Observation, cluster: ClusterRecord): void {
  const { id, replica, before } = seen;
  if (seen.standing === 'leader' && before?.standing === 'leader') leaderHasCounted(seen, cluster);
  for (let index = (before?.commitIndex ?? 0) + 1; index <= replica.commitIndex; index++) {
    requireQuorum(cluster, index, `Node ${id} holds entry ${index} for committed`, id);
  }
}

function leaderHasCounted({ id, replica, before }: Observation, cluster: ClusterRecord): void {
  const { commitIndex, configuration, configurations, log } = replica;
  if (commitIndex === before?.commitIndex || before?.term !== replica.currentTerm) return;
  const term = log.termAt(commitIndex) ?? 0;
  const has = (voter: number) => cluster.disks.get(voter)?.holds(commitIndex, term) === true;
  if ([configuration, configurations.previous].some((each) => each.hasQuorum(has))) return;
  throw new Violation(
    'CommittedIsOnQuorumDisks',
    id,
    `Node ${id} committed entry ${commitIndex} as the leader of term ${term}, and no quorum of its voters ${configuration.voters.join(', ')} has it on disk.`,
  );
}

/** The same, when what is on a disk has been replaced from an index on. */
export function committedStaysOnQuorumDisks(id: number, changedFrom: LogIndex, cluster: ClusterRecord): void {
  for (let index = changedFrom; index <= cluster.committed.length; index++) {
    requireQuorum(cluster, index, `Entry ${index} was committed, node ${id} wrote its disk anew`, id);
  }
}

function requireQuorum(cluster: ClusterRecord, index: LogIndex, what: string, id: number): void {
  const term = cluster.committedAt(index)?.term ?? 0;
  if (cluster.isOnQuorum(index, term)) return;
  const holders = [...cluster.disks].filter(([, disk]) => disk.holds(index, term)).map(([node]) => node);
  throw new Violation(
    'CommittedIsOnQuorumDisks',
    id,
    `${what}, and of the disks only those of ${holders.join(', ') || 'nobody'} hold it (term ${term}).`,
  );
}
