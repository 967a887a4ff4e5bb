import type { Box, ChartGeometry } from '../../charts/chart-geometry.js';
import { byId, setText } from '../base/elements.js';
import { fetched, geometryOf } from './machine-words.js';

/** How much of a machine is drawn: its outer states; these and why it goes from one to another; or everything. */
export const levels = ['states', 'reasons', 'all'] as const;
export type Level = (typeof levels)[number];

const scaleMin = 0.3;
const scaleMax = 2;
/** Smaller than this nothing can be read: what does not fit is scrolled to. Names alone may be a little smaller. */
const scaleLegible: Readonly<Record<Level, number>> = { states: 0.62, reasons: 0.8, all: 0.8 };
const scaleFitted = 1.6;
/** Left around what is shown of a chart, in its pixels. */
const margin = 8;

/** A chart's SVG, made at build time: lights states, traces a transition, and zooms where it is larger than its frame. */
export class ChartDrawing {
  readonly #frame: HTMLElement;
  readonly #description: HTMLElement;
  #name = '';
  #loading: string | null = null;
  #level: Level = 'states';
  #geometry: ChartGeometry | null = null;
  /** The part that is shown: of its outer states, without the machine's frame. */
  #part: Box = { x: 0, y: 0, width: 1, height: 1 };
  /** Of the machine as a whole, whatever is drawn of it. */
  #whole: ChartGeometry | null = null;
  #drawing: SVGSVGElement | null = null;
  #scale = 1;
  #lit = '';
  #pointed: string | null = null;

