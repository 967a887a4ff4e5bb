import { Configuration } from '../raft/configuration.js';
import type { LogIndex, NodeId, Term } from '../raft/entry.js';

export const roles = [
  'follower',
  'preCandidate',
  'candidate',
  'leader',
  'learner',
  'removed',
  'dead',
] as const;
export type Role = (typeof roles)[number];

/** Who belongs to the cluster, by ids, ascending. */
export interface MembersInformation {
  readonly voters: readonly NodeId[];
  /** While a change of more than one voter is under way, those of the configuration that is left; else empty (§6). */
  readonly votersOutgoing: readonly NodeId[];
  readonly learners: readonly NodeId[];
  /** Where other processes reach members, of whom that is known; absent where it is of nobody. */
  readonly addresses?: Readonly<Record<NodeId, string>>;
}

/** As those who count need it. */
export function configurationOf({ voters, votersOutgoing, learners }: MembersInformation): Configuration {
  return Configuration.between(votersOutgoing, voters, learners);
}

/** Of a node that has told nothing. */
export const noMembers: MembersInformation = { voters: [], votersOutgoing: [], learners: [] };

/** A node as seen from outside, at one moment. */
export interface NodeInformation {
  readonly id: NodeId;
  readonly role: Role;
  /** The active states of its chart, from the outermost in, such as `alive.leader.authority.serving`. */
  readonly state: string;
  readonly term: Term;
  readonly votedFor: NodeId | null;
  /** The leader it knows of, itself included, or null. */
  readonly leaderId: NodeId | null;
  readonly candidacy: boolean;
  /** The configuration in force at this node: the latest in its log, committed or not. */
  readonly configuration: MembersInformation;
  readonly lastLogIndex: LogIndex;
  /** The first entry that the log has, in memory or on disk; one past the last when it has none. */
  readonly firstIndex: LogIndex;
  /** The last entry that it has: `lastLogIndex` by the name that goes with `firstIndex`. */
  readonly lastIndex: LogIndex;
  /** The entry that the newest snapshot on this node's disk ends with, and its term; 0 and 0 while there is none. */
  readonly snapshotIndex: LogIndex;
  readonly snapshotTerm: Term;
  readonly commitIndex: LogIndex;
  /** The last index applied to the state machine. */
  readonly height: LogIndex;
  /** The other members it believes alive, ascending. */
  readonly peers: readonly NodeId[];
  /** The application's digest at `height`. */
  readonly digest: string;
  /** How far it has applied what its log held when it started; null once that is done. */
  readonly recovery: Recovery | null;
}

/** A state machine on its way through the log that the node found when it started. */
export interface Recovery {
  /** Entries applied, of `total`. What is applied is what is known to be committed: without a leader nothing more is. */
  readonly applied: number;
  readonly total: number;
}

/** Where a node stands in its chart and in the cluster. */
export interface NodeStanding {
  readonly role: Role;
  /** The active states, such as `alive.follower.following`. */
  readonly state: string;
  readonly term: Term;
  readonly leaderId: NodeId | null;
}

/** Does it lead, and answer? All that was committed before its term is applied then. */
export function serves({ role, state }: Pick<NodeStanding, 'role' | 'state'>): boolean {
  return role === 'leader' && state.endsWith('.serving');
}

/** Does it lead, and have yet to apply what it knows to be committed? */
export function catchesUp({ role, state }: Pick<NodeStanding, 'role' | 'state'>): boolean {
  return role === 'leader' && state.endsWith('.catchingUp');
}

/** Such as `340,000 of 910,000 entries`. */
export function portion(part: number, whole: number): string {
  return `${part.toLocaleString('en-US')} of ${whole.toLocaleString('en-US')} entries`;
}

/** A node that has not said anything. */
export function unheardNode(id: NodeId, state: string): NodeInformation {
  return {
    id,
    role: 'dead',
    state,
    term: 0,
    votedFor: null,
    leaderId: null,
    candidacy: false,
    configuration: noMembers,
    lastLogIndex: 0,
    firstIndex: 1,
    lastIndex: 0,
    snapshotIndex: 0,
    snapshotTerm: 0,
    commitIndex: 0,
    height: 0,
    peers: [],
    digest: '',
    recovery: null,
  };
}
