import type { Role } from '../../node/information.js';
import type {
  ChartStep,
  ObservedChange,
  ObservedKind,
  ObservedLatency,
  ObservedLog,
  ObservedState,
  ObservedTally,
  OuterChart,
} from '../../node/watch/observation.js';
import type { LogIndex, NodeId, Term } from '../../raft/entry.js';
import type { Happening, LinkMark, Network, Recording, RecordingHeader, Step } from './format.js';
import { recordingVersion } from './format.js';
import { termAt } from './node-seen.js';
import { amount, type Check, listOf, moment, oneOf, optional, orNull, shape, text, whole } from './shapes.js';
import { chartStep, life, network } from './step-check.js';

/*
 * Recordings of version 1 held a frame for each bundle that a node told: how it stood at the end of the bundle, the
 * transitions that its charts had taken since the last one, and how many messages of each kind came and went. What came
 * first within a bundle, and what of two nodes' bundles, was not told. Here each bundle becomes as many steps as were
 * told, at the moment of the bundle: the transitions first, then all else at once.
 */

interface OldTransition extends ChartStep {
  readonly chart: string;
  readonly peer: NodeId | null;
}

interface OldObservation {
  readonly information: {
    readonly role: Role;
    readonly term: Term;
    readonly votedFor: NodeId | null;
    readonly leaderId: NodeId | null;
    readonly candidacy: boolean;
    readonly lastLogIndex: LogIndex;
    readonly commitIndex: LogIndex;
    readonly height: LogIndex;
  };
  readonly active: readonly string[];
  readonly transitions: readonly OldTransition[];
  readonly messages: readonly {
    readonly direction: ObservedTally['direction'];
    readonly peer: NodeId;
    readonly kind: ObservedKind;
    readonly count: number;
    readonly entries: number;
  }[];
  readonly log: { readonly first: LogIndex; readonly terms: readonly Term[] };
  readonly links: ObservedState['links'];
  readonly commitLatency: ObservedLatency | null;
}

type Frame =
  | { readonly kind: 'node'; readonly at: number; readonly id: NodeId; readonly observation: OldObservation }
  | ({
      readonly kind: 'world';
      readonly at: number;
      readonly lives: readonly {
        readonly id: NodeId;
        readonly life: 'running' | 'stopped' | 'paused' | 'crashed';
      }[];
    } & Network)
  | {
      readonly kind: 'chart';
      readonly at: number;
      readonly chart: OuterChart;
      readonly active: readonly string[];
      readonly transitions: readonly OldTransition[];
    }
  | {
      readonly kind: 'mark';
      readonly at: number;
      readonly mark: 'fault' | 'repair' | 'election';
      readonly text: string;
      readonly node: NodeId | null;
      readonly link?: LinkMark;
    };

const role = oneOf('follower', 'preCandidate', 'candidate', 'leader', 'learner', 'dead');
const frames: Readonly<Record<Frame['kind'], Check>> = {
  node: shape({
    at: moment,
    id: whole,
    observation: shape({
      information: shape({
        role,
        term: whole,
        votedFor: orNull(whole),
        leaderId: orNull(whole),
        lastLogIndex: whole,
        commitIndex: whole,
        height: whole,
      }),
      active: listOf(text),
      transitions: listOf(chartStep),
      messages: listOf(
        shape({
          direction: oneOf('sent', 'received'),
          peer: whole,
          kind: text,
          count: whole,
          entries: whole,
        }),
      ),
      log: shape({ first: whole, terms: listOf(whole) }),
      links: listOf(shape({ peer: whole, state: text })),
      commitLatency: orNull(shape({ samples: amount, meanMs: amount })),
    }),
  }),
  world: shape({ at: moment, lives: listOf(shape({ id: whole, life })), ...network }),
  chart: shape({ at: moment, chart: text, active: listOf(text), transitions: listOf(chartStep) }),
  mark: shape({
    at: moment,
    mark: oneOf('fault', 'repair', 'election'),
    text,
    node: orNull(whole),
    link: optional(shape({ from: orNull(whole), to: orNull(whole), what: text })),
  }),
};

/** Is this a frame of version 1, as far as it is read? */
export function isOldFrame(value: object): value is Frame {
  const { kind } = value as Partial<Frame>;
  return kind !== undefined && Object.hasOwn(frames, kind) && frames[kind](value);
}

/** What a recording of version 1 holds, as one of this version. */
export function fromVersion1(
  old: Omit<RecordingHeader, 'version' | 'before'> & { readonly wholeFrom?: number },
  told: readonly Frame[],
): Recording {
  const { wholeFrom, ...rest } = old;
  const converted = new Conversion();
  const before: Happening[] = [];
  for (const frame of told.toSorted((a, b) => a.at - b.at)) {
    if (frame.kind === 'mark' && frame.at < (wholeFrom ?? 0)) {
      const { at, mark, text: words, node } = frame;
      before.push({ at, mark, text: words, node });
    } else converted.add(frame);
  }
  const isWhole = wholeFrom === undefined;
  return {
    header: { ...rest, version: recordingVersion, isBundled: true, ...(isWhole ? {} : { before }) },
    steps: converted.steps,
  };
}

type Loose = Step extends infer S ? (S extends Step ? Omit<S, 'nr'> : never) : never;

class Conversion {
  readonly steps: Step[] = [];
  readonly #nodes = new Map<NodeId, { state: ObservedState; at: number }>();
  readonly #lives = new Map<NodeId, string>();
  #network = '';

