import type { ChartName, ObservedTransition, OuterChart } from '../../node/watch/observation.js';
import type { NodeId } from '../../raft/entry.js';
import type {
  ChartFrame,
  Frame,
  MarkFrame,
  NodeFrame,
  Recording,
  RecordingHeader,
  WorldFrame,
} from './format.js';

/** Frames kept while recording; beyond that the oldest tenth is forgotten. About five minutes of five busy nodes. */
export const framesMax = 40_000;

/** How everything stood at one moment. */
export interface Standing {
  readonly at: number;
  readonly world: WorldFrame | null;
  readonly nodes: ReadonlyMap<NodeId, NodeFrame>;
  readonly charts: ReadonlyMap<ChartFrame['chart'], ChartFrame>;
}

/** A transition that named a target, and when it was told. */
export interface Step {
  readonly at: number;
  readonly transition: ObservedTransition;
  /** How often it was taken lately without a change of state between; `at` is the last time. */
  times: number;
  /** Another state is active than before. A heartbeat is a step that changes none. */
  readonly isChange: boolean;
}

/** A recording as it grows: how things stood at any moment of it, and what led there. */
export class Timeline {
  readonly header: RecordingHeader;
  #frames: Frame[] = [];
  #tracks = new Map<string, Frame[]>();
  /** Of each track the frames that tell of a change of state: few, and looked for far back. */
  #changes = new Map<string, TellingFrame[]>();
  /** From here on all is kept; null while nothing was forgotten. */
  #wholeFrom: number | null;

  constructor(header: RecordingHeader, frames: readonly Frame[] = []) {
    this.header = header;
    this.#wholeFrom = header.wholeFrom ?? null;
    for (const frame of frames) this.#keep(frame);
  }

