import type { NodeId } from './entry.js';
import { majority } from './quorum.js';
import type { Replica } from './replica.js';

/** The members heard within `withinMs`, itself included, in ascending order. */
export function membersHeard(replica: Replica, nowMs: number, withinMs: number): NodeId[] {
  const alive = replica.peers.filter((id) => nowMs - heardAt(replica, id) < withinMs);
  return [replica.id, ...alive].sort((a, b) => a - b);
}

/**
 * Can a leader no longer claim a majority, having heard too few voters within an election timeout? (thesis §6.2) It
 * has that long from taking office, which is when it last heard "the leader": its votes may be nearly as old.
 */
export function hasLostQuorum(replica: Replica, nowMs: number, electionTimeoutMs: number): boolean {
  const { voters } = replica.configuration;
  if (nowMs - replica.leaderHeardAtMs < electionTimeoutMs) return false;
  const heard = voters.filter((id) => id === replica.id || nowMs - heardAt(replica, id) < electionTimeoutMs);
  return heard.length < majority(voters.length);
}

function heardAt(replica: Replica, id: NodeId): number {
  return replica.heardAtMs.get(id) ?? Number.NEGATIVE_INFINITY;
}
