import type { NodeInformation, Role } from '../../node/information.js';
import type { Paint } from './paint.js';

/** A node as the live view shows it. */
export interface ViewNode
  extends Pick<NodeInformation, 'id' | 'role' | 'term' | 'height' | 'commitIndex' | 'peers'> {
  readonly lastEvent: string;
}

/** All that the live view shows. */
export interface ViewModel {
  readonly nodes: readonly ViewNode[];
  readonly leader: { readonly id: number; readonly term: number } | null;
  readonly blockIntervalMs: number;
  readonly commitsPerSecond: number;
}

/** Where it is shown. */
export interface ViewPlace {
  readonly columns: number;
  readonly rows: number;
  readonly paint: Paint;
  /** Other characters than ASCII can be shown. */
  readonly unicode: boolean;
}

/** Rows that the prompt and its answers have at least. */
const promptRowsMin = 6;
const frameRows = 4;

/** How many rows the view takes; 0 where there is no room for one. */
export function viewHeight(nodes: number, rows: number): number {
  const shown = Math.min(nodes, rows - promptRowsMin - frameRows);
  return shown < 1 ? 0 : shown + frameRows;
}

/** The view as lines of at most `columns` visible characters, `viewHeight` of them. */
export function renderView(model: ViewModel, place: ViewPlace): string[] {
  const { nodes } = model;
  const height = viewHeight(nodes.length, place.rows);
  if (height === 0) return [];
  const room = height - frameRows;
  const shown = room < nodes.length ? nodes.slice(0, room - 1) : nodes;
  const rule = place.paint.dim((place.unicode ? '─' : '-').repeat(place.columns));
  const lines = [title(model, place), place.paint.dim(headings(nodes.length, place))];
  lines.push(...shown.map((node) => nodeRow(node, nodes.length, place)));
  if (shown.length < nodes.length) {
    const hidden = nodes.length - shown.length;
    lines.push(place.paint.dim(cut(`  and ${hidden} more: type status, or make the window taller`, place)));
  }
  return [...lines, place.paint.dim(cut(hint(place), place)), rule];
}

function title({ nodes, leader, blockIntervalMs, commitsPerSecond }: ViewModel, place: ViewPlace): string {
  const { paint } = place;
  const alive = nodes.filter((node) => node.role !== 'dead').length;
  const separator = place.unicode ? ' · ' : ' | ';
  const leads = leader === null ? 'no leader' : `node ${leader.id} leads term ${leader.term}`;
  const before = ` Conclave${separator}`;
  const after = [
    '',
    `${alive}/${nodes.length} alive`,
    `${commitsPerSecond} commits/s`,
    blockIntervalMs === 0 ? 'blocks off' : `blocks ${blockIntervalMs} ms`,
  ].join(separator);
  const text = cut(before + leads + after, place);
  const middle = text.slice(before.length, before.length + leads.length);
  return (
    paint.bold(text.slice(0, before.length)) +
    paint.bold(leader === null ? paint.red(middle) : paint.green(middle)) +
    text.slice(before.length + leads.length)
  );
}

function hint({ unicode }: ViewPlace): string {
  const separator = unicode ? ' · ' : ' | ';
  return ['  help lists the commands', 'Tab completes', 'Ctrl-C or quit closes'].join(separator);
}

function headings(nodes: number, place: ViewPlace): string {
  return cut(row(['node', 'role', 'term', 'height', 'commit', 'peers', 'last event'], nodes), place);
}

const roleTints: { readonly [role in Role]: (paint: Paint, text: string) => string } = {
  leader: (paint, text) => paint.bold(paint.green(text)),
  follower: (_, text) => text,
  preCandidate: (paint, text) => paint.yellow(text),
  candidate: (paint, text) => paint.bold(paint.yellow(text)),
  learner: (paint, text) => paint.cyan(text),
  dead: (paint, text) => paint.red(text),
};

function nodeRow(node: ViewNode, nodes: number, place: ViewPlace): string {
  const peers = peersText(node, nodes);
  const cells = [`${node.id}`, node.role, `${node.term}`, `${node.height}`, `${node.commitIndex}`, peers];
  const text = cut(row([...cells, node.lastEvent], nodes), place);
  const start = text.indexOf(node.role);
  const end = start + node.role.length;
  if (start === -1) return text;
  const rest = text.slice(end);
  return (
    text.slice(0, start) +
    roleTints[node.role](place.paint, text.slice(start, end)) +
    (node.role === 'dead' ? place.paint.dim(rest) : rest)
  );
}

/** The living peers, or how many there are where the list would be long. */
function peersText({ role, peers }: ViewNode, nodes: number): string {
  if (role === 'dead') return '-';
  const list = peers.join(' ');
  return list.length <= peersWidth(nodes) ? list || '-' : `${peers.length} alive`;
}

const peersWidthMax = 13;

function peersWidth(nodes: number): number {
  return Math.max(7, Math.min(peersWidthMax, 2 * nodes - 3));
}

function row(cells: readonly string[], nodes: number): string {
  const [id = '', role = '', term = '', height = '', commit = '', peers = '', event = ''] = cells;
  return [
    `  ${id.padStart(4)}`,
    role.padEnd(12),
    term.padStart(5),
    height.padStart(9),
    commit.padStart(9),
    peers.padEnd(peersWidth(nodes)),
    event,
  ].join('  ');
}

/** As much as fits, with a mark where something is missing. */
function cut(text: string, { columns, unicode }: Pick<ViewPlace, 'columns' | 'unicode'>): string {
  if (text.length <= columns) return text;
  return `${text.slice(0, Math.max(0, columns - 1))}${unicode ? '…' : '~'}`;
}
