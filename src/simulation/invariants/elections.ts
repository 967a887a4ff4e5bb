import type { Configuration } from '../../raft/configuration.js';
import type { NodeId } from '../../raft/entry.js';
import type { ClusterRecord } from './cluster-record.js';
import type { Observation } from './observation.js';
import { Violation } from './violation.js';

/** At most one leader can be elected in a given term. (Figure 3, Election Safety; raft.tla: ElectionSafety) */
export function electionSafety({ id, standing, replica }: Observation, cluster: ClusterRecord): void {
  if (standing !== 'leader') return;
  const { currentTerm: term } = replica;
  const leader = cluster.leaders.get(term);
  if (leader === undefined) cluster.leaders.set(term, id);
  else if (leader !== id) {
    throw new Violation('ElectionSafety', id, `Nodes ${leader} and ${id} both lead term ${term}.`);
  }
}

/** A candidate wins if it receives votes from a majority of the servers in the full cluster. (§5.2; raft.tla: BecomeLeader) */
export function leaderHasQuorum(seen: Observation): void {
  const { id, replica, standing, before } = seen;
  if (standing !== 'leader' || (before?.standing === 'leader' && before.term === replica.currentTerm)) return;
  const hasGranted = (voter: NodeId) => replica.votes.get(voter) === true;
  const { configuration } = replica;
  if (configuration.hasQuorum(hasGranted)) return;
  throw new Violation(
    'LeaderHasQuorum',
    id,
    `Node ${id} leads term ${replica.currentTerm} with the votes of ${configuration.voters.filter(hasGranted).join(', ') || 'nobody'} alone.`,
  );
}

/**
 * A vote that is counted was cast, for the one who counts it, and is on its voter's disk. (Figure 2, State: updated
 * on stable storage before responding to RPCs; raft.tla: VotesGrantedInv)
 */
export function countedVotesAreDurable(seen: Observation, cluster: ClusterRecord): void {
  const { id, replica, standing } = seen;
  if (standing === 'other' || (standing === 'leader' && seen.before?.standing === 'leader')) return;
  const { currentTerm: term } = replica;
  for (const [voter, granted] of replica.votes) {
    if (!granted) continue;
    const disk = cluster.disks.get(voter);
    const { term: diskTerm, votedFor } = disk?.hardState ?? { term: 0, votedFor: null };
    if (disk?.isPast(term) || (diskTerm === term && votedFor === id)) continue;
    throw new Violation(
      'VotesGranted',
      id,
      `Node ${id} counts a vote of node ${voter} in term ${term}, and that one's disk has term ${diskTerm} and vote ${votedFor}.`,
    );
  }
}

/** A server votes for at most one candidate in a given term, first come, first served. (§5.2; raft.tla: VoteOnce) */
export function oneVoteATerm({ id, replica, before }: Observation): void {
  if (before === null || before.term !== replica.currentTerm || before.votedFor === null) return;
  if (before.votedFor === replica.votedFor) return;
  throw new Violation(
    'OneVoteATerm',
    id,
    `Node ${id} voted for ${before.votedFor} in term ${before.term}, and then for ${replica.votedFor}.`,
  );
}

/**
 * What a server's disk says of its vote in a term is said for good: across crashes, too, it votes for at most one
 * candidate a term. (§5.2, Figure 2: votedFor is persistent; raft.tla: VoteOnce)
 */
export function durableVoteOnce({ id, disk }: Observation, cluster: ClusterRecord): void {
  const { hardState } = disk;
  if (cluster.hardStates.get(id) === hardState) return;
  cluster.hardStates.set(id, hardState);
  const { term, votedFor } = hardState;
  if (votedFor === null) return;
  const votes = cluster.votes.get(id) ?? new Map<number, number>();
  cluster.votes.set(id, votes);
  const before = votes.get(term) ?? votedFor;
  votes.set(term, before);
  if (before === votedFor) return;
  throw new Violation(
    'VoteOnce',
    id,
    `Node ${id} voted for ${before} in term ${term}, and its disk says now that it voted for ${votedFor}.`,
  );
}

/**
 * Who is held to have answered a leader has entered its term, and does not forget that. (thesis §6.2: an election
 * timeout without a round of heartbeats to a majority)
 */
export function answersAreOfThisTerm({ id, replica, standing }: Observation, cluster: ClusterRecord): void {
  if (standing !== 'leader') return;
  for (const { id: follower, answeredAtMs } of replica.progress.values()) {
    if (answeredAtMs < replica.leaderHeardAtMs) continue;
    const disk = cluster.disks.get(follower);
    const term = disk?.hardState.term ?? replica.currentTerm;
    if (term >= replica.currentTerm || disk?.isPast(replica.currentTerm)) continue;
    throw new Violation(
      'AnswersAreOfThisTerm',
      id,
      `Node ${id} holds that node ${follower} answered it as the leader of term ${replica.currentTerm}, and that one’s disk is in term ${term}.`,
    );
  }
}

/**
 * A server uses the latest configuration in its log, committed or not: the one that it was made with where there is none.
 * (§6) Else two could decide by majorities that share nobody.
 */
export function configurationIsLatestInLog(
  { id, replica, log, changedFrom }: Observation,
  cluster: ClusterRecord,
): void {
  const { latestIndex, latest } = replica.configurations;
  let last = latestIndex;
  for (let index = Math.max(changedFrom, latestIndex + 1); index <= log.lastIndex; index++) {
    if (log.at(index)?.kind === 'configuration') last = index;
  }
  const isThere = latestIndex <= log.baseIndex || log.at(latestIndex)?.kind === 'configuration';
  const isFirst = latestIndex > 0 || isOfVoters(latest, cluster.birth.voters);
  if (last === latestIndex && isThere && isFirst) return;
  throw new Violation(
    'ConfigurationIsLatestInLog',
    id,
    `Node ${id} counts voters ${latest.voters.join(', ')} by entry ${latestIndex}, and the latest configuration in its log is at ${isThere ? last : 'another index'}.`,
  );
}

function isOfVoters({ voters }: Configuration, wanted: readonly NodeId[]): boolean {
  return voters.length === wanted.length && voters.every((voter) => wanted.includes(voter));
}
