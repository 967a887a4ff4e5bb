import { isWritten } from './chart-content.js';
import type { ChartDefinition, ChartTransition } from './chart-definition.js';
import { brokenLabel, type Line } from './chart-text.js';

/*
 * Each composite state is laid out by itself, from the inside out, which keeps it compact. An edge that crosses
 * borders is cut there into segments that meet in ports.
 */

const LINE_CHARACTERS_MAX = 30;

/** Transitions between the same two states, drawn as one edge with a label of several lines. */
export interface Bundle {
  readonly id: string;
  readonly source: string;
  readonly target: string;
  readonly transitions: readonly LabelledTransition[];
  /** In the order in which the edge runs through them. */
  readonly segments: readonly Segment[];
  readonly ports: readonly Port[];
}

export interface LabelledTransition {
  readonly transition: ChartTransition;
  readonly lines: readonly Line[];
}

/** The part of an edge that runs within one composite state. */
export interface Segment {
  readonly id: string;
  readonly within: string;
  /** Ids of states or ports. */
  readonly from: string;
  readonly to: string;
  /** The outermost segment, where there is room, bears the label. */
  readonly labelled: boolean;
}

/** Where an edge meets the border of a composite state. */
export interface Port {
  readonly id: string;
  readonly state: string;
  readonly side: 'NORTH' | 'EAST' | 'SOUTH';
}

export function stateId(path: string): string {
  return `state ${path}`;
}

export function isComposite(chart: ChartDefinition, path: string): boolean {
  return chart.states.some(({ parent }) => parent === path);
}

/** All edges of a chart between different states. */
export function bundlesOf(chart: ChartDefinition, isLabelled: boolean): Bundle[] {
  const bundles = new Map<string, Bundle>();
  for (const transition of chart.transitions) {
    const { source, target } = transition;
    if (target === null || isWritten(transition)) continue;
    const id = `${source} > ${target}`;
    const before = bundles.get(id) ?? {
      id,
      source,
      target,
      transitions: [],
      ...routed(chart, id, source, target),
    };
    const labelled = { transition, lines: isLabelled ? brokenLabel(transition, LINE_CHARACTERS_MAX) : [] };
    bundles.set(id, { ...before, transitions: [...before.transitions, labelled] });
  }
  return [...bundles.values()];
}

function routed(
  chart: ChartDefinition,
  edge: string,
  source: string,
  target: string,
): Pick<Bundle, 'segments' | 'ports'> {
  const [up, down] = [withAncestors(source), withAncestors(target)];
  const outermost = up.find((path) => down.includes(path)) ?? '';
  const leaving = left(up, outermost);
  const entering = left(down, outermost).reverse();
  const stops = [...leaving, ...entering];
  const end = (path: string) => (isComposite(chart, path) ? `${edge} @${path}` : stateId(path));

  const segments = stops.slice(1).map((to, nth): Segment => {
    const from = stops[nth] ?? source;
    const labelled = nth === leaving.length - 1;
    // Outwards an edge runs within the state whose border it meets next, inwards within the one it has crossed.
    const within = labelled ? outermost : nth < leaving.length ? to : from;
    return { id: `${edge} #${nth}`, within, from: end(from), to: end(to), labelled };
  });
  const order = chart.states.map(({ path }) => path);
  const goesBack = order.indexOf(entering[0] ?? target) < order.indexOf(leaving.at(-1) ?? source);
  const ports = [
    ...leaving.map((state, nth) => ({ state, side: leavingSide(state === outermost, goesBack, nth > 0) })),
    ...entering.map((state) => ({ state, side: enteringSide(state === outermost, goesBack) })),
  ].filter(({ state }) => isComposite(chart, state));
  return { segments, ports: ports.map((port) => ({ ...port, id: end(port.state) })) };
}

/** The states that an edge from the first of these leaves; itself where it leaves none. */
function left(outwards: readonly string[], outermost: string): string[] {
  const [first] = outwards;
  return first === outermost ? [outermost] : outwards.slice(0, outwards.indexOf(outermost));
}

/** States follow one another from top to bottom: what goes on leaves below, what goes back leaves above. */
function leavingSide(inwards: boolean, goesBack: boolean, fromWithin: boolean): Port['side'] {
  if (inwards) return 'NORTH';
  if (!goesBack) return 'SOUTH';
  // Above stands what is written in the state.
  return fromWithin ? 'EAST' : 'NORTH';
}

function enteringSide(fromWithin: boolean, goesBack: boolean): Port['side'] {
  return fromWithin || goesBack ? 'SOUTH' : 'NORTH';
}

/** The path itself, then those around it, out to the machine. */
function withAncestors(path: string): string[] {
  return path === '' ? [''] : [path, ...withAncestors(path.split('.').slice(0, -1).join('.'))];
}
