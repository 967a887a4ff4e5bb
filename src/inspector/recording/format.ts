import type {
  ApplyEvent,
  ChartEvent,
  ChartName,
  ChartStep,
  ObservedLatency,
  ObservedMessage,
  ObservedState,
  SendEvent,
  TallyEvent,
} from '../../node/watch/observation.js';
import type { NodeId } from '../../raft/entry.js';
import type { LinkPolicy } from '../../router/link-policy.js';

/*
 * A recording is what the page sees, and what it saves: JSON Lines in UTF-8. The first line is the header, every other
 * line a step: one thing that happened, at one place. Steps stand in causal order, nothing before what had it happen,
 * and how everything stood after any of them is all steps until there, put together (`ClusterState`). The simulation
 * writes the same, in virtual time:
 *
 *     {"format":"conclave-recording","version":2,"run":"seed 7","startedAt":null,"nodes":[{"id":0,"votes":true}, …]}
 *     {"kind":"network","nr":1,"at":0,"groups":[[0,1,2]],"link":{…},"links":[]}
 *     {"kind":"stand","nr":2,"at":0,"node":0,"state":{…}}
 *     {"kind":"send","nr":51,"at":160.2,"node":0,"to":[1,2],"message":"preVote","text":"would you …"}
 *     {"kind":"chart","nr":52,"at":161.4,"node":1,"heard":{"from":0,"nr":51, …},"transitions":[…],"cause":"preVote …"}
 *     {"kind":"members","nr":88,"at":1100,"nodes":[0,1,2,3],"voters":[0,1,2],"votersOutgoing":[],"learners":[3]}
 *     {"kind":"life","nr":90,"at":1200,"node":0,"life":"crashed","told":{"mark":"fault","text":"node 0 crashed"}}
 *
 * Version 1 held what nodes told in bundles, each at the moment of the bundle; it is still read, see `version-1.ts`.
 */

export const recordingFormat = 'conclave-recording';
export const recordingVersion = 2;

export interface RecordingHeader {
  readonly format: typeof recordingFormat;
  readonly version: typeof recordingVersion;
  /** Tells one run of a cluster from another. */
  readonly run: string;
  /** The wall clock's time at moment 0 (ISO 8601), or null where time is virtual. */
  readonly startedAt: string | null;
  readonly nodes: readonly { readonly id: NodeId; readonly votes: boolean }[];
  /** What is known to have happened before the first step, where nobody watched or it was forgotten. */
  readonly before?: readonly Happening[];
  /** It was told in bundles: the order of what nodes did within a tenth of a second is a guess. */
  readonly isBundled?: boolean;
}

/** Something that people look for in a recording. */
export interface Happening {
  /** Milliseconds since the recording's moment 0. */
  readonly at: number;
  readonly mark: 'fault' | 'repair' | 'election' | 'timeout' | 'standing' | 'failing' | 'gap';
  readonly text: string;
  readonly node: NodeId | null;
  /** What was done to a link, where it was one: many are often done alike at once. */
  readonly link?: LinkMark;
}

/** One direction between two nodes, or, where an end is null, those of all nodes there. */
export interface LinkMark {
  readonly from: NodeId | null;
  readonly to: NodeId | null;
  readonly what: string;
}

export type Step = NodeStep | NetworkStep | MembersStep | OuterStep | MarkStep;
/** What one node did, or what was done to it. */
export type NodeStep = StandStep | LifeStep | TakenStep | SendStep | ApplyStep | TallyStep;

interface StepBase {
  /** Its place in the order: each step's is one more than that of the step before. */
  readonly nr: number;
  /** Milliseconds since the recording's moment 0; never less than the step before. */
  readonly at: number;
}

interface NodeStepBase extends StepBase {
  readonly node: NodeId;
  /** How long this leader's commits took lately. */
  readonly latency?: Pick<ObservedLatency, 'samples' | 'meanMs'>;
}

/** How a node stands, as a whole: it begins to tell of itself, or has left something out. */
export interface StandStep extends NodeStepBase {
  readonly kind: 'stand';
  readonly state: ObservedState;
}

/**
 * A node's life as its host sees it: `stopped` keeps its memory, `crashed` has none, and `paused`, which only a
 * simulated node can be, does not know that time passes. Of an `unreachable` one in another process nothing is heard.
 */
export type Life = 'running' | 'stopped' | 'paused' | 'crashed' | 'unreachable';

export interface LifeStep extends NodeStepBase {
  readonly kind: 'life';
  readonly life: Life;
  readonly told?: Words;
}

/** What people are told of a step that was done to the cluster. */
export type Words = Pick<Happening, 'mark' | 'text' | 'link'>;

/** A node's chart took a step. */
export interface TakenStep extends NodeStepBase, Omit<ChartEvent, 'at' | 'heard'> {
  readonly heard?: Heard;
}

/** A message that arrived. `nr` is the step in which it was sent, null where that was not told. */
export interface Heard extends ObservedMessage {
  readonly from: NodeId;
  readonly nr: number | null;
}

export interface SendStep extends NodeStepBase, Omit<SendEvent, 'at' | 'keys'> {}

export interface ApplyStep extends NodeStepBase, Omit<ApplyEvent, 'at'> {}

export interface TallyStep extends NodeStepBase, Omit<TallyEvent, 'at'> {}

/** How the network is wired from now on. */
export interface NetworkStep extends StepBase, Network {
  readonly kind: 'network';
  readonly told?: Words;
}

export interface Network {
  /** Nodes that reach each other; one group when the network is whole. */
  readonly groups: readonly (readonly NodeId[])[];
  /** The policy of every link that `links` does not name. */
  readonly link: LinkPolicy;
  readonly links: readonly LinkState[];
}

export interface LinkState {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly policy: LinkPolicy;
}

/** Which nodes there are from now on, and who of them belongs to the cluster, as its leader has it. */
export interface MembersStep extends StepBase, Members {
  readonly kind: 'members';
  readonly told?: Words;
}

export interface Members {
  /** Members, and those that are to be, or were, and still run. */
  readonly nodes: readonly NodeId[];
  readonly voters: readonly NodeId[];
  /** While more than one voter changes, those of before: a majority of each is needed (§6). Else empty. */
  readonly votersOutgoing: readonly NodeId[];
  readonly learners: readonly NodeId[];
}

/** A chart that does not run in a node's thread: the supervisor's, the session's, a thread's. */
export interface OuterStep extends StepBase {
  readonly kind: 'outer';
  readonly chart: Exclude<ChartName, 'node' | 'peer'>;
  readonly active: readonly string[];
  /** What it took to get there, where that was told. */
  readonly taken?: ChartStep;
}

/** Something to be told that changes nothing by itself. */
export interface MarkStep extends StepBase, Happening {
  readonly kind: 'mark';
}

/** What a recording holds, read back. */
export interface Recording {
  readonly header: RecordingHeader;
  readonly steps: readonly Step[];
}
