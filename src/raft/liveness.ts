import type { NodeId } from './entry.js';
import { majority } from './quorum.js';
import type { Replica } from './replica.js';

/** The members heard within `withinMs`, itself included, in ascending order. */
export function membersHeard(replica: Replica, nowMs: number, withinMs: number): NodeId[] {
  const alive = replica.peers.filter((id) => nowMs - heardAt(replica, id) < withinMs);
  return [replica.id, ...alive].sort((a, b) => a - b);
}

/**
 * Can a leader no longer claim a majority, having been answered by too few voters within an election timeout?
 * (thesis §6.2) Answers alone count: a voter that stands for election is heard, and does not hear its leader. It has
 * that long from taking office, which is when it last heard "the leader": its votes may be nearly as old.
 */
export function hasLostQuorum(replica: Replica, nowMs: number, electionTimeoutMs: number): boolean {
  const { voters } = replica.configuration;
  if (nowMs - replica.leaderHeardAtMs < electionTimeoutMs) return false;
  const followed = voters.filter(
    (id) => id === replica.id || nowMs - answeredAt(replica, id) < electionTimeoutMs,
  );
  return followed.length < majority(voters.length);
}

function answeredAt(replica: Replica, id: NodeId): number {
  return replica.progress.get(id)?.answeredAtMs ?? Number.NEGATIVE_INFINITY;
}

function heardAt(replica: Replica, id: NodeId): number {
  return replica.heardAtMs.get(id) ?? Number.NEGATIVE_INFINITY;
}
