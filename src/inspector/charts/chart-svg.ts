import type {
  ChartGeometry,
  InitialGeometry,
  LabelSpan,
  Point,
  StateGeometry,
  TransitionGeometry,
} from './chart-geometry.js';
import { chartStyle } from './chart-style.js';
import { lineText } from './chart-text.js';

const CORNER = 8;
const BEND = 6;
const ARROW_LENGTH = 8;
const ARROW_HALF_WIDTH = 3.5;

/**
 * A chart as an SVG that stands alone: it carries its style and follows the reader's light or dark theme.
 *
 * Within a page, colours come from the custom properties `--chart-*`, and whoever shows it lights
 * `[data-state="alive.follower"]` and `[data-transition="alive.follower:host.campaign:0"]` by adding the class
 * `active` or `traced`.
 *
 * @param level of detail, which makes the names of its parts differ from those of another drawing of the machine.
 */
export function chartSvg(chart: ChartGeometry, level = 'all'): string {
  const { machine, width, height } = chart;
  const named = `chart-${machine}-${level}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" aria-labelledby="${named}-title ${named}-description" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<title id="${named}-title">Statechart: ${escapeXml(machine)}</title>`,
    `<desc id="${named}-description">${escapeXml(inWords(chart))}</desc>`,
    `<style>${chartStyle}</style>`,
    ...chart.states.map(stateSvg),
    ...chart.initials.map(initialSvg),
    ...chart.transitions.map(edgeSvg).filter((svg) => svg !== ''),
    ...chart.transitions.map(labelSvg),
    '</svg>',
    '',
  ].join('\n');
}

/** For those who hear the chart: its states, and how they lead to one another. */
function inWords({ description, states, transitions }: ChartGeometry): string {
  const named = states.filter(({ path }) => path !== '').map(({ path }) => path);
  const moves = transitions.filter(({ kind }) => kind === 'external').length;
  return `${description} States: ${named.join(', ')}. ${moves} transitions lead from state to state.`;
}

function stateSvg(state: StateGeometry): string {
  const { path, key, kind, region, depth, x, y, width, height, name, notes } = state;
  const classes = ['state', kind, ...(region ? ['region'] : []), ...(depth === 0 ? ['machine'] : [])];
  const box = `x="${x}" y="${y}" width="${width}" height="${height}" rx="${CORNER}"`;
  const inset = `x="${x + 3}" y="${y + 3}" width="${width - 6}" height="${height - 6}" rx="${CORNER - 3}"`;
  return [
    `<g class="${classes.join(' ')}" data-state="${escapeXml(path)}">`,
    titleSvg(state.description),
    `<rect class="box" ${box}/>`,
    ...(kind === 'final' ? [`<rect class="box" ${inset}/>`] : []),
    dividerSvg(state),
    `<text class="name" x="${name.x}" y="${name.y}" dominant-baseline="central">${escapeXml(key)}</text>`,
    ...notes.map(({ kind, text, x, y }) => {
      const [before = '', ...after] = text.split(' / ');
      return `<g class="note ${kind}">${lineSvg(
        [
          { role: 'event', text: before },
          { role: 'actions', text: ` / ${after.join(' / ')}` },
        ],
        x,
        y,
      )}</g>`;
    }),
    '</g>',
  ].join('');
}

/** Between what is written in a composite state and the states within it. */
function dividerSvg({ header, region, depth, x, y, width }: StateGeometry): string {
  if (header === null || region || depth === 0) return '';
  return `<path class="divider" d="M${x} ${tenths(y + header)}h${width}"/>`;
}

function initialSvg({ parent, target, dot, points }: InitialGeometry): string {
  return `<g class="initial" data-initial="${escapeXml(parent)}"><title>${escapeXml(`${target} is entered first.`)}</title><circle cx="${dot.x}" cy="${dot.y}" r="5"/>${arrowSvg(points)}</g>`;
}