  add(frames: readonly Frame[]): void {
    for (const frame of frames) this.#keep(frame);
    if (this.#frames.length > framesMax) this.#forgetOldest();
  }

  /** The first and last moments there are. Frames from before the first one only say how things stood at it. */
  get firstAt(): number {
    return this.#wholeFrom ?? this.#frames[0]?.at ?? 0;
  }

  get lastAt(): number {
    return this.#frames.at(-1)?.at ?? 0;
  }

  /** The beginning is lost: the recording is longer than is kept, or nobody listened then. */
  get hasForgotten(): boolean {
    return this.#wholeFrom !== null;
  }

  get marks(): readonly MarkFrame[] {
    return (this.#tracks.get('mark') ?? []) as MarkFrame[];
  }

  get recording(): Recording {
    const header = this.#wholeFrom === null ? this.header : { ...this.header, wholeFrom: this.#wholeFrom };
    return { header, frames: this.#frames };
  }

  standingAt(at: number): Standing {
    const last = (track: string) => this.#tracks.get(track)?.[this.#countUntil(track, at) - 1];
    const nodes = new Map<NodeId, NodeFrame>();
    for (const { id } of this.header.nodes) {
      const frame = last(`node ${id}`);
      if (frame !== undefined) nodes.set(id, frame as NodeFrame);
    }
    const charts = new Map<ChartFrame['chart'], ChartFrame>();
    const threads = this.header.nodes.map(({ id }): OuterChart => `thread ${id}`);
    for (const chart of ['cluster', 'session', ...threads] as const) {
      const frame = last(`chart ${chart}`);
      if (frame !== undefined) charts.set(chart, frame as ChartFrame);
    }
    // Nodes may have told of themselves before anybody told of the rest.
    const world = (last('world') ?? this.#tracks.get('world')?.[0] ?? null) as WorldFrame | null;
    return { at, world, nodes, charts };
  }

  /** The frames of one node after `from` and through `to`. */
  nodeFrames(id: NodeId, from: number, to: number): readonly NodeFrame[] {
    const track = `node ${id}`;
    const frames = (this.#tracks.get(track) ?? []) as NodeFrame[];
    return frames.slice(this.#countUntil(track, from), this.#countUntil(track, to));
  }

  /** The moments at which anything was told, one after or before `at`; `at` itself at either end. */
  momentAfter(at: number): number {
    return this.#frames[countUntil(this.#frames, at)]?.at ?? at;
  }

  momentBefore(at: number): number {
    let index = countUntil(this.#frames, at) - 1;
    while (index > 0 && (this.#frames[index] as Frame).at >= at) index--;
    return this.#frames[Math.max(0, index)]?.at ?? at;
  }

  /** When what a mark tells of is to be seen: a new leader tells of itself a little after others have told of it. */
  momentOf({ mark, at, node }: MarkFrame): number {
    if (mark !== 'election' || node === null) return at;
    const soon = this.nodeFrames(node, at - leaderTellsMs, at + leaderTellsMs);
    const told = soon.find((frame) => frame.at >= at && frame.observation.information.role === 'leader');
    return told?.at ?? at;
  }

  /** The latest steps of a chart through `at`, newest first, `max` of them. */
  stepsUntil(at: number, subject: ChartSubject, max: number): Step[] {
    const track =
      subject.chart === 'node' || subject.chart === 'peer'
        ? `node ${subject.node}`
        : `chart ${chartOf(subject)}`;
    const frames = (this.#tracks.get(track) ?? []) as TellingFrame[];
    const steps: Step[] = [];
    const end = this.#countUntil(track, at);
    const recent = frames.slice(Math.max(0, end - repeatFramesMax), end);
    for (const frame of recent.toReversed()) addSteps(steps, frame, subject);
    const earlier = this.#changes.get(track) ?? [];
    let index = countUntil(earlier, recent[0]?.at ?? 0) - 1;
    const last = Math.max(0, index - changeFramesMax);
    for (; index >= last && steps.length < max; index--) {
      const frame = earlier[index];
      if (frame !== undefined && frame !== recent[0]) addSteps(steps, frame, subject, isChange);
    }
    return steps.slice(0, max);
  }

  #countUntil(track: string, at: number): number {
    return countUntil(this.#tracks.get(track) ?? [], at);
  }

  #keep(frame: Frame): void {
    this.#frames.push(frame);
    const name = trackOf(frame);
    const track = this.#tracks.get(name);
    if (track === undefined) this.#tracks.set(name, [frame]);
    else track.push(frame);
    if (!isTelling(frame) || !transitionsOf(frame).some(isChange)) return;
    const changes = this.#changes.get(name);
    if (changes === undefined) this.#changes.set(name, [frame]);
    else changes.push(frame);
  }

  /** Keeps of every track the last frame before the cut, so that the kept past is whole. */
  #forgetOldest(): void {
    const cut = (this.#frames[Math.floor(framesMax / 10)] as Frame).at;
    const kept = [...this.#tracks.values()].flatMap((track) =>
      track.slice(Math.max(0, countUntil(track, cut) - 1)),
    );
    this.#frames = [];
    this.#tracks = new Map();
    this.#changes = new Map();
    this.#wholeFrom = cut;
    for (const frame of kept.sort((a, b) => a.at - b.at)) this.#keep(frame);
  }
}

/** A new leader has told of itself within this time, in milliseconds: its bundle waits for the next interval. */
const leaderTellsMs = 300;
/** How far back steps that change nothing are counted, in frames: a minute of a busy node, more of a quiet one. */
const repeatFramesMax = 600;
/** How far back changes are looked for, in frames that tell of one. */
const changeFramesMax = 2000;

/** A frame of which charts are known to have moved. */
type TellingFrame = NodeFrame | ChartFrame;

function isTelling(frame: Frame): frame is TellingFrame {
  return frame.kind === 'node' || frame.kind === 'chart';
}

function transitionsOf(frame: TellingFrame): readonly ObservedTransition[] {
  return frame.kind === 'node' ? frame.observation.transitions : frame.transitions;
}

function isChange({ target, from, to }: ObservedTransition): boolean {
  return target !== null && (from.length !== to.length || from.some((state, at) => state !== to[at]));
}

/** Adds an earlier frame's steps of one chart, those that are wanted. */
function addSteps(
  steps: Step[],
  frame: TellingFrame,
  subject: ChartSubject,
  isWanted: (transition: ObservedTransition) => boolean = () => true,
): void {
  const transitions = transitionsOf(frame);
  for (let nth = transitions.length - 1; nth >= 0; nth--) {
    const transition = transitions[nth];
    if (transition !== undefined && isStepOf(subject, transition) && isWanted(transition)) {
      addStep(steps, frame.at, transition);
    }
  }
}

/** A chart to look at, and whose it is. */
export type ChartSubject = InnerSubject | OuterSubject;

/** A chart that a node tells of. */
type InnerSubject =
  | { readonly chart: 'node'; readonly node: NodeId }
  | { readonly chart: 'peer'; readonly node: NodeId; readonly peer: NodeId };

type OuterSubject =
  | { readonly chart: 'session' }
  | { readonly chart: 'cluster' }
  | { readonly chart: 'thread'; readonly node: NodeId };

/** The chart's name in what was told of it. */
export function chartOf(subject: OuterSubject): OuterChart;
export function chartOf(subject: ChartSubject): ChartName;
export function chartOf(subject: ChartSubject): ChartName {
  return subject.chart === 'thread' ? `thread ${subject.node}` : subject.chart;
}

/**
 * Adds an earlier step. One that changes no state joins its like since the last change, whatever came between: a leader
 * that beats and proposes by turns would fill any list within a second, and nobody would see how it came to lead.
 */
function addStep(steps: Step[], at: number, transition: ObservedTransition): void {
  const changes = isChange(transition);
  const alike = changes ? -1 : likeSinceChange(steps, transition.id);
  const later = steps[alike];
  if (later !== undefined) later.times++;
  else steps.push({ at, transition, times: 1, isChange: changes });
}

function likeSinceChange(steps: readonly Step[], id: string): number {
  for (let nth = steps.length - 1; nth >= 0 && !steps[nth]?.isChange; nth--) {
    if (steps[nth]?.transition.id === id) return nth;
  }
  return -1;
}

function isStepOf(subject: ChartSubject, { chart, peer, target }: ObservedTransition): boolean {
  if (target === null || chart !== chartOf(subject)) return false;
  return subject.chart !== 'peer' || subject.peer === peer;
}

function trackOf(frame: Frame): string {
  if (frame.kind === 'node') return `node ${frame.id}`;
  return frame.kind === 'chart' ? `chart ${frame.chart}` : frame.kind;
}

/** How many frames, in the order of their time, are not after `at`. */
function countUntil(frames: readonly Frame[], at: number): number {
  let low = 0;
  let high = frames.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((frames[middle] as Frame).at <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}
