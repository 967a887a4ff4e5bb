import type { NodeId } from '../../raft/entry.js';
import type { NodeFrame } from '../recording/format.js';
import { fetchRecord } from './commands.js';
import { byId, html, setAttributes, setText } from './elements.js';
import type { Look } from './player.js';

/** How long what was cut off stays in sight, in milliseconds of the recording. */
const truncatedMs = 8_000;
const cellPixels = 27;
const namePixels = 72;

interface Cell {
  readonly text: string;
  readonly kind: string;
  readonly label: string;
}

/** The logs side by side, as in Figure 7 of the paper: an entry is its term, coloured by it. */
export class LogView {
  readonly #frame = byId('log-table');
  readonly #detail = byId('log-detail');
  readonly #cuts = byId('log-cuts');
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
    const { timeline, standing } = look;
    const columns = Math.max(6, Math.floor((this.#frame.clientWidth - namePixels) / cellPixels));
    const ids = timeline.header.nodes.map(({ id }) => id);
    this.#tellCuts(look);
    const last = Math.max(
      columns,
      ...[...standing.nodes.values()].map(lastIndexOf),
      ...this.#truncatedEnds(look),
    );
    const first = last - columns + 1;
    const indexes = Array.from({ length: columns }, (_, at) => first + at);
    this.#drawHead(indexes);
    while (this.#body.rows.length > ids.length) this.#body.deleteRow(-1);
    for (const [at, id] of ids.entries()) {
      const row = this.#body.rows[at] ?? this.#body.insertRow();
      this.#drawRow(row, id, indexes, look);
    }
  }

  /** In words, too: a log that grows has long moved on from where another was cut off. */
  #tellCuts({ timeline, standing }: Look): void {
    const cuts = timeline.header.nodes.flatMap(({ id }) => {
      const truncated = truncatedAt(timeline.nodeFrames(id, standing.at - truncatedMs, standing.at));
      return truncated.size === 0 ? [] : [`node ${id} ${cutText(truncated)}`];
    });
    setText(this.#cuts, cuts.length === 0 ? '' : `Truncated a moment ago: ${cuts.join('; ')}.`);
  }

  #truncatedEnds({ timeline, standing }: Look): number[] {
    return timeline.header.nodes.flatMap(({ id }) => [
      ...truncatedAt(timeline.nodeFrames(id, standing.at - truncatedMs, standing.at)).keys(),
    ]);
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

  #drawRow(row: HTMLTableRowElement, id: NodeId, indexes: readonly number[], look: Look): void {
    const { timeline, standing } = look;
    const frame = standing.nodes.get(id);
    const leaderId = standing.world?.leader?.id;
    const leader = leaderId === undefined ? undefined : standing.nodes.get(leaderId);
    const truncated = truncatedAt(timeline.nodeFrames(id, standing.at - truncatedMs, standing.at));
    const name = row.cells[0] ?? row.appendChild(html('th', { scope: 'row' }));
    const information = frame?.observation.information;
    const height =
      information === undefined
        ? ''
        : ` · ${information.lastLogIndex} long, ${information.commitIndex} committed`;
    const { lastLogIndex: end = 0 } = information ?? {};
    const isOutOfSight = end > 0 && end < (indexes[0] ?? 0);
    setText(name, `${id}${id === leaderId ? ' ♛' : ''}`);
    const label = `Node ${id}${id === leaderId ? ', the leader' : ''}${height}`;
    setAttributes(name, { title: label, 'aria-label': label });
    while (row.cells.length > indexes.length + 1) row.deleteCell(-1);
    for (const [at, index] of indexes.entries()) {
      const cell = row.cells[at + 1] ?? row.insertCell();
      const { text, kind, label } =
        isOutOfSight && at === 0 ? endCell(end, frame) : cellAt(index, frame, leader, truncated);
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

function lastIndexOf({ observation }: NodeFrame): number {
  return observation.information.lastLogIndex;
}

/** What was cut off lately, by index. */
function truncatedAt(frames: readonly NodeFrame[]): Map<number, number> {
  const terms = new Map<number, number>();
  for (const { observation } of frames) {
    for (const { from, terms: cut } of observation.log.truncated) {
      for (const [at, term] of cut.entries()) terms.set(from + at, term);
    }
  }
  return terms;
}

/** The log ends before what is on show. */
function endCell(lastIndex: number, frame: NodeFrame | undefined): Cell {
  const lastTerm = frame?.observation.log.terms.at(-1);
  const term = lastTerm === undefined ? '' : `, term ${lastTerm}`;
  return {
    text: `← ends at ${lastIndex}${term}`,
    kind: 'behind',
    label: `the log ends at entry ${lastIndex}${term}`,
  };
}

/** Such as `entries 4–6 of term 2`. */
function cutText(truncated: ReadonlyMap<number, number>): string {
  const range = (numbers: Iterable<number>) => {
    const [first, ...more] = [...new Set(numbers)].sort((a, b) => a - b);
    return more.length === 0
      ? { text: `${first}`, isOne: true }
      : { text: `${first}–${more.at(-1)}`, isOne: false };
  };
  const [entries, terms] = [range(truncated.keys()), range(truncated.values())];
  return `${entries.isOne ? 'entry' : 'entries'} ${entries.text} of ${terms.isOne ? 'term' : 'terms'} ${terms.text}`;
}

function cellAt(
  index: number,
  frame: NodeFrame | undefined,
  leader: NodeFrame | undefined,
  truncated: ReadonlyMap<number, number>,
): Cell {
  const empty = { text: '', kind: 'none', label: '' };
  if (frame === undefined || index < 1) return empty;
  const { information, log } = frame.observation;
  const term = log.terms[index - log.first];
  const was = truncated.get(index);
  if (term === undefined) {
    if (was !== undefined)
      return { text: `${was}`, kind: 'truncated', label: `entry ${index} of term ${was} was truncated` };
    return index < log.first && index <= information.lastLogIndex
      ? { text: '·', kind: 'earlier', label: `node ${information.id}, entry ${index}, its term was not told` }
      : empty;
  }
  const diverges = index > information.commitIndex && differsFrom(leader, index, term);
  const state =
    index <= information.height
      ? 'applied'
      : index <= information.commitIndex
        ? 'committed'
        : diverges
          ? 'divergent'
          : 'open';
  const replaced = was !== undefined && was !== term ? ` in place of one of term ${was}` : '';
  return {
    text: `${term}`,
    kind: `${state} t${term % 8}${replaced === '' ? '' : ' replaced'}`,
    label: `node ${information.id}, entry ${index}, term ${term}, ${stateTexts[state]}${replaced}`,
  };
}

/** Has the leader another entry there, or none that it may yet tell of? A follower's word may be the fresher one. */
function differsFrom(leader: NodeFrame | undefined, index: number, term: number): boolean {
  if (leader === undefined) return false;
  const { log, information } = leader.observation;
  if (index < log.first) return false;
  const leadersTerm = log.terms[index - log.first];
  return leadersTerm === undefined ? term < information.term : leadersTerm !== term;
}

const stateTexts = {
  applied: 'applied',
  committed: 'committed',
  divergent: 'not committed and not what the leader has',
  open: 'not committed',
} as const;
