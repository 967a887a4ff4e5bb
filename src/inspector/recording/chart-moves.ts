import type { ChartName, ObservedTransition, OuterChart } from '../../node/watch/observation.js';
import type { NodeId } from '../../raft/entry.js';
import type { ClusterState } from './cluster-state.js';
import type { Step, TakenStep } from './format.js';
import type { NodeSeen } from './node-seen.js';

/** A transition that named a target, and the step in which it was taken. */
export interface Move {
  readonly nr: number;
  readonly at: number;
  readonly id: string;
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly cause: string;
  /** How often it was taken lately without a change of state between; `at` is the last time. */
  readonly times: number;
  /** Another state is active than before. A heartbeat is a move that changes none. */
  readonly isChange: boolean;
}

/** A chart to look at, and whose it is. */
export type ChartSubject =
  | { readonly chart: 'node'; readonly node: NodeId }
  | { readonly chart: 'peer'; readonly node: NodeId; readonly peer: NodeId }
  | OuterSubject;

export type OuterSubject =
  | { readonly chart: 'session' }
  | { readonly chart: 'cluster' }
  | { readonly chart: 'thread'; readonly node: NodeId };

/** The chart's name in what was told of it. */
export function chartOf(subject: OuterSubject): OuterChart;
export function chartOf(subject: ChartSubject): ChartName;
export function chartOf(subject: ChartSubject): ChartName {
  return subject.chart === 'thread' ? `thread ${subject.node}` : subject.chart;
}

/** How far back moves that change nothing are counted. */
const repeatsMax = 2000;
/** How far back changes are looked for. */
const changesMax = 2000;

interface Track {
  moves: Move[];
  /** Those that change a state: few, and looked for far back. */
  changes: Move[];
}

/** Every chart's moves, by the chart. */
export class ChartMoves {
  readonly #tracks = new Map<string, Track>();

  /** Takes a step. @param was its node before it, and `state` how everything stands after it. */
  take(step: Step, was: NodeSeen | null, state: ClusterState): void {
    if (step.kind === 'outer') {
      const { taken } = step;
      if (taken !== undefined && taken.target !== null) {
        const { id, from, to, cause, count } = taken;
        this.#add(step.chart, step, { id, from, to, cause, times: count });
      }
      return;
    }
    if (was === null || was.state === null) return;
    if (step.kind === 'tally') {
      const { active } = was.state;
      for (const { id, target, count } of step.taken) {
        if (target !== null)
          this.#add(`node ${was.id}`, step, { id, from: active, to: active, cause: '', times: count });
      }
    }
    if (step.kind === 'chart') this.#takeOwn(step, was, state);
  }

  /** The latest moves of a chart through a step, newest first, `max` of them. */
  until(nr: number, subject: ChartSubject, max: number): Move[] {
    const track = this.#tracks.get(trackOf(subject));
    if (track === undefined) return [];
    const listed: Move[] = [];
    const end = countUntil(track.moves, nr);
    const recent = track.moves.slice(Math.max(0, end - repeatsMax), end);
    for (const move of recent.toReversed()) list(listed, move);
    const earlier = countUntil(track.changes, (recent[0]?.nr ?? nr + 1) - 1);
    for (let at = earlier - 1; at >= Math.max(0, earlier - changesMax) && listed.length < max; at--) {
      const move = track.changes[at];
      if (move !== undefined) list(listed, move);
    }
    return listed.slice(0, max);
  }

  forgetBefore(nr: number): void {
    for (const track of this.#tracks.values()) {
      track.moves = track.moves.slice(countUntil(track.moves, nr - 1));
      track.changes = track.changes.slice(countUntil(track.changes, nr - 1));
    }
  }

  #takeOwn(step: TakenStep, was: NodeSeen, state: ClusterState): void {
    const from = was.state?.active ?? [];
    const to = state.nodes.get(was.id)?.state?.active ?? from;
    const named = step.transitions.filter(({ target }) => target !== null);
    // Of a step over states that are left at once, what led out of the first is what had it happen.
    const [first] = named;
    if (first !== undefined)
      this.#add(`node ${was.id}`, step, { ...first, from, to, cause: step.cause, times: 1 });
    for (const { peer, state: after, transition } of step.change?.links ?? []) {
      if (transition === undefined) continue;
      const before = was.state?.links.find((link) => link.peer === peer)?.state;
      this.#add(`peer ${was.id} ${peer}`, step, {
        id: transition.id,
        from: before === undefined ? [] : [before],
        to: [after],
        cause: step.cause,
        times: 1,
      });
    }
  }

  #add(
    name: string,
    { nr, at }: Step,
    {
      id,
      from,
      to,
      cause,
      times,
    }: Pick<ObservedTransition, 'id'> & Pick<Move, 'from' | 'to' | 'cause' | 'times'>,
  ): void {
    const isChange = from.length !== to.length || from.some((state, nth) => state !== to[nth]);
    const move: Move = { nr, at, id, from, to, cause, times, isChange };
    const track = this.#tracks.get(name) ?? { moves: [], changes: [] };
    this.#tracks.set(name, track);
    track.moves.push(move);
    if (isChange) track.changes.push(move);
  }
}

/**
 * Lists an earlier move. One that changes no state joins its like since the last change, whatever came between: a leader
 * that beats and proposes by turns would fill any list within a second, and nobody would see how it came to lead.
 */
function list(listed: Move[], move: Move): void {
  const alike = move.isChange ? -1 : likeSinceChange(listed, move.id);
  const later = listed[alike];
  if (later === undefined) listed.push(move);
  else listed[alike] = { ...later, cause: later.cause || move.cause, times: later.times + move.times };
}

function likeSinceChange(listed: readonly Move[], id: string): number {
  for (let nth = listed.length - 1; nth >= 0 && !listed[nth]?.isChange; nth--) {
    if (listed[nth]?.id === id) return nth;
  }
  return -1;
}

function trackOf(subject: ChartSubject): string {
  if (subject.chart === 'node') return `node ${subject.node}`;
  return subject.chart === 'peer' ? `peer ${subject.node} ${subject.peer}` : chartOf(subject);
}

/** How many moves, in their order, are not after a step. */
function countUntil(moves: readonly Move[], nr: number): number {
  let low = 0;
  let high = moves.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((moves[middle] as Move).nr <= nr) low = middle + 1;
    else high = middle;
  }
  return low;
}
