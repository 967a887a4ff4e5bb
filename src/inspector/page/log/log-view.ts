import type { LogIndex } from '../../../raft/entry.js';
import { type LogCut, type NodeSeen, termAt } from '../../recording/node-seen.js';
import { byId, html, setAttributes, setText } from '../base/elements.js';
import type { Look } from '../player/player.js';
import { fetchRecord } from '../prompt/commands.js';
import { cellAt, endCell, recentCut } from './log-cells.js';

const cellPixels = 27;
const namePixels = 72;

/** The logs side by side, as in Figure 7 of the paper: an entry is its term, coloured by it. */
export class LogView {
  readonly #frame = byId('log-table');
  readonly #detail = byId('log-detail');
  readonly #cuts = byId('log-cuts');
  readonly #safe = byId('log-safe');
  readonly #head = html('tr');
  readonly #body = html('tbody');
  #look: Look | null = null;
  /** The entry that was chosen last, as it was. */
  #choice: object | null = null;

  constructor() {
    this.#frame.append(
      html(
        'table',
        { role: 'grid' },
        html('caption', { class: 'unseen' }, 'The end of each node’s log, by index'),
        html('thead', {}, this.#head),
        this.#body,
      ),
    );
    this.#body.addEventListener('click', ({ target }) => this.#choose(target as Element));
    this.#body.addEventListener('keydown', (event) => this.#key(event));
  }

