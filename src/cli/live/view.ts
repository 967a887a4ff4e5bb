import { type NodeInformation, type Role, roles } from '../../node/information.js';
import type { Paint } from './paint.js';
import { cut as cutText } from './text-width.js';

/** A node as the live view shows it. */
export interface ViewNode
  extends Pick<NodeInformation, 'id' | 'role' | 'term' | 'height' | 'commitIndex' | 'peers'> {
  /** From whom it is cut off, in a few words; empty if from nobody. */
  readonly cuts: string;
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

/** A node's row, cell by cell, or the headings. */
interface Cells {
  readonly id: string;
  readonly role: string;
  readonly term: string;
  readonly height: string;
  readonly commit: string;
  readonly peers: string;
  readonly cuts: string;
  readonly event: string;
}

interface NodeCells extends Cells {
  readonly role: Role;
}

type Widths = Readonly<Record<'term' | 'height' | 'commit' | 'peers' | 'cuts', number>>;

/** Rows that the prompt and its answers have at least. */
const promptRowsMin = 6;
const frameRows = 3;

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
  const cells = shown.map(cellsOf);
  const widths = widthsOf(cells, nodes.length);
  const lines = [title(model, place), place.paint.dim(cut(row(headings, widths), place))];
  lines.push(...cells.map((each) => nodeRow(each, widths, place)));
  if (shown.length < nodes.length) {
    const hidden = nodes.length - shown.length;
    lines.push(place.paint.dim(cut(`  and ${hidden} more: type status, or make the window taller`, place)));
  }
  return [...lines, rule];
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

const headings: Cells = {
  id: 'node',
  role: 'role',
  term: 'term',
  height: 'height',
  commit: 'commit',
  peers: 'peers',
  cuts: 'cut off',
  event: 'last event',
};

const roleTints: { readonly [role in Role]: (paint: Paint, text: string) => string } = {
  leader: (paint, text) => paint.bold(paint.green(text)),
  follower: (_, text) => text,
  preCandidate: (paint, text) => paint.yellow(text),
  candidate: (paint, text) => paint.bold(paint.yellow(text)),
  learner: (paint, text) => paint.cyan(text),
  removed: (paint, text) => paint.dim(text),
  dead: (paint, text) => paint.red(text),
};

function nodeRow(cells: NodeCells, widths: Widths, place: ViewPlace): string {
  const text = cut(row(cells, widths), place);
  const start = text.indexOf(cells.role);
  const end = start + cells.role.length;
  if (start === -1) return text;
  const rest = text.slice(end);
  return (
    text.slice(0, start) +
    roleTints[cells.role](place.paint, text.slice(start, end)) +
    (cells.role === 'dead' ? place.paint.dim(rest) : rest)
  );
}

function cellsOf(node: ViewNode): NodeCells {
  const { id, role, term, height, commitIndex, cuts, lastEvent } = node;
  return {
    id: `${id}`,
    role,
    term: `${term}`,
    height: `${height}`,
    commit: `${commitIndex}`,
    peers: peersText(node),
    cuts,
    event: lastEvent,
  };
}

/** The living peers, or how many there are where the list would be long. */
function peersText({ role, peers }: ViewNode): string {
  if (role === 'dead') return '-';
  const list = peers.join(' ');
  return list.length <= peersWidthMax ? list || '-' : `${peers.length} alive`;
}

/** A list of peers that is longer than this gives way to their number. */
const peersWidthMax = 13;

/** As wide as they must be, and the column of cuts only while somebody is cut off. */
function widthsOf(cells: readonly NodeCells[], nodes: number): Widths {
  const width = (name: keyof Cells) =>
    Math.max(headings[name].length, ...cells.map((each) => each[name].length));
  const someCut = cells.some(({ cuts }) => cuts !== '');
  return {
    term: width('term'),
    height: width('height'),
    commit: width('commit'),
    // Peers come and go, too.
    peers: Math.max(width('peers'), Math.min(peersWidthMax, 2 * nodes - 3)),
    cuts: someCut ? width('cuts') : 0,
  };
}

function row(cells: Cells, widths: Widths): string {
  return [
    `  ${cells.id.padStart(4)}`,
    cells.role.padEnd(roleWidth),
    cells.term.padStart(widths.term),
    cells.height.padStart(widths.height),
    cells.commit.padStart(widths.commit),
    cells.peers.padEnd(widths.peers),
    ...(widths.cuts > 0 ? [(cells.cuts || '-').padEnd(widths.cuts)] : []),
    cells.event,
  ].join('  ');
}

/** The longest role's. Roles come and go, and the table is not to move with them. */
const roleWidth = Math.max(...roles.map((role) => role.length));

/** As much as fits, with a mark where something is missing. */
function cut(text: string, { columns, unicode }: Pick<ViewPlace, 'columns' | 'unicode'>): string {
  return cutText(text, columns, unicode ? '…' : '~');
}
