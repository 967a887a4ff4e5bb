import { createRequire } from 'node:module';
import type { ELK, ElkExtendedEdge, ElkNode, LayoutOptions } from 'elkjs/lib/elk-api.js';
import { content, type StateContent, stateContent } from './chart-content.js';
import type { ChartDefinition, ChartState, ChartTransition } from './chart-definition.js';
import type {
  Box,
  ChartGeometry,
  InitialGeometry,
  Point,
  StateGeometry,
  TransitionGeometry,
} from './chart-geometry.js';
import { brokenLabel, type Line, labelOf, lineText, lineWidth, textOf } from './chart-text.js';

const DOT_SIZE = 10;
const EDGE_CHARACTERS_MAX = 30;

const rootOptions: LayoutOptions = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.json.shapeCoords': 'ROOT',
  'elk.json.edgeCoords': 'ROOT',
  'elk.randomSeed': '1',
  'elk.layered.thoroughness': '40',
};

const stateOptions: LayoutOptions = {
  'elk.spacing.nodeNode': '20',
  'elk.spacing.edgeNode': '14',
  'elk.spacing.edgeEdge': '12',
  'elk.spacing.edgeLabel': '3',
  'elk.spacing.labelNode': '8',
  'elk.layered.spacing.nodeNodeBetweenLayers': '24',
  'elk.layered.spacing.edgeNodeBetweenLayers': '14',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '12',
  'elk.layered.nodePlacement.strategy': 'BRANDES_KOEPF',
  'elk.layered.nodePlacement.bk.fixedAlignment': 'BALANCED',
};

/** Transitions between the same two states, drawn as one edge with a label of several lines. */
interface Bundle {
  readonly id: string;
  readonly source: string;
  readonly target: string;
  readonly transitions: readonly { readonly transition: ChartTransition; readonly lines: readonly Line[] }[];
}

/**
 * Lays a chart out: nested layers from top to bottom. The same chart gives the same drawing.
 *
 * It goes twice: what stands written in a composite state is put into columns once its width is known.
 */
export async function layOutChart(chart: ChartDefinition): Promise<ChartGeometry> {
  const elk = newElk();
  const bundles = bundlesOf(chart);
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

function bundlesOf(chart: ChartDefinition): Bundle[] {
  const bundles = new Map<string, Bundle>();
  for (const transition of chart.transitions) {
    const { source, target } = transition;
    if (target === null) continue;
    const id = `${source} > ${target}`;
    const before = bundles.get(id)?.transitions ?? [];
    const lines = brokenLabel(transition, EDGE_CHARACTERS_MAX);
    bundles.set(id, { id, source, target, transitions: [...before, { transition, lines }] });
  }
  return [...bundles.values()];
}

function stateId(path: string): string {
  return `state ${path}`;
}

function dotId(path: string): string {
  return `initial ${path}`;
}

function graphOf(
  chart: ChartDefinition,
  bundles: readonly Bundle[],
  contents: Map<string, StateContent>,
): ElkNode {
  const [root] = chart.states;
  if (root === undefined) return { id: 'chart' };
  const arrows = chart.states.flatMap(({ path, initial }): ElkExtendedEdge[] =>
    initial === null ? [] : [{ id: `arrow ${path}`, sources: [dotId(path)], targets: [stateId(initial)] }],
  );
  return {
    id: 'chart',
    layoutOptions: { ...rootOptions, 'elk.padding': '[top=8,left=8,bottom=8,right=8]' },
    children: [nodeOf(chart, root, contents)],
    edges: [...arrows, ...bundles.map(edgeOf)],
  };
}

function nodeOf(chart: ChartDefinition, state: ChartState, contents: Map<string, StateContent>): ElkNode {
  const { width, height } = contents.get(state.path) ?? { width: 0, height: 0 };
  const children = chart.states.filter(({ parent }) => parent === state.path);
  if (children.length === 0) return { id: stateId(state.path), width, height, layoutOptions: stateOptions };
  const dot: ElkNode[] =
    state.initial === null ? [] : [{ id: dotId(state.path), width: DOT_SIZE, height: DOT_SIZE }];
  return {
    id: stateId(state.path),
    layoutOptions: {
      ...stateOptions,
      'elk.padding': `[top=${height + 6},left=16,bottom=16,right=16]`,
      'elk.nodeSize.constraints': 'MINIMUM_SIZE',
      'elk.nodeSize.minimum': `(${width},${height})`,
    },
    children: [...dot, ...children.map((child) => nodeOf(chart, child, contents))],
  };
}

function edgeOf({ id, source, target, transitions }: Bundle): ElkExtendedEdge {
  const lines = transitions.flatMap((one) => one.lines);
  return {
    id,
    sources: [stateId(source)],
    targets: [stateId(target)],
    labels: [
      {
        text: lines.map(textOf).join('\n'),
        width: Math.ceil(Math.max(...lines.map(lineWidth))) + 8,
        height: lines.length * lineText.height + 4,
        layoutOptions: { 'elk.edgeLabels.inline': 'true', 'elk.edgeLabels.placement': 'CENTER' },
      },
    ],
  };
}

function boxesOf(node: ElkNode): Map<string, Box> {
  const { id, x = 0, y = 0, width = 0, height = 0, children = [] } = node;
  return new Map([[id, { x, y, width, height }], ...children.flatMap((child) => [...boxesOf(child)])]);
}

function read(
  chart: ChartDefinition,
  bundles: readonly Bundle[],
  contents: Map<string, StateContent>,
  graph: ElkNode,
): ChartGeometry {
  const boxes = boxesOf(graph);
  const edges = new Map((graph.edges ?? []).map((edge) => [edge.id, edge]));
  const boxOf = (id: string): Box => boxes.get(id) ?? { x: 0, y: 0, width: 0, height: 0 };
  const inner = chart.states.flatMap(({ path }) =>
    innerTransitions(contents.get(path), boxOf(stateId(path))),
  );
  const outer = bundles.flatMap((bundle) => bundledTransitions(bundle, edges.get(bundle.id)));
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
      return [{ parent: path, target: initial, dot, points: pointsOf(edges.get(`arrow ${path}`)) }];
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

function bundledTransitions(bundle: Bundle, edge: ElkExtendedEdge | undefined): TransitionGeometry[] {
  const { x = 0, y = 0, width = 0 } = edge?.labels?.[0] ?? {};
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
      points: pointsOf(edge),
      shared: nth > 0,
    };
  });
}

function pointsOf(edge: ElkExtendedEdge | undefined): Point[] {
  return (edge?.sections ?? [])
    .flatMap(({ startPoint, bendPoints = [], endPoint }) => [startPoint, ...bendPoints, endPoint])
    .map(({ x, y }) => ({ x: round(x), y: round(y) }));
}

/** Tenths of a pixel, so that the files stay small and equal. */
function round(length: number): number {
  return Math.round(length * 10) / 10;
}
