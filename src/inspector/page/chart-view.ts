import type { ChartGeometry } from '../charts/chart-geometry.js';
import type { WorldFrame } from '../recording/format.js';
import type { ChartSubject, Step } from '../recording/timeline.js';
import { ChartDrawing } from './chart-drawing.js';
import { byId, html, setAttributes, setText } from './elements.js';
import { KeyedList } from './keyed-list.js';
import type { Look } from './player.js';
import { activeIn, isSameSubject, subjectsOf, subjectText } from './subject.js';

const stepsShown = 14;

/** The chart of the chosen subject: what is active, what was taken last, what came before and why. */
export class ChartView {
  readonly #drawing = new ChartDrawing(byId('chart'), byId('description'));
  readonly #subjects = byId<HTMLSelectElement>('subject');
  readonly #active = byId('active-states');
  readonly #list = new KeyedList(byId('transitions'), 'None yet.');
  readonly #show: (at: number) => void;
  #subject: ChartSubject = { chart: 'node', node: 0 };
  #geometry: ChartGeometry | null = null;
  #offered = '';

  /** @param redraw is called when another subject was chosen, `show` when a moment was. */
  constructor(redraw: () => void, show: (at: number) => void) {
    this.#show = show;
    this.#subjects.addEventListener('change', () => {
      this.#subject = JSON.parse(this.#subjects.value) as ChartSubject;
      redraw();
    });
  }

  get subject(): ChartSubject {
    return this.#subject;
  }

  select(subject: ChartSubject): void {
    this.#subject = subject;
  }

  draw(look: Look): void {
    const { timeline, standing } = look;
    this.#offerSubjects(look);
    const { chart } = this.#subject;
    if (this.#drawing.machine !== chart) {
      this.#drawing.load(chart).then(
        (geometry) => {
          this.#geometry = geometry;
        },
        (error: unknown) => setText(this.#active, `The chart cannot be shown: ${String(error)}`),
      );
      return;
    }
    const active = activeIn(this.#subject, standing);
    const steps = timeline.stepsUntil(standing.at, this.#subject, stepsShown);
    const last = steps.find(({ isChange }) => isChange) ?? steps[0];
    this.#drawing.light(active, last?.transition.id ?? null);
    setText(this.#active, this.#activeText(active, standing.world));
    this.#drawSteps(steps);
  }

  #activeText(active: readonly string[], world: WorldFrame | null): string {
    if (active.length === 0 && this.#subject.chart === 'thread') return 'This recording tells nothing of it.';
    if (active.length === 0) {
      const { leader = null } = world ?? {};
      const now =
        leader === null
          ? 'Nobody leads now.'
          : `Node ${leader.id} leads now: click it to see how it came to that.`;
      return `Not active. ${now}`;
    }
    const described = active.map((path) => {
      const state = this.#geometry?.states.find((each) => each.path === path);
      return state === undefined || state.description === '' ? path : `${path}: ${state.description}`;
    });
    return described[0] === undefined
      ? ''
      : `Active state ${described[0]}${active.length > 1 ? ` (also ${active.slice(1).join(', ')})` : ''}`;
  }

  #offerSubjects({ timeline, standing }: Look): void {
    const offers = subjectsOf(timeline, standing);
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
      this.#subjects.replaceChildren(...groups.values());
    }
    const value = offers.find(({ subject }) => isSameSubject(subject, this.#subject))?.subject;
    const chosen = JSON.stringify(value);
    if (this.#subjects.value !== chosen) this.#subjects.value = chosen;
  }

  #drawSteps(steps: readonly Step[]): void {
    const subject = JSON.stringify(this.#subject);
    this.#list.show(
      steps.map((step, nth) => ({
        key: `${subject} ${keyOf(step, steps.slice(nth + 1))}`,
        create: () => this.#stepItem(step),
        update: (element) => updateStep(element, step),
      })),
    );
  }

  #stepItem({ transition, isChange }: Step): HTMLElement {
    const { from, to, id } = transition;
    const path = isChange ? `${short(from)} → ${short(to)}` : `${short(to)} again`;
    const button = html(
      'button',
      { type: 'button', title: `${id}. Show this moment.` },
      html('span', { class: 'when' }),
      html('span', { class: 'path' }, path),
      html('span', { class: 'cause' }),
    );
    button.addEventListener('click', () => this.#show(Number(button.dataset.at)));
    return html('li', {}, button);
  }
}

/** The moment of a step that repeats is another one when another moment is on show. */
function updateStep(item: HTMLElement, step: Step): void {
  for (const button of item.querySelectorAll('button')) setAttributes(button, { 'data-at': step.at });
  for (const when of item.querySelectorAll('.when')) setText(when, seconds(step.at));
  for (const cause of item.querySelectorAll('.cause')) setText(cause, causeText(step));
}

/** What repeats without a change is known by the change that came before it: its moment moves on. */
function keyOf({ at, transition, isChange }: Step, earlier: readonly Step[]): string {
  if (isChange) return `${transition.id} ${at}`;
  return `${transition.id} after ${earlier.find((step) => step.isChange)?.at ?? 'the beginning'}`;
}

function causeText({ transition: { cause }, times }: Step): string {
  return times > 1 ? `${cause} (× ${times})` : cause;
}

/** A moment for people. */
export function seconds(at: number): string {
  return `${(at / 1000).toFixed(2)} s`;
}

/** The first of the active states without what every path begins with. */
function short(paths: readonly string[]): string {
  return (paths[0] ?? '').replace(/^alive\./, '');
}
