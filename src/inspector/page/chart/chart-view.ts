import type { NodeId } from '../../../raft/entry.js';
import type { ChartGeometry } from '../../charts/chart-geometry.js';
import type { ChartSubject, Move } from '../../recording/chart-moves.js';
import type { ClusterState } from '../../recording/cluster-state.js';
import { byId, html, setAttributes, setText } from '../base/elements.js';
import { KeyedList } from '../base/keyed-list.js';
import { milliseconds } from '../base/words.js';
import type { Look } from '../player/player.js';
import { causeWords } from '../player/step-words.js';
import { ChartDrawing, type Level, levels } from './chart-drawing.js';
import { activeIn, isSameSubject, subjectsOf, subjectText } from './subject.js';

const movesShown = 14;

/** The chart of the chosen subject: what is active, what was taken last, what came before and why. */
export class ChartView {
  readonly #drawing = new ChartDrawing(byId('chart'), byId('description'));
  readonly #subjects = byId<HTMLSelectElement>('subject');
  readonly #active = byId('active-states');
  readonly #list = new KeyedList(byId('transitions'), 'None yet.');
  readonly #show: (nr: number) => void;
  /** Null: that of the node that acts, or live of the leader. */
  #chosen: ChartSubject | null = null;
  #subject: ChartSubject = { chart: 'node', node: 0 };
  #level: Level = 'states';
  #offered = '';

