import type { NodeId } from './entry.js';
import type { Replica } from './replica.js';

/** The members heard within `withinMs`, itself included, in ascending order. */
export function membersHeard(replica: Replica, nowMs: number, withinMs: number): NodeId[] {
  const peers = replica.configuration.peersOf(replica.id);
  const alive = peers.filter((id) => nowMs - heardAt(replica, id) < withinMs);
  return [replica.id, ...alive].sort((a, b) => a - b);
}

/**
 * Can a leader no longer claim a quorum, having been answered by too few voters within an election timeout?
 * (thesis §6.2) Answers alone count: a voter that stands for election is heard, and does not hear its leader. It has
 * that long from taking office, which is when it last heard "the leader": its votes may be nearly as old.
 */
export function hasLostQuorum(replica: Replica, nowMs: number, electionTimeoutMs: number): boolean {
  if (nowMs - replica.leaderHeardAtMs < electionTimeoutMs) return false;
  return !replica.configuration.hasQuorum(
    (voter) => voter === replica.id || nowMs - answeredAt(replica, voter) < electionTimeoutMs,
  );
}

function answeredAt(replica: Replica, id: NodeId): number {
  return replica.progress.get(id)?.answeredAtMs ?? Number.NEGATIVE_INFINITY;
}

function heardAt(replica: Replica, id: NodeId): number {
  return replica.heardAtMs.get(id) ?? Number.NEGATIVE_INFINITY;
}
