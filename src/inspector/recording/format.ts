import type { ChartName, Observation, ObservedTransition } from '../../node/watch/observation.js';
import type { NodeId, Term } from '../../raft/entry.js';
import type { LinkPolicy } from '../../router/link-policy.js';

/*
 * A recording is what the page sees, and what it saves: JSON Lines in UTF-8. The first line is the header, every
 * other line a frame; frames stand in the order of their time. A frame says how one thing stands from its moment
 * on, and what happened to it since its last frame, so the past at any moment is the last frame of each thing
 * before it. The simulation writes the same, in virtual time:
 *
 *     {"format":"conclave-recording","version":1,"run":"seed 7","startedAt":null,"nodes":[{"id":0,"votes":true}, …]}
 *     {"kind":"world","at":0,"lives":[…],"groups":[[0,1,2]],"link":{…},"links":[]}
 *     {"kind":"node","at":53.1,"id":0,"observation":{…}}
 *     {"kind":"mark","at":1200,"mark":"fault","text":"node 0 crashed","node":0}
 */

export const recordingFormat = 'conclave-recording';
export const recordingVersion = 1;

export interface RecordingHeader {
  readonly format: typeof recordingFormat;
  readonly version: typeof recordingVersion;
  /** Tells one run of a cluster from another. */
  readonly run: string;
  /** The wall clock's time at moment 0 (ISO 8601), or null where time is virtual. */
  readonly startedAt: string | null;
  readonly nodes: readonly { readonly id: NodeId; readonly votes: boolean }[];
  /**
   * From this moment on all is there, where the beginning was forgotten or nobody listened. Frames before it only say
   * how things stood then, and what had happened.
   */
  readonly wholeFrom?: number;
}

export type Frame = NodeFrame | WorldFrame | ChartFrame | MarkFrame;

interface FrameBase {
  /** Milliseconds since the recording's moment 0. */
  readonly at: number;
}

/** A bundle of one node. */
export interface NodeFrame extends FrameBase {
  readonly kind: 'node';
  readonly id: NodeId;
  readonly observation: Observation;
}

/**
 * A node's life as its host sees it: `stopped` keeps its memory, `crashed` has none, and `paused`, which only a
 * simulated node can be, does not know that time passes.
 */
export type Life = 'running' | 'stopped' | 'paused' | 'crashed';

/** All that lies outside the nodes. */
export interface WorldFrame extends FrameBase {
  readonly kind: 'world';
  readonly lives: readonly { readonly id: NodeId; readonly life: Life }[];
  readonly leader: { readonly id: NodeId; readonly term: Term } | null;
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

/** The supervisor's chart or the session's. */
export interface ChartFrame extends FrameBase {
  readonly kind: 'chart';
  readonly chart: Exclude<ChartName, 'node' | 'peer'>;
  readonly active: readonly string[];
  readonly transitions: readonly ObservedTransition[];
}

/** Something that people look for on the time axis. */
export interface MarkFrame extends FrameBase {
  readonly kind: 'mark';
  readonly mark: 'fault' | 'repair' | 'election';
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

/** What a recording holds, read back. */
export interface Recording {
  readonly header: RecordingHeader;
  readonly frames: readonly Frame[];
}
