import type { ChartGeometry } from '../charts/chart-geometry.js';
import type { WorldFrame } from '../recording/format.js';
import type { ChartSubject, Step, Timeline } from '../recording/timeline.js';
import { ChartDrawing } from './chart-drawing.js';
import { byId, html, setText } from './elements.js';
import { KeyedList } from './keyed-list.js';
import type { Look } from './player.js';

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

  draw({ timeline, standing }: Look): void {
    this.#offerSubjects(timeline, standing.nodes);
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
    const active = activeIn(this.#subject, { timeline, standing } as Look);
    const steps = timeline.stepsUntil(standing.at, this.#subject, stepsShown);
    const last = steps.find(({ isChange }) => isChange) ?? steps[0];
    this.#drawing.light(active, last?.transition.id ?? null);
    setText(this.#active, this.#activeText(active, standing.world));
    this.#drawSteps(steps);
  }

  #activeText(active: readonly string[], world: WorldFrame | null): string {
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
      : `${described[0]}${active.length > 1 ? ` (also ${active.slice(1).join(', ')})` : ''}`;
  }

  #offerSubjects({ header }: Timeline, nodes: Look['standing']['nodes']): void {
    const options: { text: string; subject: ChartSubject }[] = header.nodes.map(({ id }) => ({
      text: `node ${id}`,
      subject: { chart: 'node', node: id },
    }));
    for (const [id, { observation }] of nodes) {
      for (const { peer } of observation.links) {
        options.push({ text: `leader ${id} → follower ${peer}`, subject: { chart: 'peer', node: id, peer } });
      }
    }
    options.push({ text: 'client session', subject: { chart: 'session' } });
    options.push({ text: 'cluster', subject: { chart: 'cluster' } });
    if (!options.some(({ subject }) => isSame(subject, this.#subject))) {
      options.push({ text: `${subjectText(this.#subject)} (over)`, subject: this.#subject });
    }
    const offered = JSON.stringify(options);
    if (offered !== this.#offered) {
      this.#offered = offered;
      this.#subjects.replaceChildren(
        ...options.map(({ text, subject }) => html('option', { value: JSON.stringify(subject) }, text)),
      );
    }
    const value = options.find(({ subject }) => isSame(subject, this.#subject))?.subject;
    const chosen = JSON.stringify(value);
    if (this.#subjects.value !== chosen) this.#subjects.value = chosen;
  }

  #drawSteps(steps: readonly Step[]): void {
    const subject = JSON.stringify(this.#subject);
    this.#list.show(
      steps.map((step, nth) => ({
        key: `${subject} ${keyOf(step, steps[nth + 1])}`,
        create: () => this.#stepItem(step),
        update: (element) => setText(element.querySelector('.cause') ?? element, causeText(step)),
      })),
    );
  }

  #stepItem({ at, transition, isChange }: Step): HTMLElement {
    const { from, to, id } = transition;
    const path = isChange ? `${short(from)} → ${short(to)}` : `${short(to)} again`;
    const button = html(
      'button',
      { type: 'button', title: `${id}. Show this moment.` },
      html('span', { class: 'when' }, seconds(at)),
      html('span', { class: 'path' }, path),
      html('span', { class: 'cause' }),
    );
    button.addEventListener('click', () => this.#show(at));
    return html('li', {}, button);
  }
}

/** What repeats without a change is known by what came before it: its moment moves on. */
function keyOf({ at, transition, isChange }: Step, earlier: Step | undefined): string {
  return isChange ? `${transition.id} ${at}` : `${transition.id} after ${earlier?.at ?? 'the beginning'}`;
}

function causeText({ transition: { cause }, times }: Step): string {
  return times > 1 ? `${cause} (× ${times})` : cause;
}

/** A moment for people. */
export function seconds(at: number): string {
  return `${(at / 1000).toFixed(2)} s`;
}

function activeIn(subject: ChartSubject, { standing }: Look): readonly string[] {
  if (subject.chart === 'cluster' || subject.chart === 'session') {
    return standing.charts.get(subject.chart)?.active ?? [];
  }
  const life = standing.world?.lives.find(({ id }) => id === subject.node)?.life;
  const observation = standing.nodes.get(subject.node)?.observation;
  if (life === 'crashed' || observation === undefined) return [];
  if (subject.chart === 'node') return observation.active;
  return observation.links.filter(({ peer }) => peer === subject.peer).map(({ state }) => state);
}

/** The first of the active states without what every path begins with. */
function short(paths: readonly string[]): string {
  return (paths[0] ?? '').replace(/^alive\./, '');
}

function isSame(a: ChartSubject, b: ChartSubject): boolean {
  return JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());
}

function subjectText(subject: ChartSubject): string {
  if (subject.chart === 'node') return `node ${subject.node}`;
  return subject.chart === 'peer' ? `leader ${subject.node} → follower ${subject.peer}` : subject.chart;
}
