import type { ChartDefinition, ChartState, ChartTransition } from './chart-definition.js';

/** A chart with one level of detail, and which of its transitions stands for each of the whole chart's. */
export interface ChartOverview {
  readonly chart: ChartDefinition;
  readonly covers: Readonly<Record<string, string>>;
}

/** States within so many others are drawn; what is further in is a matter for the whole chart. */
const depthMax = 2;

/**
 * What a machine comes to at first sight: its outer states, and why it goes from one to another, in the words of the
 * transitions' own descriptions. States that are left at once are left out, and so is what stays within a state.
 */
export function overviewOf(chart: ChartDefinition): ChartOverview {
  const shownOf = shownStates(chart);
  const transitions: ChartTransition[] = [];
  const covers: Record<string, string> = {};
  for (const transition of chart.transitions) {
    const drawn = drawnAs(transition, shownOf);
    if (drawn === null) continue;
    const like = transitions.find((each) => isAlike(each, drawn));
    if (like === undefined) transitions.push(drawn);
    covers[transition.id] = (like ?? drawn).id;
  }
  const shown = new Set(chart.states.map(({ path }) => shownOf(path)).filter((path) => path !== null));
  const states = chart.states.filter(({ path }) => shown.has(path));
  return {
    chart: {
      ...chart,
      states: states.map((state) => plainState(state, states, shownOf)),
      transitions,
    },
    covers,
  };
}

/** The state that stands for another in the overview; null for one that is left at once, where it is not entered. */
function shownStates(chart: ChartDefinition): (path: string) => string | null {
  const ways = new Map<string, string>();
  for (const { source, event, guard, target } of chart.transitions) {
    if (event === 'always' && (guard === 'else' || guard === null) && target !== null)
      ways.set(source, target);
  }
  return (path) => {
    let entered = path;
    // As often as there are states: a chart whose states lead to each other for ever would never come to rest.
    for (let steps = 0; steps <= chart.states.length; steps++) {
      const next = ways.get(entered);
      if (next === undefined) return entered.split('.').slice(0, depthMax).join('.');
      entered = next;
    }
    return null;
  };
}

function drawnAs(
  transition: ChartTransition,
  shownOf: (path: string) => string | null,
): ChartTransition | null {
  const { id, event, guard, description, target } = transition;
  if (target === null) return null;
  const source = transition.source.split('.').slice(0, depthMax).join('.');
  // What leads out of a state that is left at once is told by what leads into it.
  const isPassed = shownOf(transition.source) !== source;
  const entered = shownOf(target);
  if (isPassed || entered === null || entered === source || source.startsWith(`${entered}.`)) return null;
  const words = description === '' ? `${event}${guard === null ? '' : ` [${guard}]`}` : description;
  return {
    id,
    source,
    target: entered,
    event: words,
    guard: null,
    actions: [],
    reenter: false,
    description: '',
  };
}

function isAlike(a: ChartTransition, b: ChartTransition): boolean {
  return a.source === b.source && a.target === b.target && a.event === b.event;
}

function plainState(
  state: ChartState,
  shown: readonly ChartState[],
  shownOf: (path: string) => string | null,
): ChartState {
  const children = shown.filter(({ parent, path }) => parent === state.path && path !== '');
  const initial = state.initial === null ? null : shownOf(state.initial);
  return {
    ...state,
    kind: children.length === 0 && state.kind !== 'final' ? 'atomic' : state.kind,
    initial: children.some(({ path }) => path === initial) ? initial : null,
    entry: [],
    exit: [],
    invokes: [],
  };
}