function edgeSvg({ id, points, shared, source, target }: TransitionGeometry): string {
  if (points.length === 0) return '';
  return `<g class="edge${shared ? ' shared' : ''}" data-transition="${escapeXml(id)}" data-from="${escapeXml(source)}" data-to="${escapeXml(target ?? source)}">${arrowSvg(points)}</g>`;
}

function labelSvg({
  id,
  kind,
  source,
  target,
  lines,
  label,
  description,
  ...box
}: TransitionGeometry): string {
  const { labelX, labelY, labelWidth, labelHeight } = box;
  return [
    `<g class="label ${kind}${isOutermost(source, target) ? ' outermost' : ''}" data-label="${escapeXml(id)}">`,
    titleSvg(description === '' ? '' : `${label}: ${description}`),
    kind === 'external' && lines.length > 0
      ? `<rect class="plate" x="${labelX}" y="${labelY}" width="${labelWidth}" height="${labelHeight}" rx="3"/>`
      : '',
    ...lines.map((line, nth) =>
      lineSvg(line, kind === 'external' ? labelX + 4 : labelX, labelY + nth * lineText.height),
    ),
    '</g>',
  ].join('');
}

/** Whether an edge runs on the machine's frame, beside all states. */
function isOutermost(source: string, target: string | null): boolean {
  const [from, to] = [source.split('.')[0], target?.split('.')[0]];
  return from === '' || from !== to;
}

function lineSvg(line: readonly LabelSpan[], x: number, top: number): string {
  const spans = line.map(({ role, text }) => `<tspan class="${role}">${escapeXml(text)}</tspan>`).join('');
  return `<text x="${tenths(x)}" y="${tenths(top + lineText.height / 2)}" dominant-baseline="central" xml:space="preserve">${spans}</text>`;
}

function titleSvg(text: string): string {
  return text === '' ? '' : `<title>${escapeXml(text)}</title>`;
}

/** An orthogonal line with rounded bends, and its head. */
function arrowSvg(points: readonly Point[]): string {
  const end = points.at(-1);
  const before = points.at(-2);
  if (end === undefined || before === undefined) return '';
  const [along, across] = [Math.sign(end.x - before.x), Math.sign(end.y - before.y)];
  const neck = { x: end.x - along * ARROW_LENGTH, y: end.y - across * ARROW_LENGTH };
  const side = { x: across * ARROW_HALF_WIDTH, y: along * ARROW_HALF_WIDTH };
  const head = [end, { x: neck.x + side.x, y: neck.y + side.y }, { x: neck.x - side.x, y: neck.y - side.y }];
  return `<path d="${lineThrough([...points.slice(0, -1), neck])}"/><polygon points="${head.map(({ x, y }) => `${tenths(x)},${tenths(y)}`).join(' ')}"/>`;
}

function lineThrough(points: readonly Point[]): string {
  return points
    .map((point, nth) => {
      const before = points[nth - 1];
      const after = points[nth + 1];
      if (before === undefined) return `M${tenths(point.x)} ${tenths(point.y)}`;
      if (after === undefined) return `L${tenths(point.x)} ${tenths(point.y)}`;
      const radius = Math.min(BEND, distance(before, point) / 2, distance(point, after) / 2);
      const [from, to] = [towards(point, before, radius), towards(point, after, radius)];
      return `L${tenths(from.x)} ${tenths(from.y)}Q${tenths(point.x)} ${tenths(point.y)} ${tenths(to.x)} ${tenths(to.y)}`;
    })
    .join('');
}

function distance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

function towards(from: Point, to: Point, length: number): Point {
  const whole = distance(from, to);
  if (whole === 0) return from;
  return { x: from.x + ((to.x - from.x) * length) / whole, y: from.y + ((to.y - from.y) * length) / whole };
}

function tenths(length: number): number {
  return Math.round(length * 10) / 10;
}

function escapeXml(text: string): string {
  return text.replace(
    /[&<>"]/g,
    (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[character] ?? character,
  );
}
