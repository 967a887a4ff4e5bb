import type { LogIndex, NodeId, Term } from '../raft/entry.js';

export const roles = ['follower', 'preCandidate', 'candidate', 'leader', 'learner', 'dead'] as const;
export type Role = (typeof roles)[number];

/** A node as seen from outside, at one moment. */
export interface NodeInformation {
  readonly id: NodeId;
  readonly role: Role;
  /** The active states of its chart, from the outermost in, such as `alive.leader.serving`. */
  readonly state: string;
  readonly term: Term;
  readonly votedFor: NodeId | null;
  /** The leader it knows of, itself included, or null. */
  readonly leaderId: NodeId | null;
  readonly candidacy: boolean;
  readonly lastLogIndex: LogIndex;
  readonly commitIndex: LogIndex;
  /** The last index applied to the state machine. */
  readonly height: LogIndex;
  /** The other members it believes alive, ascending. */
  readonly peers: readonly NodeId[];
  /** The application's digest at `height`. */
  readonly digest: string;
}

/** Where a node stands in its chart and in the cluster. */
export interface NodeStanding {
  readonly role: Role;
  /** The active states, such as `alive.follower.following`. */
  readonly state: string;
  readonly term: Term;
  readonly leaderId: NodeId | null;
}
