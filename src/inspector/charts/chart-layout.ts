import { createRequire } from 'node:module';
import type { ELK, ElkExtendedEdge, ElkNode } from 'elkjs/lib/elk-api.js';
import { content, type StateContent, stateContent } from './chart-content.js';
import type { ChartDefinition, ChartState } from './chart-definition.js';
import { type Bundle, bundlesOf, isComposite, stateId } from './chart-edges.js';
import type {
  Box,
  ChartGeometry,
  InitialGeometry,
  Point,
  StateGeometry,
  TransitionGeometry,
} from './chart-geometry.js';
import { arrowId, dotId, graphOf } from './chart-graph.js';
import { labelOf, lineText, textOf } from './chart-text.js';

/**
 * Lays a chart out: nested layers from top to bottom. The same chart gives the same drawing.
 *
 * It goes twice: what stands written in a composite state is put into columns once its width is known.
 *
 * @param isLabelled is anything written at the edges?
 */
export async function layOutChart(chart: ChartDefinition, isLabelled = true): Promise<ChartGeometry> {
  const elk = newElk();
  const bundles = bundlesOf(chart, isLabelled);
  const narrow = contentsOf(chart, () => 0);
  const first = boxesOf(await elk.layout(graphOf(chart, bundles, narrow)));
  const contents = contentsOf(chart, ({ path, kind }) =>
    kind === 'atomic' || kind === 'final' ? 0 : (first.get(stateId(path))?.width ?? 0),
  );
  const graph = await elk.layout(graphOf(chart, bundles, contents));
  return read(chart, bundles, contents, graph);
}

function newElk(): ELK {
  // The library is CommonJS whose types name a default export that it does not have.
  const Elk = createRequire(import.meta.url)('elkjs/lib/elk.bundled.js') as new () => ELK;
  return new Elk();
}

function contentsOf(
  chart: ChartDefinition,
  widthMax: (state: ChartState) => number,
): Map<string, StateContent> {
  return new Map(chart.states.map((state) => [state.path, stateContent(chart, state, widthMax(state))]));
}

function boxesOf(node: ElkNode): Map<string, Box> {
  const { id, x = 0, y = 0, width = 0, height = 0, children = [] } = node;
  return new Map([[id, { x, y, width, height }], ...children.flatMap((child) => [...boxesOf(child)])]);
}

function edgesOf({ edges = [], children = [] }: ElkNode): Map<string, ElkExtendedEdge> {
  return new Map([
    ...edges.map((edge): [string, ElkExtendedEdge] => [edge.id, edge]),
    ...children.flatMap((child) => [...edgesOf(child)]),
  ]);
}

function read(
  chart: ChartDefinition,
  bundles: readonly Bundle[],
  contents: Map<string, StateContent>,
  graph: ElkNode,
): ChartGeometry {
  const boxes = boxesOf(graph);
  const edges = edgesOf(graph);
  const boxOf = (id: string): Box => boxes.get(id) ?? { x: 0, y: 0, width: 0, height: 0 };
  const inner = chart.states.flatMap(({ path }) =>
    innerTransitions(contents.get(path), boxOf(stateId(path))),
  );
  const headerEnds = new Map(
    chart.states.map(({ path }) => [path, boxOf(stateId(path)).y + (contents.get(path)?.height ?? 0)]),
  );
  const outer = bundles.flatMap((bundle) => bundledTransitions(bundle, edges, headerEnds));
  const geometries = new Map([...inner, ...outer].map((transition) => [transition.id, transition]));
  return {
    machine: chart.machine,
    description: chart.description,
    width: Math.ceil(graph.width ?? 0),
    height: Math.ceil(graph.height ?? 0),
    states: chart.states.map((state) =>
      stateGeometry(chart, state, contents.get(state.path), boxOf(stateId(state.path))),
    ),
    initials: chart.states.flatMap(({ path, initial }): InitialGeometry[] => {
      if (initial === null) return [];
      const { x, y, width, height } = boxOf(dotId(path));
      const dot = { x: round(x + width / 2), y: round(y + height / 2) };
      return [{ parent: path, target: initial, dot, points: pointsOf([edges.get(arrowId(path))]) }];
    }),
    transitions: chart.transitions.flatMap(({ id }) => geometries.get(id) ?? []),
  };
}

