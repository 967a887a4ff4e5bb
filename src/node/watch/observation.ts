import type { LogIndex, NodeId, Term } from '../../raft/entry.js';
import type { MessageType } from '../../raft/messages.js';
import type { Role } from '../information.js';

/*
 * What a watched node tells: its events, one by one and in their order, in bundles.
 *
 *     bundle ── state at its end ── events ┬ chart  the chart took transitions: why, and what changed
 *                                          ├ send   a message left, under a key that its receiver names, too
 *                                          ├ apply  entries went to the state machine
 *                                          └ tally  so much more than can be told one by one
 *
 * A message is known by its sender, its receiver and its key. Whoever orders the events of several nodes puts what was
 * heard after what was sent, whatever their clocks say (Lamport's happened-before).
 */

/** The time between two bundles of one node, in milliseconds: at most ten a second, whatever the load. */
export const bundleIntervalMs = 100;
/** Events of the common kind (messages, commits, heartbeats) told one by one in a bundle; more are tallied. */
export const detailsMax = 80;
/** Events that matter to elections, told one by one in a bundle; beyond that only the state at its end is told. */
export const turningPointsMax = 200;

/**
 * A chart: a node's own, a leader's view of one follower, a client's of the cluster, the supervisor's, and, one for
 * each node, its thread's.
 */
export type ChartName = 'node' | 'peer' | OuterChart;
/** The charts that do not run in a node's thread. `thread 3` is how the supervisor sees the thread of node 3. */
export type OuterChart = 'session' | 'cluster' | `thread ${NodeId}`;

/** A transition that a chart took. */
export interface ObservedTransition {
  /** Which one in its chart, such as `alive.follower:host.campaign:0`, see `transitionId`. */
  readonly id: string;
  /** The state it names as its target; null where it only acts. */
  readonly target: string | null;
}

/** A transition of a chart that is watched by itself. */
export interface ChartStep extends ObservedTransition {
  /** The active states before and after. */
  readonly from: readonly string[];
  readonly to: readonly string[];
  /** What had it happen, for people: `requestVote from node 3, term 7`. */
  readonly cause: string;
  /** How often it was taken since it was last told, where it only acted. */
  readonly count: number;
}

/** `heartbeat` is an appendEntries without entries. */
export type ObservedKind = MessageType | 'heartbeat';

/** The end of a log, as runs of one term: `[index of its first entry, term]`, ascending. */
export interface ObservedLog {
  readonly last: LogIndex;
  readonly runs: readonly (readonly [first: LogIndex, term: Term])[];
  /** The first entry that it has, where a snapshot has those before it. */
  readonly begins?: LogIndex;
}

/** What a leader knows of a follower. */
export interface ObservedLink {
  readonly peer: NodeId;
  readonly state: string;
  readonly matchIndex: LogIndex;
}

/** How a node stands. */
export interface ObservedState {
  readonly role: Role;
  /** Every active state of its chart; none if it was not the node that told. Then its vote and log are not known. */
  readonly active: readonly string[];
  readonly term: Term;
  readonly votedFor: NodeId | null;
  /** The leader it knows of, itself included, or null. */
  readonly leaderId: NodeId | null;
  readonly candidacy: boolean;
  readonly log: ObservedLog;
  readonly commitIndex: LogIndex;
  /** The last index applied to the state machine. */
  readonly height: LogIndex;
  /** Who answered what in this candidate's or pre-candidate's round, itself included. */
  readonly votes: readonly (readonly [voter: NodeId, granted: boolean])[];
  /** The election timeout, in milliseconds, and how much of it is over. */
  readonly timer: { readonly timeoutMs: number; readonly elapsedMs: number };
  /** A leader's, while it leads. */
  readonly links: readonly ObservedLink[];
}

/** What an event changed. What is not named stands as it stood. */
export interface ObservedChange {
  readonly role?: Role;
  readonly active?: readonly string[];
  readonly term?: Term;
  readonly votedFor?: NodeId | null;
  readonly leaderId?: NodeId | null;
  readonly candidacy?: boolean;
  /** The log from the first of the runs on; what stood there before is gone. */
  readonly log?: ObservedLog;
  readonly commitIndex?: LogIndex;
  readonly height?: LogIndex;
  readonly votes?: ObservedState['votes'];
  /** The election timer starts over, with this timeout in milliseconds. */
  readonly timeoutMs?: number;
  /** The leader was heard, which renews the election timer. */
  readonly heardLeader?: true;
  /** Links that stand otherwise; with the transition that their chart took, if it took one. */
  readonly links?: readonly (ObservedLink & { readonly transition?: ObservedTransition })[];
  /** Members that a leader has no link to any more: they were removed. */
  readonly linksClosed?: readonly NodeId[];
}

/** What every event of a node has. */
export interface ObservedMoment {
  /** Milliseconds of the clock that times the watch. */
  readonly at: number;
  readonly change?: ObservedChange;
}

/** The node's chart took one step, over states that are left at once. */
export interface ChartEvent extends ObservedMoment {
  readonly kind: 'chart';
  readonly transitions: readonly ObservedTransition[];
  /** What had it happen, for people: `requestVote from node 3, term 7`, or an event's name. */
  readonly cause: string;
  /** The message that had it happen, with the first event that it caused. */
  readonly heard?: ObservedMessage & { readonly from: NodeId; readonly key: number };
}

/** One message left for one peer or several. */
export interface SendEvent extends ObservedMoment, ObservedMessage {
  readonly kind: 'send';
  readonly to: readonly NodeId[];
  /** Of each of them. */
  readonly keys: readonly number[];
}

export interface ObservedMessage {
  readonly message: ObservedKind;
  /** Entries or commands that it carries. */
  readonly entries: number;
  /** What it says, for people. */
  readonly text: string;
}

/** Committed entries were applied. */
export interface ApplyEvent extends ObservedMoment {
  readonly kind: 'apply';
}

/** More than can be told one by one. Terms, votes and roles stood still meanwhile. */
export interface TallyEvent extends ObservedMoment {
  readonly kind: 'tally';
  /** When it began; it ended at `at`. */
  readonly since: number;
  readonly messages: readonly ObservedTally[];
  /** Transitions that named a target, and how often. */
  readonly taken: readonly (ObservedTransition & { readonly count: number })[];
}

/** Messages of one kind to or from one peer. */
export interface ObservedTally {
  readonly direction: 'sent' | 'received';
  readonly peer: NodeId;
  readonly message: ObservedKind;
  readonly count: number;
  readonly entries: number;
}

export type ObservedEvent = ChartEvent | SendEvent | ApplyEvent | TallyEvent;

/** How long entries of this leader took from its log to their commit. */
export interface ObservedLatency {
  /** How many entries were timed: one at a time, so that timing costs nothing under load. */
  readonly samples: number;
  readonly meanMs: number;
  readonly maxMs: number;
}

/** What a watched node did since its last bundle, and how it stands now. */
export interface Observation {
  /** When it was told, in milliseconds of the clock that times the watch. */
  readonly at: number;
  /** A watch begins: what was before is not known. */
  readonly isFirst: boolean;
  readonly events: readonly ObservedEvent[];
  /** What happened beyond `events` is told by `state` alone. */
  readonly isCut: boolean;
  /** How many things the bundle stands for: steps of charts, messages sent and received. */
  readonly count: number;
  readonly state: ObservedState;
  /** Null when nothing was committed, and from those who do not lead. */
  readonly commitLatency: ObservedLatency | null;
}