  constructor(frame: HTMLElement, description: HTMLElement) {
    this.#frame = frame;
    this.#description = description;
    byId('zoom-in').addEventListener('click', () => this.#zoom(this.#scale * 1.3));
    byId('zoom-out').addEventListener('click', () => this.#zoom(this.#scale / 1.3));
    frame.addEventListener('pointerover', ({ target }) => {
      const state = (target as Element).closest('[data-state]')?.getAttribute('data-state');
      if (state !== null && state !== undefined) this.#point(state);
    });
    frame.addEventListener('keydown', (event) => this.#key(event));
    // Of its outer size: that scroll bars come and go is no reason to change what somebody has chosen.
    new ResizeObserver(() => this.#fit()).observe(frame, { box: 'border-box' });
  }

  /** The whole machine's geometry, with every transition; null while it is loaded. */
  get whole(): ChartGeometry | null {
    return this.#whole;
  }

  /** Is this on show? */
  isOf(machine: string, level: Level): boolean {
    return this.#loading === null && this.#name === nameOf(machine, level);
  }

  /** What a state means, in the machine's own words. */
  describe(path: string): string {
    return this.#whole?.states.find((each) => each.path === path)?.description ?? '';
  }

  /** Shows another chart. Repeated calls for the same one wait for the first. */
  async load(machine: string, level: Level): Promise<void> {
    const name = nameOf(machine, level);
    if (this.#loading === name) return;
    this.#loading = name;
    const [geometry, whole, text] = await Promise.all([
      geometryOf(name),
      geometryOf(machine),
      fetched(`/charts/${name}.svg`).then((response) => response.text()),
    ]);
    if (this.#loading !== name) return;
    const drawing = drawingIn(text);
    this.#geometry = geometry;
    this.#level = level;
    this.#part = level === 'states' ? withoutFrame(geometry) : { x: 0, y: 0, ...geometry };
    this.#whole = whole;
    this.#drawing = drawing;
    this.#lit = '';
    this.#pointed = null;
    const { x, y, width, height } = this.#part;
    drawing.setAttribute('viewBox', `${x} ${y} ${width} ${height}`);
    this.#frame.replaceChildren(drawing);
    this.#name = name;
    this.#loading = null;
    this.#fit();
  }

  /** Lights these states and all around them, traces the transition, and brings both into sight if they changed. */
  light(active: readonly string[], taken: string | null): void {
    const transition = taken === null ? null : (this.#geometry?.covers?.[taken] ?? taken);
    const key = JSON.stringify([active, transition]);
    if (this.#drawing === null || key === this.#lit) return;
    const isFirst = this.#lit === '';
    this.#lit = key;
    const around = new Set(active.flatMap(withAncestors));
    for (const state of this.#drawing.querySelectorAll('[data-state]')) {
      state.classList.toggle('active', around.has(state.getAttribute('data-state') ?? ''));
    }
    for (const edge of this.#drawing.querySelectorAll('[data-transition], [data-label]')) {
      const id = edge.getAttribute('data-transition') ?? edge.getAttribute('data-label');
      edge.classList.toggle('traced', id === transition);
    }
    this.#bringIntoSight(active[0] ?? '', isFirst ? 'instant' : 'smooth');
  }

  /** As large as the frame has room for, and never too small to be read. */
  #fit(): void {
    const { clientWidth, clientHeight } = this.#frame;
    const fitting = Math.min(clientWidth / this.#part.width, clientHeight / this.#part.height);
    this.#zoom(Math.max(scaleLegible[this.#level], Math.min(scaleFitted, fitting)));
  }

  #zoom(scale: number): void {
    const { width, height } = this.#part;
    const before = { x: this.#frame.scrollLeft / this.#scale, y: this.#frame.scrollTop / this.#scale };
    this.#scale = Math.min(scaleMax, Math.max(scaleMin, scale));
    this.#drawing?.setAttribute('width', `${Math.floor(width * this.#scale)}`);
    this.#drawing?.setAttribute('height', `${Math.floor(height * this.#scale)}`);
    this.#frame.scrollTo(before.x * this.#scale, before.y * this.#scale);
  }

  /** Of states that are not drawn, the one around them. */
  #bringIntoSight(path: string, behavior: ScrollBehavior): void {
    const state = withAncestors(path)
      .toReversed()
      .map((each) => this.#geometry?.states.find((known) => known.path === each))
      .find((known) => known !== undefined);
    if (state === undefined) return;
    const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.#frame.scrollTo({
      left: (state.x - this.#part.x + state.width / 2) * this.#scale - this.#frame.clientWidth / 2,
      top: (state.y - this.#part.y + state.height / 2) * this.#scale - this.#frame.clientHeight / 2,
      behavior: calm ? 'instant' : behavior,
    });
  }

  #point(path: string): void {
    const geometry = this.#geometry;
    const state = geometry?.states.find((each) => each.path === path);
    if (geometry === null || state === undefined) return;
    this.#pointed = path;
    const name = path === '' ? geometry.machine : path;
    setText(this.#description, `${name}: ${state.description === '' ? 'no description' : state.description}`);
  }

  /** Goes from state to state in the order of the chart. */
  #key(event: KeyboardEvent): void {
    const states = this.#geometry?.states ?? [];
    const steps: Record<string, number> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    const step = steps[event.key];
    if (step === undefined || states.length === 0) return;
    event.preventDefault();
    const at = states.findIndex(({ path }) => path === this.#pointed);
    const next = states[(at + step + states.length) % states.length];
    if (next === undefined) return;
    this.#point(next.path);
    for (const each of this.#drawing?.querySelectorAll('[data-state]') ?? []) {
      each.classList.toggle('pointed', each.getAttribute('data-state') === next.path);
    }
    this.#bringIntoSight(next.path, 'smooth');
  }
}

/** The outermost states, and the dot from which the first is entered. */
function withoutFrame({ states, initials }: ChartGeometry): Box {
  const outer: Box[] = [
    ...states.filter(({ depth }) => depth === 1),
    ...initials.filter(({ parent }) => parent === '').map(({ dot }) => ({ ...dot, width: 0, height: 0 })),
  ];
  const x = Math.min(...outer.map((box) => box.x)) - margin;
  const y = Math.min(...outer.map((box) => box.y)) - margin;
  const right = Math.max(...outer.map((box) => box.x + box.width)) + margin;
  const bottom = Math.max(...outer.map((box) => box.y + box.height)) + margin;
  return { x, y, width: right - x, height: bottom - y };
}

function nameOf(machine: string, level: Level): string {
  return level === 'all' ? machine : `${machine}-${level}`;
}

/** The drawing, its own style taken out and made a sheet: the page's security policy allows no style elements. */
function drawingIn(text: string): SVGSVGElement {
  const bare = text.replace(/<style>([^<]*)<\/style>/g, (_, style: string) => {
    if (!styles.has(style)) {
      styles.add(style);
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(style.replaceAll('&gt;', '>').replaceAll('&amp;', '&'));
      document.adoptedStyleSheets.push(sheet);
    }
    return '';
  });
  const parsed = new DOMParser().parseFromString(bare, 'image/svg+xml').documentElement;
  return document.importNode(parsed, true) as unknown as SVGSVGElement;
}

const styles = new Set<string>();

function withAncestors(path: string): string[] {
  const keys = path.split('.');
  return keys.map((_, at) => keys.slice(0, at + 1).join('.'));
}
