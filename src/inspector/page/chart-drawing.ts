import type { ChartGeometry } from '../charts/chart-geometry.js';
import { byId, setText } from './elements.js';

const scaleMin = 0.1;
const scaleMax = 1.6;
/** How large a chart is shown at first, unless it fits as a whole. */
const scaleDefault = 0.72;

/** A chart's SVG, made at build time, within a frame that scrolls: lights states, traces a transition, zooms. */
export class ChartDrawing {
  readonly #frame: HTMLElement;
  readonly #description: HTMLElement;
  #geometry: ChartGeometry | null = null;
  #drawing: SVGSVGElement | null = null;
  #loading: string | null = null;
  #scale = scaleDefault;
  #lit = '';
  #pointed: string | null = null;

  constructor(frame: HTMLElement, description: HTMLElement) {
    this.#frame = frame;
    this.#description = description;
    byId('zoom-in').addEventListener('click', () => this.#zoom(this.#scale * 1.3));
    byId('zoom-out').addEventListener('click', () => this.#zoom(this.#scale / 1.3));
    byId('zoom-fit').addEventListener('click', () => this.#zoom(this.#fitScale()));
    frame.addEventListener('pointerover', ({ target }) => {
      const state = (target as Element).closest('[data-state]')?.getAttribute('data-state');
      if (state !== null && state !== undefined) this.#describe(state);
    });
    frame.addEventListener('keydown', (event) => this.#key(event));
  }

  /** The machine on show; null while another is loaded. */
  get machine(): string | null {
    return this.#loading === null ? (this.#geometry?.machine ?? null) : null;
  }

  /** Shows another machine's chart. Repeated calls for the same one wait for the first. */
  async load(machine: string): Promise<ChartGeometry | null> {
    if (this.#loading === machine) return this.#geometry;
    this.#loading = machine;
    const [geometry, text] = await Promise.all([
      fetched(`/charts/${machine}.json`).then((response) => response.json() as Promise<ChartGeometry>),
      fetched(`/charts/${machine}.svg`).then((response) => response.text()),
    ]);
    if (this.#loading !== machine) return this.#geometry;
    const drawing = drawingIn(text);
    this.#geometry = geometry;
    this.#drawing = drawing;
    this.#lit = '';
    this.#pointed = null;
    this.#frame.replaceChildren(drawing);
    this.#zoom(Math.max(Math.min(1, this.#fitScale()), scaleDefault));
    this.#loading = null;
    return geometry;
  }

  /** Lights these states and all around them, traces the transition, and brings both into sight if they changed. */
  light(active: readonly string[], transition: string | null): void {
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

  #zoom(scale: number): void {
    const { width, height } = this.#geometry ?? { width: 1, height: 1 };
    const before = { x: this.#frame.scrollLeft / this.#scale, y: this.#frame.scrollTop / this.#scale };
    this.#scale = Math.min(scaleMax, Math.max(scaleMin, scale));
    this.#drawing?.setAttribute('width', `${width * this.#scale}`);
    this.#drawing?.setAttribute('height', `${height * this.#scale}`);
    this.#frame.classList.toggle('far', this.#scale < 0.45);
    this.#frame.scrollTo(before.x * this.#scale, before.y * this.#scale);
  }

  #fitScale(): number {
    const { width, height } = this.#geometry ?? { width: 1, height: 1 };
    return Math.min(this.#frame.clientWidth / width, this.#frame.clientHeight / height);
  }

  #bringIntoSight(path: string, behavior: ScrollBehavior): void {
    const state = this.#geometry?.states.find((each) => each.path === path);
    if (state === undefined) return;
    const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.#frame.scrollTo({
      left: (state.x + state.width / 2) * this.#scale - this.#frame.clientWidth / 2,
      top: (state.y + state.height / 2) * this.#scale - this.#frame.clientHeight / 2,
      behavior: calm ? 'instant' : behavior,
    });
  }

  #describe(path: string): void {
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
    this.#describe(next.path);
    for (const each of this.#drawing?.querySelectorAll('[data-state]') ?? []) {
      each.classList.toggle('pointed', each.getAttribute('data-state') === next.path);
    }
    this.#bringIntoSight(next.path, 'smooth');
  }
}

async function fetched(path: string): Promise<Response> {
  const response = await fetch(path);
  if (!response.ok) throw new Error((await response.text()).trim());
  return response;
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