  draw(look: Look): void {
    this.#look = look;
    const { state, at } = look;
    const nodes = [...state.nodes.values()];
    const columns = Math.max(6, Math.floor((this.#frame.clientWidth - namePixels) / cellPixels));
    const ends = nodes.map((node) => Math.max(node.levels.last, recentCut(node, at)?.last ?? 0));
    const last = Math.max(columns, ...ends);
    const indexes = Array.from({ length: columns }, (_, nth) => last - columns + 1 + nth);
    this.#tellCuts(nodes, at);
    this.#tellSafe(nodes);
    this.#drawHead(indexes);
    while (this.#body.rows.length > nodes.length) this.#body.deleteRow(-1);
    for (const [nth, node] of nodes.entries()) {
      const row = this.#body.rows[nth] ?? this.#body.insertRow();
      this.#drawRow(row, node, state.leader, indexes, recentCut(node, at));
    }
  }

  /** In words, too: a log that grows has long moved on from where another was cut off. */
  #tellCuts(nodes: readonly NodeSeen[], at: number): void {
    const cuts = nodes.flatMap((node) => {
      const cut = recentCut(node, at);
      return cut === null ? [] : [`node ${node.id} ${cutText(cut)}`];
    });
    setText(this.#cuts, cuts.length === 0 ? '' : `Truncated a moment ago: ${cuts.join('; ')}.`);
  }

  /** Who knows of Raft no more than the word is told what they see. */
  #tellSafe(nodes: readonly NodeSeen[]): void {
    const committed = Math.max(0, ...nodes.map(({ levels }) => levels.commit));
    setText(
      this.#safe,
      committed === 0
        ? 'No entry is committed yet.'
        : `Entries 1 to ${committed} are committed: a majority holds them, so they are safe, whatever fails. What is dashed is not.`,
    );
  }

  #drawHead(indexes: readonly number[]): void {
    const texts = ['node', ...indexes.map((index) => `${index}`)];
    while (this.#head.cells.length > texts.length) this.#head.deleteCell(-1);
    for (const [at, text] of texts.entries()) {
      const cell = this.#head.cells[at] ?? this.#head.appendChild(html('th', { scope: 'col' }));
      const isShown = at === 0 || Number(text) % 5 === 0 || at === texts.length - 1;
      setText(cell, isShown ? text : '');
      setAttributes(cell, { 'aria-label': text });
    }
  }

  #drawRow(
    row: HTMLTableRowElement,
    node: NodeSeen,
    leader: NodeSeen | null,
    indexes: readonly LogIndex[],
    cut: LogCut | null,
  ): void {
    const { id, state, levels } = node;
    const name = row.cells[0] ?? row.appendChild(html('th', { scope: 'row' }));
    const begins = state?.log.begins ?? 1;
    const beginning = begins > 1 ? `, begins at ${begins} after a snapshot` : '';
    const height = state === null ? '' : ` · ${levels.last} long, ${levels.commit} committed${beginning}`;
    const isOutOfSight = levels.last > 0 && levels.last < (indexes[0] ?? 0);
    const leads = leader?.id === id;
    setText(name, `${id}${leads ? ' ♛' : ''}`);
    const label = `Node ${id}${leads ? ', the leader' : ''}${height}`;
    setAttributes(name, { title: label, 'aria-label': label });
    while (row.cells.length > indexes.length + 1) row.deleteCell(-1);
    for (const [at, index] of indexes.entries()) {
      const cell = row.cells[at + 1] ?? row.insertCell();
      const { text, kind, label } =
        isOutOfSight && at === 0 ? endCell(node) : cellAt(index, node, leader, cut);
      setText(cell, text);
      setAttributes(cell, {
        class: `cell ${kind}`,
        title: label,
        'aria-label': label === '' ? `node ${id}, no entry ${index}` : label,
        'data-node': id,
        'data-index': index,
        // One stop for the Tab key; arrow keys go on from there.
        tabindex: at === indexes.length - 1 && row.sectionRowIndex === 0 ? 0 : -1,
      });
    }
  }

  #key(event: KeyboardEvent): void {
    const cell = (event.target as Element).closest('td');
    const row = cell?.closest('tr');
    if (cell === null || cell === undefined || row === null || row === undefined) return;
    if (event.key === 'Enter' || event.key === ' ') this.#choose(cell);
    const moves: Record<string, readonly [number, number]> = {
      ArrowLeft: [0, -1],
      ArrowRight: [0, 1],
      ArrowUp: [-1, 0],
      ArrowDown: [1, 0],
    };
    const move = moves[event.key];
    if (move === undefined && event.key !== ' ') return;
    event.preventDefault();
    const [down, right] = move ?? [0, 0];
    const next = this.#body.rows[row.sectionRowIndex + down]?.cells[cell.cellIndex + right];
    if (next?.tagName === 'TD') next.focus();
  }

  #choose(target: Element): void {
    const cell = target.closest<HTMLElement>('td[data-index]');
    if (cell === null) return;
    const [node, index] = [Number(cell.dataset.node), Number(cell.dataset.index)];
    setText(this.#detail, cell.title);
    const choice = { title: cell.title, term: Number(cell.textContent) };
    this.#choice = choice;
    if (this.#look?.isFile || cell.textContent === '' || cell.classList.contains('behind')) return;
    if (cell.classList.contains('compacted')) return;
    const say = (text: string) => {
      if (this.#choice === choice) setText(this.#detail, `${choice.title}${text}`);
    };
    fetchRecord(node, index).then(
      (record) => {
        // The log may have changed since the moment on show: another entry in its place is not the one that was chosen.
        const isThere = record !== null && (Number.isNaN(choice.term) || record.term === choice.term);
        if (!isThere) return say('. The node has it no longer.');
        const { kind, bytes, text, leaderId } = record;
        say(`: ${kind} by leader ${leaderId}, ${bytes} bytes ${text}`);
      },
      (error: Error) => say(`. ${error.message}`),
    );
  }
}

/** Such as `entries 4–6 of term 2`. */
function cutText({ from, last, runs }: LogCut): string {
  const entries = from === last ? `entry ${from}` : `entries ${from}–${last}`;
  const log = { last, runs };
  const terms = [
    ...new Set([termAt(log, from), ...runs.filter(([first]) => first > from).map(([, term]) => term)]),
  ];
  const known = terms.filter((term) => term !== null);
  if (known.length === 0) return entries;
  return `${entries} of ${known.length === 1 ? `term ${known[0]}` : `terms ${known[0]}–${known.at(-1)}`}`;
}
