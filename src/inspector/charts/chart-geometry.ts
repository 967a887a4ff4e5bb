import type { ChartTransition, StateKind } from './chart-definition.js';

/**
 * A statechart laid out: plain JSON, so that a page can draw it and light what is active. Lengths are CSS pixels from
 * the drawing's top left corner. States are known by their path, transitions by their id; both are stable.
 */
export interface ChartGeometry {
  readonly machine: string;
  readonly description: string;
  readonly width: number;
  readonly height: number;
  /** Parents before children; the first is the machine itself, the frame around all, with the empty path. */
  readonly states: readonly StateGeometry[];
  /** The dot in each compound state and its arrow to the child that is entered first. */
  readonly initials: readonly InitialGeometry[];
  readonly transitions: readonly TransitionGeometry[];
  /** Of an overview: which of its transitions stands for each of the whole chart's. */
  readonly covers?: Readonly<Record<string, string>>;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Box extends Point {
  readonly width: number;
  readonly height: number;
}

export interface StateGeometry extends Box {
  /** Such as `alive.follower.following`. */
  readonly path: string;
  readonly key: string;
  readonly description: string;
  readonly kind: StateKind;
  readonly parent: string | null;
  /** 0 for the machine itself. */
  readonly depth: number;
  /** One of the parts of a parallel state, active whenever that is. */
  readonly region: boolean;
  /** Where the name is written: the middle of its left edge. */
  readonly name: Point;
  /** The height of what stands written above the states within; null without such. */
  readonly header: number | null;
  /** What happens on entry and exit, and the actors invoked. */
  readonly notes: readonly NoteGeometry[];
}

/** A line within a state's box. */
export interface NoteGeometry extends Point {
  readonly kind: 'entry' | 'exit' | 'invoke';
  readonly text: string;
}

export interface InitialGeometry {
  readonly parent: string;
  readonly target: string;
  /** The middle of the dot. */
  readonly dot: Point;
  /** From the dot to the border of the target. */
  readonly points: readonly Point[];
}

export interface TransitionGeometry extends ChartTransition {
  /** `internal`: a line of text in its state's box, without an edge, also where it enters its own state again. */
  readonly kind: 'internal' | 'external';
  /** The whole label in one line, such as `peer.requestVote [canGrantVote] / grantVote`. */
  readonly label: string;
  /** The label as it is broken into lines. */
  readonly lines: readonly (readonly LabelSpan[])[];
  /** The label's box. */
  readonly labelX: number;
  readonly labelY: number;
  readonly labelWidth: number;
  readonly labelHeight: number;
  /** The edge from border to border; empty when internal. Transitions between the same two states share one. */
  readonly points: readonly Point[];
  /** The edge is already drawn by another transition between the same two states. */
  readonly shared: boolean;
}

export interface LabelSpan {
  readonly role: 'event' | 'guard' | 'actions';
  readonly text: string;
}
