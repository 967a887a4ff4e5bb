import type { LogIndex, NodeId, Term } from '../../raft/entry.js';
import type { MessageType } from '../../raft/messages.js';
import type { NodeInformation } from '../information.js';

/** The time between two bundles of one node, in milliseconds: at most ten a second, whatever the load. */
export const bundleIntervalMs = 100;
/** Transitions told one by one in a bundle; what comes beyond is only counted. */
export const transitionsMax = 48;
/** Entries at the end of the log that a bundle shows. */
export const tailEntriesMax = 48;

/**
 * A chart: a node's own, a leader's view of one follower, a client's of the cluster, the supervisor's, and, one for
 * each node, its thread's.
 */
export type ChartName = 'node' | 'peer' | OuterChart;
/** The charts that do not run in a node's thread. `thread 3` is how the supervisor sees the thread of node 3. */
export type OuterChart = 'session' | 'cluster' | `thread ${NodeId}`;

/** A chart that moved. */
export interface ObservedTransition {
  readonly chart: ChartName;
  /** The follower whose link moved; null for the other charts. */
  readonly peer: NodeId | null;
  /** The transition in its chart, such as `alive.follower:host.campaign:0`, see `transitionId`. */
  readonly id: string;
  /** The state it names as its target; null where it only acts. */
  readonly target: string | null;
  /** The active states before and after. */
  readonly from: readonly string[];
  readonly to: readonly string[];
  /** What had it happen, for people: `requestVote from node 3, term 7`. */
  readonly cause: string;
  /** How often it was taken in this bundle, where it only acted. */
  readonly count: number;
}

/** Messages of one kind to or from one peer. */
export interface ObservedMessages {
  readonly direction: 'sent' | 'received';
  readonly peer: NodeId;
  /** `heartbeat` is an appendEntries without entries. */
  readonly kind: MessageType | 'heartbeat';
  readonly count: number;
  /** Entries or commands that they carried. */
  readonly entries: number;
  /** The latest of them, for people. */
  readonly sample: string;
}

/** How long entries of this leader took from its log to their commit. */
export interface ObservedLatency {
  /** How many entries were timed: one at a time, so that timing costs nothing under load. */
  readonly samples: number;
  readonly meanMs: number;
  readonly maxMs: number;
}

/** Entries that the log held and gives up: they conflicted with the leader's (§5.3). */
export interface ObservedTruncation {
  readonly from: LogIndex;
  /** The terms that stood there, from `from` on, as far as they were on show. */
  readonly terms: readonly Term[];
}

/** The end of a log, an entry a term, and what was cut off it. */
export interface ObservedLog {
  /** The index of the first entry of `terms`. */
  readonly first: LogIndex;
  readonly terms: readonly Term[];
  readonly durableIndex: LogIndex;
  readonly truncated: readonly ObservedTruncation[];
}

/** What a leader knows of a follower. */
export interface ObservedLink {
  readonly peer: NodeId;
  readonly state: string;
  readonly matchIndex: LogIndex;
  readonly nextIndex: LogIndex;
}

/** What a watched node did since its last bundle, and how it stands now. */
export interface Observation {
  /** How many events the bundle stands for: steps of charts, messages sent and received. */
  readonly events: number;
  readonly information: Omit<NodeInformation, 'digest'>;
  /** Every active state of the node's chart. */
  readonly active: readonly string[];
  readonly transitions: readonly ObservedTransition[];
  readonly messages: readonly ObservedMessages[];
  readonly log: ObservedLog;
  readonly links: readonly ObservedLink[];
  /** Null when nothing was committed, and from those who do not lead. */
  readonly commitLatency: ObservedLatency | null;
}
