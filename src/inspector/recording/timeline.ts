import type { NodeId } from '../../raft/entry.js';
import { ChartMoves } from './chart-moves.js';
import { Chronicle } from './chronicle.js';
import { ClusterState } from './cluster-state.js';
import type { Happening, Recording, RecordingHeader, Step } from './format.js';
import { LoadGatherer } from './load-series.js';

/** Steps kept while recording; beyond that the oldest tenth is forgotten. Some minutes of five busy nodes. */
export const stepsMax = 160_000;
/** How everything stood is kept after every so many steps; between them it is put together anew. */
const checkpointEvery = 256;

/** The arrival of a message: at whom, and in which step. */
export interface Arrival {
  readonly to: NodeId;
  readonly nr: number;
}

/** A recording as it grows: how everything stood after any step of it, and what led there. */
export class Timeline {
  readonly chronicle = new Chronicle();
  readonly moves = new ChartMoves();
  readonly load = new LoadGatherer();
  readonly #header: RecordingHeader;
  #steps: Step[] = [];
  /** The number of the step before the first that is kept. */
  #base = 0;
  /** How it stood before the first step that is kept, and after every so many. */
  #checkpoints: ClusterState[];
  #head: ClusterState;
  readonly #arrivals = new Map<number, Arrival[]>();
  /** What was told before, forgotten by now. */
  #before: readonly Happening[];
  #hasForgotten: boolean;
  /** The first step of the connection it came over, and what makes its numbers ours. */
  #came = { since: 1, shift: 0 };

  constructor(header: RecordingHeader, steps: readonly Step[] = []) {
    this.#header = header;
    this.#before = header.before ?? [];
    this.#hasForgotten = header.before !== undefined;
    this.#head = ClusterState.of(header);
    this.#checkpoints = [this.#head.copy()];
    this.add(steps);
  }

  get header(): RecordingHeader {
    return this.#header;
  }

  /**
   * It is told anew after a pause, and steps are counted otherwise from now on.
   * @param before what is known to have happened until now.
   */
  goOn(before: readonly Happening[]): void {
    const { lastAt: at } = this;
    if (this.#steps.length > 0) {
      const text = 'this page was not connected: what the nodes did until it was is not known';
      this.#keep({ kind: 'mark', nr: 0, at, mark: 'gap', text, node: null });
      for (const missed of before) if (missed.at > at) this.#keep({ kind: 'mark', nr: 0, ...missed });
    }
    this.#came = { since: this.lastNr + 1, shift: 0 };
  }