  add(frame: Frame): void {
    switch (frame.kind) {
      case 'node':
        this.#addNode(frame.id, frame.at, frame.observation);
        return;
      case 'world':
        this.#addWorld(frame);
        return;
      case 'chart':
        for (const { chart: _, peer: __, ...taken } of frame.transitions) {
          this.#add({ kind: 'outer', at: frame.at, chart: frame.chart, active: taken.to, taken });
        }
        this.#add({ kind: 'outer', at: frame.at, chart: frame.chart, active: frame.active });
        return;
      case 'mark':
        // Elections are told by the nodes that were in them.
        if (frame.mark !== 'election') this.#add(frame);
    }
  }

  #add(step: Loose): void {
    this.steps.push({ ...step, nr: this.steps.length + 1 } as Step);
  }

  #addWorld({ at, lives, groups, link, links }: Extract<Frame, { kind: 'world' }>): void {
    for (const { id, life: now } of lives) {
      if ((this.#lives.get(id) ?? 'running') === now) continue;
      if (this.#lives.get(id) === 'crashed') this.#nodes.delete(id);
      this.#lives.set(id, now);
      this.#add({ kind: 'life', at, node: id, life: now });
    }
    const wired = JSON.stringify([groups, link, links]);
    if (wired === this.#network) return;
    this.#network = wired;
    this.#add({ kind: 'network', at, groups, link, links });
  }

  #addNode(node: NodeId, at: number, observation: OldObservation): void {
    const state = stateOf(observation);
    const known = this.#nodes.get(node);
    this.#nodes.set(node, { state, at });
    if (known === undefined) {
      this.#add({ kind: 'stand', at, node, state });
      return;
    }
    const rest = new Map(Object.entries(changeOf(known.state, state)));
    const taken = observation.transitions.filter(({ chart, target }) => chart === 'node' && target !== null);
    this.#addTransitions(node, at, taken, rest);
    const { commitLatency: latency } = observation;
    this.#add({
      kind: 'tally',
      at,
      node,
      since: known.at,
      messages: observation.messages.map(({ direction, peer, kind, count, entries }) => ({
        direction,
        peer,
        message: kind,
        count,
        entries,
      })),
      taken: taken.filter((each) => !isChange(each)).map(({ id, target, count }) => ({ id, target, count })),
      ...(rest.size === 0 ? {} : { change: Object.fromEntries(rest) as ObservedChange }),
      ...(latency === null ? {} : { latency: { samples: latency.samples, meanMs: latency.meanMs } }),
    });
  }

  /** A term is begun, and a vote cast, where a candidate is made; else with what came first. */
  #addTransitions(
    node: NodeId,
    at: number,
    taken: readonly OldTransition[],
    rest: Map<string, unknown>,
  ): void {
    let passed: OldTransition[] = [];
    const ended = taken.filter(isChange);
    const stands = ended.some(({ target }) => target === 'alive.candidate');
    for (const transition of ended) {
      passed.push(transition);
      const nowRole = roleIn(transition.to);
      if (nowRole === null) continue;
      const change: Record<string, unknown> = { active: transition.to, role: nowRole };
      if (!stands || transition.target === 'alive.candidate') {
        for (const name of ['term', 'votedFor']) {
          if (rest.has(name)) change[name] = rest.get(name);
          rest.delete(name);
        }
      }
      const [first] = passed;
      this.#add({
        kind: 'chart',
        at,
        node,
        transitions: passed.map(({ id, target }) => ({ id, target })),
        cause: first?.cause ?? '',
        change: change as ObservedChange,
      });
      passed = [];
    }
  }
}

function isChange({ from, to }: OldTransition): boolean {
  return from.length !== to.length || from.some((each, at) => each !== to[at]);
}

function roleIn(active: readonly string[]): Role | null {
  const [first = ''] = active;
  if (first.endsWith('.deciding')) return null;
  const found = first.split('.').find((word) => role(word));
  return (found as Role | undefined) ?? null;
}

function stateOf({ information, active, log, links }: OldObservation): ObservedState {
  const { lastLogIndex: last, candidacy = true, ...rest } = information;
  const runs: [LogIndex, Term][] = [];
  for (const [at, term] of log.terms.entries()) {
    if (runs.at(-1)?.[1] !== term) runs.push([log.first + at, term]);
  }
  const { role: now, term, votedFor, leaderId, commitIndex, height } = rest;
  return {
    role: now,
    active,
    term,
    votedFor,
    leaderId,
    candidacy,
    log: { last, runs },
    commitIndex,
    height,
    votes: [],
    timer: { timeoutMs: 0, elapsedMs: 0 },
    links,
  };
}

function changeOf(before: ObservedState, after: ObservedState): ObservedChange {
  const change: Record<string, unknown> = {};
  for (const name of [
    'role',
    'term',
    'votedFor',
    'leaderId',
    'candidacy',
    'commitIndex',
    'height',
  ] as const) {
    if (before[name] !== after[name]) change[name] = after[name];
  }
  if (JSON.stringify(before.active) !== JSON.stringify(after.active)) change.active = after.active;
  const log = logChange(before.log, after.log);
  if (log !== null) change.log = log;
  if (JSON.stringify(before.links) !== JSON.stringify(after.links)) change.links = after.links;
  return change as ObservedChange;
}

function logChange(before: ObservedLog, after: ObservedLog): ObservedLog | null {
  let agreed = Math.min(before.last, after.last);
  const firstTold = after.runs[0]?.[0] ?? after.last + 1;
  while (agreed >= firstTold && termAt(before, agreed) !== termAt(after, agreed)) agreed--;
  if (agreed === before.last && agreed === after.last) return null;
  const endOf = (at: number) => (after.runs[at + 1]?.[0] ?? after.last + 1) - 1;
  const runs = after.runs.flatMap(([first, term], at): [LogIndex, Term][] =>
    endOf(at) > agreed ? [[Math.max(first, agreed + 1), term]] : [],
  );
  return { last: after.last, runs };
}