  /** @param redraw is called when another subject was chosen, `show` when a step was. */
  constructor(redraw: () => void, show: (nr: number) => void) {
    this.#show = show;
    this.#subjects.addEventListener('change', () => {
      this.#chosen = JSON.parse(this.#subjects.value) as ChartSubject | null;
      redraw();
    });
    for (const level of levels) {
      byId(`level-${level}`).addEventListener('click', () => {
        this.#level = level;
        redraw();
      });
    }
  }

  /** The node whose chart is on show, or whose thread's. */
  get node(): NodeId | null {
    return 'node' in this.#subject ? this.#subject.node : null;
  }

  /** @param subject null is whoever acts. */
  select(subject: ChartSubject | null): void {
    this.#chosen = subject;
  }

  draw(look: Look): void {
    const { timeline, state, nr } = look;
    this.#subject = this.#chosen ?? { chart: 'node', node: this.#acting(look) };
    setText(byId('statechart-title'), `Statechart of ${subjectText(this.#subject)}`);
    this.#offerSubjects(state);
    for (const level of levels) {
      setAttributes(byId(`level-${level}`), { 'aria-pressed': `${level === this.#level}` });
    }
    // What is shown as a whole needs no zoom.
    setAttributes(byId('zoom'), { hidden: this.#level === 'states' });
    const active = activeIn(this.#subject, state);
    const moves = timeline.moves.until(nr, this.#subject, movesShown);
    this.#drawMoves(timeline, moves);
    const { chart } = this.#subject;
    if (!this.#drawing.isOf(chart, this.#level)) {
      this.#drawing.load(chart, this.#level).catch((error: unknown) => {
        setText(this.#active, `The chart cannot be shown: ${String(error)}`);
      });
      return;
    }
    const last = moves.find(({ isChange }) => isChange) ?? moves[0];
    this.#drawing.light(active, last?.id ?? null);
    setText(this.#active, this.#activeText(active, state));
  }

  /** Who acts in the step on show; live, where nobody can follow each step, who leads. */
  #acting({ timeline, state, nr, mode }: Look): NodeId {
    const step = mode === 'live' ? null : timeline.step(nr);
    const acting = step !== null && 'node' in step ? step.node : null;
    const before = this.node ?? [...state.nodes.keys()][0] ?? 0;
    return acting ?? (mode === 'live' ? (state.leader?.id ?? before) : before);
  }

  #activeText(active: readonly string[], state: ClusterState): string {
    if (active.length === 0 && this.#subject.chart === 'thread') return 'This recording tells nothing of it.';
    if (active.length === 0) {
      const { leader } = state;
      const now =
        leader === null
          ? 'Nobody leads now.'
          : `Node ${leader.id} leads now: click it to see how it came to that.`;
      return `Not active. ${now}`;
    }
    const described = active.map((path) => {
      const text = this.#drawing.describe(path);
      return text === '' ? path : `${path}: ${text}`;
    });
    return described[0] === undefined
      ? ''
      : `Active state ${described[0]}${active.length > 1 ? ` (also ${active.slice(1).join(', ')})` : ''}`;
  }

  #offerSubjects(state: ClusterState): void {
    const offers = subjectsOf(state);
    if (!offers.some(({ subject }) => isSameSubject(subject, this.#subject))) {
      const text = `${subjectText(this.#subject)} (over)`;
      offers.push({ heading: 'No longer there', text, subject: this.#subject });
    }
    const offered = JSON.stringify(offers);
    if (offered !== this.#offered) {
      this.#offered = offered;
      const groups = new Map<string, HTMLOptGroupElement>();
      for (const { heading, text, subject } of offers) {
        const group = groups.get(heading) ?? html('optgroup', { label: heading });
        groups.set(heading, group);
        group.append(html('option', { value: JSON.stringify(subject) }, text));
      }
      this.#subjects.replaceChildren(html('option', { value: 'null' }, 'who acts'), ...groups.values());
    }
    const value = offers.find(({ subject }) => isSameSubject(subject, this.#subject))?.subject;
    const chosen = JSON.stringify(this.#chosen === null ? null : value);
    if (this.#subjects.value !== chosen) this.#subjects.value = chosen;
  }

  #drawMoves(timeline: Look['timeline'], moves: readonly Move[]): void {
    const subject = JSON.stringify(this.#subject);
    const geometry = this.#drawing.whole;
    this.#list.show(
      timeline,
      moves.map((move, nth) => ({
        key: `${subject} ${keyOf(move, moves.slice(nth + 1))}`,
        create: () => this.#moveItem(move),
        update: (element) => updateMove(element, move, geometry),
      })),
    );
  }

  #moveItem({ from, to, id, isChange }: Move): HTMLElement {
    const path = isChange
      ? `${short(otherThan(from, to))} → ${short(otherThan(to, from))}`
      : `${short(to)} again`;
    const button = html(
      'button',
      { type: 'button', title: `${id}. Show this step.` },
      html('span', { class: 'when' }),
      html('span', { class: 'path' }, path),
      html('span', { class: 'cause' }),
    );
    button.addEventListener('click', () => this.#show(Number(button.dataset.nr)));
    return html('li', {}, button);
  }
}

/** The moment of a move that repeats is another one when another moment is on show. */
function updateMove(item: HTMLElement, move: Move, geometry: ChartGeometry | null): void {
  for (const button of item.querySelectorAll('button')) setAttributes(button, { 'data-nr': move.nr });
  for (const when of item.querySelectorAll('.when')) setText(when, milliseconds(move.at));
  for (const cause of item.querySelectorAll('.cause')) setText(cause, causeText(move, geometry));
}

/** What repeats without a change is known by the change that came before it: its moment moves on. */
function keyOf({ nr, id, isChange }: Move, earlier: readonly Move[]): string {
  if (isChange) return `${id} ${nr}`;
  return `${id} after ${earlier.find((move) => move.isChange)?.nr ?? 'the beginning'}`;
}

/** In the words of the machine, where it has some. */
function causeText({ id, cause, times }: Move, geometry: ChartGeometry | null): string {
  const described = geometry?.transitions.find((transition) => transition.id === id)?.description ?? '';
  const isMessage = / from node \d+/.test(cause);
  const told = isMessage ? cause : described === '' ? causeWords(cause) : '';
  const text = [described, told].filter((part) => part !== '').join(': ');
  return times > 1 ? `${text} (× ${times})` : text;
}

/** Of several regions those that moved. */
function otherThan(paths: readonly string[], others: readonly string[]): readonly string[] {
  const moved = paths.filter((path) => !others.includes(path));
  return moved.length === 0 ? paths : moved;
}

/** The first of the active states without what every path begins with. */
function short(paths: readonly string[]): string {
  return (paths[0] ?? '').replace(/^alive\./, '');
}
