import type { Role } from '../../node/information.js';
import type { NodeId } from '../../raft/entry.js';
import type { Life, NodeFrame, WorldFrame } from '../recording/format.js';

/** What is shown of a node. */
export interface NodeSight {
  readonly votes: boolean;
  readonly life: Life;
  readonly role: Role;
  /** Null, here and below: the node is down, and nobody knows. */
  readonly term: number | null;
  readonly height: number | null;
  readonly commitIndex: number | null;
  readonly votedFor: NodeId | null | 'unknown';
  readonly leaderId: NodeId | null;
  readonly isKnownLeader: boolean;
}

/** What there is to see of a node: of one that is down, as it last stood, where that is known. */
export function sightOf(
  id: NodeId,
  votes: boolean,
  frame: NodeFrame | undefined,
  { lives, leader }: WorldFrame,
): NodeSight {
  const life = lives.find((each) => each.id === id)?.life ?? 'running';
  const { information, active = [] } = frame?.observation ?? {};
  // Who tells of active states is the node itself; of others only the supervisor has told, and not of votes.
  const knowsVote = active.length > 0;
  return {
    votes,
    life,
    role: life === 'running' ? (information?.role ?? 'follower') : 'dead',
    term: information?.term ?? null,
    height: information?.height ?? null,
    commitIndex: information?.commitIndex ?? null,
    votedFor: knowsVote ? (information?.votedFor ?? null) : 'unknown',
    leaderId: information?.leaderId ?? null,
    isKnownLeader: leader?.id === id && leader.term === information?.term,
  };
}