  add(steps: readonly Step[]): void {
    for (const step of steps) this.#keep(step);
    if (this.#steps.length > stepsMax) this.#forgetOldest();
  }

  get firstNr(): number {
    return this.#base + 1;
  }

  get lastNr(): number {
    return this.#base + this.#steps.length;
  }

  get firstAt(): number {
    return this.#steps[0]?.at ?? 0;
  }

  get lastAt(): number {
    return this.#steps.at(-1)?.at ?? 0;
  }

  /** The last of the steps that only tell how everything stood at the beginning. */
  get openingNr(): number {
    const at = this.#steps.findIndex((step) => !tellsHowItStood(step));
    const told = at < 0 ? this.#steps.length : at;
    return this.#base + Math.max(1, told);
  }

  /** The beginning is lost: the recording is longer than is kept, or nobody listened then. */
  get hasForgotten(): boolean {
    return this.#hasForgotten;
  }

  /** What is known to have happened before the first step. */
  get before(): readonly Happening[] {
    return this.#before;
  }

  get recording(): Recording {
    const { firstAt } = this;
    const opening = this.#hasForgotten ? openingSteps(this.#checkpoints[0] as ClusterState, firstAt) : [];
    const header = this.#hasForgotten ? { ...this.#header, before: this.#before } : this.#header;
    return { header, steps: numbered([...opening, ...this.#steps]) };
  }

  step(nr: number): Step | null {
    return this.#steps[nr - this.#base - 1] ?? null;
  }

  /** How everything stood after a step. */
  stateAfter(nr: number): ClusterState {
    const wanted = Math.min(this.lastNr, Math.max(this.#base, nr));
    if (wanted === this.lastNr) return this.#head.copy();
    const state = (
      this.#checkpoints[Math.floor((wanted - this.#base) / checkpointEvery)] as ClusterState
    ).copy();
    for (let at = state.nr; at < wanted; at++) state.apply(this.#steps[at - this.#base] as Step);
    return state;
  }

  /** The last step that is not after a moment; the first at least. */
  nrAt(at: number): number {
    let low = 0;
    let high = this.#steps.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#steps[middle] as Step).at <= at) low = middle + 1;
      else high = middle;
    }
    return this.#base + Math.max(1, low);
  }

  /** Where the message that left in a step is known to have arrived. */
  arrivalsOf(nr: number): readonly Arrival[] {
    return this.#arrivals.get(nr) ?? [];
  }

  #keep(told: Step): void {
    const nr = this.lastNr + 1;
    if (told.nr > 0) this.#came.shift = nr - told.nr;
    const step = this.#numbered(told.at < this.lastAt ? { ...told, at: this.lastAt } : told, nr);
    this.#steps.push(step);
    const was = 'node' in step && step.node !== null ? (this.#head.nodes.get(step.node) ?? null) : null;
    this.#head.apply(step);
    this.chronicle.take(step, was, this.#head);
    this.moves.take(step, was, this.#head);
    this.load.take(step, this.#head);
    if ((nr - this.#base) % checkpointEvery === 0) this.#checkpoints.push(this.#head.copy());
  }

  #numbered(step: Step, nr: number): Step {
    if (step.kind !== 'chart' || step.heard === undefined) return { ...step, nr };
    const { heard } = step;
    const sentIn = heard.nr === null ? null : heard.nr + this.#came.shift;
    const isKnown = sentIn !== null && sentIn >= this.#came.since && sentIn < nr;
    if (!isKnown) return { ...step, nr, heard: { ...heard, nr: null } };
    const arrivals = this.#arrivals.get(sentIn) ?? [];
    arrivals.push({ to: step.node, nr });
    this.#arrivals.set(sentIn, arrivals);
    return { ...step, nr, heard: { ...heard, nr: sentIn } };
  }

  #forgetOldest(): void {
    const checkpoints = Math.ceil(stepsMax / 10 / checkpointEvery);
    const count = checkpoints * checkpointEvery;
    const firstNr = this.#base + count + 1;
    const firstAt = (this.#steps[count] as Step).at;
    const told = this.chronicle.told.filter(({ nr }) => nr < firstNr).map(happeningOf);
    this.#before = [...this.#before, ...told].slice(-beforeMax);
    this.#hasForgotten = true;
    this.#steps = this.#steps.slice(count);
    this.#checkpoints = this.#checkpoints.slice(checkpoints);
    this.#base += count;
    for (const nr of this.#arrivals.keys()) if (nr < firstNr) this.#arrivals.delete(nr);
    this.chronicle.forgetBefore(firstNr);
    this.moves.forgetBefore(firstNr);
    this.load.forgetBefore(firstAt);
  }
}

function tellsHowItStood(step: Step): boolean {
  const { kind } = step;
  if (kind === 'stand') return true;
  return (kind === 'network' || kind === 'members' || kind === 'life') && step.told === undefined;
}

/** Happenings remembered from before the first step. */
export const beforeMax = 200;

function happeningOf({ at, mark, text, node }: Happening): Happening {
  return { at, mark, text, node };
}

/** Steps that tell how everything stood. */
export function openingSteps({ network, configuration, nodes, charts }: ClusterState, at: number): Step[] {
  const { data, learners } = configuration;
  const idsOf = (members: readonly { readonly id: NodeId }[] | null) => (members ?? []).map(({ id }) => id);
  const [voters, votersOutgoing] = [idsOf(data.voters), idsOf(data.outgoing)];
  const steps: Step[] = [
    { kind: 'members', nr: 0, at, nodes: [...nodes.keys()], voters, votersOutgoing, learners },
  ];
  if (network !== null) steps.push({ kind: 'network', nr: 0, at, ...network });
  for (const { id: node, life, state, timerSince } of nodes.values()) {
    // Also of those that run: whoever hears of it may have known them otherwise.
    steps.push({ kind: 'life', nr: 0, at, node, life });
    if (state !== null) {
      const timer = { ...state.timer, elapsedMs: Math.max(0, at - timerSince) };
      steps.push({ kind: 'stand', nr: 0, at, node, state: { ...state, timer } });
    }
  }
  for (const [chart, active] of charts) steps.push({ kind: 'outer', nr: 0, at, chart, active });
  return steps;
}

function numbered(steps: readonly Step[]): Step[] {
  const first = steps.find(({ nr }) => nr > 0);
  const shift = first === undefined ? 0 : steps.indexOf(first) + 1 - first.nr;
  return steps.map((step, at) => {
    if (step.kind !== 'chart' || step.heard === undefined || step.heard.nr === null)
      return { ...step, nr: at + 1 };
    const sentIn = step.heard.nr + shift;
    return { ...step, nr: at + 1, heard: { ...step.heard, nr: sentIn > 0 ? sentIn : null } };
  });
}