function stateGeometry(
  chart: ChartDefinition,
  state: ChartState,
  written: StateContent | undefined,
  { x, y, width, height }: Box,
): StateGeometry {
  const parent = chart.states.find(({ path }) => path === state.parent);
  return {
    path: state.path,
    key: state.key,
    description: state.description,
    kind: state.kind,
    parent: state.parent,
    depth: state.path === '' ? 0 : state.path.split('.').length,
    region: parent?.kind === 'parallel',
    x: round(x),
    y: round(y),
    width: round(width),
    height: round(height),
    name: { x: round(x + content.paddingX), y: round(y + content.nameHeight / 2) },
    header: written !== undefined && isComposite(chart, state.path) ? written.height : null,
    notes: (written?.items ?? []).flatMap((item) =>
      item.what === 'note'
        ? [{ kind: item.kind, text: item.text, x: round(x + item.x), y: round(y + item.y) }]
        : [],
    ),
  };
}

function innerTransitions(written: StateContent | undefined, box: Box): TransitionGeometry[] {
  return (written?.items ?? []).flatMap((item) =>
    item.what === 'transition'
      ? [
          {
            ...item.transition,
            kind: 'internal',
            label: textOf(labelOf(item.transition)),
            lines: item.lines,
            labelX: round(box.x + item.x),
            labelY: round(box.y + item.y),
            labelWidth: round(item.width),
            labelHeight: item.height,
            points: [],
            shared: false,
          },
        ]
      : [],
  );
}

function bundledTransitions(
  bundle: Bundle,
  edges: ReadonlyMap<string, ElkExtendedEdge>,
  headerEnds: ReadonlyMap<string, number>,
): TransitionGeometry[] {
  const run = bundle.segments.map(({ id }) => edges.get(id));
  const startsWithin = bundle.segments[0]?.within === bundle.source;
  const points = pointsOf(run, startsWithin ? (headerEnds.get(bundle.source) ?? 0) : 0);
  const { x = 0, y = 0, width = 0 } = run.flatMap((edge) => edge?.labels ?? [])[0] ?? {};
  let top = y + 2;
  return bundle.transitions.map(({ transition, lines }, nth) => {
    const labelY = round(top);
    const labelHeight = lines.length * lineText.height;
    top += labelHeight;
    return {
      ...transition,
      kind: 'external',
      label: textOf(labelOf(transition)),
      lines,
      labelX: round(x),
      labelY,
      labelWidth: round(width),
      labelHeight,
      points,
      shared: nth > 0,
    };
  });
}

/**
 * The corners of a line through these edges, each beginning where the one before it ends. A line from a state inwards
 * begins below what is written there: at `topMin`.
 */
function pointsOf(run: readonly (ElkExtendedEdge | undefined)[], topMin = 0): Point[] {
  const points = run
    .flatMap((edge) => edge?.sections ?? [])
    .flatMap(({ startPoint, bendPoints = [], endPoint }) => [startPoint, ...bendPoints, endPoint])
    .map(({ x, y }) => ({ x: round(x), y: round(Math.max(y, topMin)) }));
  return points.filter((point, nth) => !isBetween(points[nth - 1], point, points[nth + 1]));
}

/** Whether a straight line leads through the point, or the point repeats the one before it. */
function isBetween(before: Point | undefined, { x, y }: Point, after: Point | undefined): boolean {
  if (before === undefined) return false;
  if (before.x === x && before.y === y) return true;
  if (after === undefined) return false;
  return (before.x === x && after.x === x) || (before.y === y && after.y === y);
}

/** Tenths of a pixel, so that the files stay small and equal. */
function round(length: number): number {
  return Math.round(length * 10) / 10;
}
