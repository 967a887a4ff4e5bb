import type { ElkExtendedEdge, ElkNode, ElkPort, LayoutOptions } from 'elkjs/lib/elk-api.js';
import type { StateContent } from './chart-content.js';
import type { ChartDefinition, ChartState } from './chart-definition.js';
import { type Bundle, isComposite, type Port, type Segment, stateId } from './chart-edges.js';
import { lineText, lineWidth, textOf } from './chart-text.js';

const DOT_SIZE = 10;
/** Room around the chart, and around the children of a composite state. */
const FRAME = 8;
const INSET = 16;
const HEADER_GAP = 12;

const jsonOptions: LayoutOptions = { 'elk.json.shapeCoords': 'ROOT', 'elk.json.edgeCoords': 'ROOT' };

/** States follow one another as they do in the machine's file, so that its story reads from top to bottom. */
const layoutOptions: LayoutOptions = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.randomSeed': '1',
  'elk.layered.thoroughness': '10',
  'elk.layered.cycleBreaking.strategy': 'MODEL_ORDER',
  'elk.spacing.nodeNode': '18',
  'elk.spacing.edgeNode': '14',
  'elk.spacing.edgeEdge': '12',
  'elk.spacing.edgeLabel': '2',
  'elk.spacing.componentComponent': '18',
  'elk.layered.spacing.nodeNodeBetweenLayers': '22',
  'elk.layered.spacing.edgeNodeBetweenLayers': '14',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '12',
  'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
};

export function dotId(path: string): string {
  return `initial ${path}`;
}

export function arrowId(path: string): string {
  return `arrow ${path}`;
}

export function graphOf(
  chart: ChartDefinition,
  bundles: readonly Bundle[],
  contents: ReadonlyMap<string, StateContent>,
): ElkNode {
  const root = chart.states.filter(({ parent }) => parent === null);
  return {
    id: 'chart',
    layoutOptions: { ...layoutOptions, ...jsonOptions, 'elk.padding': padding(FRAME, FRAME) },
    children: root.map((state) => nodeOf(chart, state, bundles, contents)),
  };
}

function nodeOf(
  chart: ChartDefinition,
  state: ChartState,
  bundles: readonly Bundle[],
  contents: ReadonlyMap<string, StateContent>,
): ElkNode {
  const { path, initial } = state;
  const { width, height } = contents.get(path) ?? { width: 0, height: 0 };
  const children = chart.states.filter(({ parent }) => parent === path);
  const node = { id: stateId(path), width, height, layoutOptions };
  if (children.length === 0) return node;
  return {
    ...node,
    layoutOptions: {
      ...layoutOptions,
      'elk.padding': padding(height + HEADER_GAP, INSET),
      'elk.portConstraints': 'FIXED_SIDE',
      // The regions of a parallel state have nothing to do with one another; what else is apart stays in the flow.
      'elk.separateConnectedComponents': `${state.kind === 'parallel'}`,
      'elk.nodeSize.constraints': 'MINIMUM_SIZE',
      'elk.nodeSize.minimum': `(${width},${height})`,
    },
    ports: [
      ...(isInitial(chart, path) ? [portOf({ id: entryId(path), state: path, side: 'NORTH' })] : []),
      ...bundles.flatMap(({ ports }) => ports.filter(({ state }) => state === path).map(portOf)),
    ],
    children: [
      ...(initial === null ? [] : [{ id: dotId(path), width: DOT_SIZE, height: DOT_SIZE }]),
      ...children.map((child) => nodeOf(chart, child, bundles, contents)),
    ],
    edges: [
      ...(initial === null
        ? []
        : [
            {
              id: arrowId(path),
              sources: [dotId(path)],
              targets: [isComposite(chart, initial) ? entryId(initial) : stateId(initial)],
            },
          ]),
      ...bundles.flatMap((bundle) =>
        bundle.segments.filter(({ within }) => within === path).map((segment) => edgeOf(bundle, segment)),
      ),
    ],
  };
}

/** Where the arrow from the initial dot meets a composite state. */
function entryId(path: string): string {
  return `entry ${path}`;
}

function isInitial(chart: ChartDefinition, path: string): boolean {
  return chart.states.some(({ initial }) => initial === path);
}

function portOf({ id, side }: Port): ElkPort {
  return { id, width: 0, height: 0, layoutOptions: { 'elk.port.side': side } };
}

function edgeOf({ transitions }: Bundle, { id, from, to, labelled }: Segment): ElkExtendedEdge {
  const edge = { id, sources: [from], targets: [to] };
  const lines = transitions.flatMap((one) => one.lines);
  if (!labelled || lines.length === 0) return edge;
  return {
    ...edge,
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

function padding(top: number, sides: number): string {
  return `[top=${top},left=${sides},bottom=${sides},right=${sides}]`;
}
