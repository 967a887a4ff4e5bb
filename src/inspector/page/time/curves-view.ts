import type uPlot from 'uplot';
import type { Told } from '../../recording/chronicle.js';
import { gatherActs } from '../../recording/link-marks.js';
import { fewSplits, type LoadSeries, valueRange } from '../../recording/load-series.js';
import type { Timeline } from '../../recording/timeline.js';
import { byId, html, setText } from '../base/elements.js';
import { signs } from '../elections/happenings-view.js';
import type { Look, Player } from '../player/player.js';

/** How much of the past is drawn, in milliseconds. */
const windowMsMax = 120_000;
const windowMsMin = 5_000;
const plotPixels = 116;
/** A recording that is opened is drawn in windows of so many marks: a simulated run may have twenty a second. */
const marksDrawn = 80;
/** Marks that stand closer than this leave the curves free, in CSS pixels. */
const markPixels = 16;
/** What is marked in the curves, of all that happened. */
const marked: readonly string[] = ['fault', 'repair', 'election'];

interface Curve {
  readonly title: string;
  readonly colour: string;
  readonly values: (series: LoadSeries) => (number | null)[];
  readonly isStep?: true;
  /** Its values are few and far between: each is a point. */
  readonly isSparse?: true;
  readonly unit: string;
}

const curves: readonly Curve[] = [
  {
    title: 'Throughput',
    unit: 'commits/s',
    colour: '--append',
    values: ({ commitsPerSecond }) => commitsPerSecond,
  },
  {
    title: 'Commit latency',
    unit: 'ms',
    colour: '--read',
    values: ({ latencyMs }) => latencyMs,
    isSparse: true,
  },
  { title: 'Term', unit: '', colour: '--vote', values: ({ term }) => term, isStep: true },
];

/** The last minutes as curves, with faults, repairs and elections marked. */
export class CurvesView {
  readonly #player: Player;
  readonly #frame = byId('plots');
  #uPlot: typeof uPlot | null = null;
  #plots: { plot: uPlot; curve: Curve; now: HTMLElement }[] = [];
  #shownMarks: readonly Told[] = [];
  #cursorSeconds: number | null = null;
  #drawnMs = 0;

  constructor(player: Player) {
    this.#player = player;
    addEventListener('resize', () => this.#resize());
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#build());
    // From a name and not a literal: the browser finds the module at the server, not in a package.
    const place: string = '/vendor/uplot.js';
    import(place).then(
      (module: { default: typeof uPlot }) => {
        this.#uPlot = module.default;
        this.#build();
        this.#player.redraw();
      },
      () => setText(this.#frame, 'The curves cannot be drawn: their library did not come. Reload the page.'),
    );
  }

  draw({ timeline, at, mode, isFile }: Look): void {
    const isLive = mode === 'live';
    this.#cursorSeconds = isLive ? null : at / 1000;
    // Curves change twice a second: drawing them with every message would only cost.
    if (mode !== 'paused' && performance.now() - this.#drawnMs < 400) return;
    this.#drawnMs = performance.now();
    this.#shownMarks = gatherActs(timeline.chronicle.told.filter(({ mark }) => marked.includes(mark)));
    const { firstAt, lastAt, load } = timeline;
    const windowMs = isFile ? windowOf(timeline) : windowMsMax;
    const toMs =
      isFile || !isLive ? Math.min(lastAt, Math.max(at + windowMs / 4, firstAt + windowMs)) : lastAt;
    const series = load.series(Math.max(firstAt, toMs - windowMs), toMs);
    const range = {
      min: Math.max(firstAt, toMs - windowMs) / 1000,
      max: Math.max(toMs, firstAt + Math.min(10_000, windowMs)) / 1000,
    };
    for (const { plot, curve, now } of this.#plots) {
      const values = curve.values(series);
      setText(now, textAt(at, series.seconds, values));
      plot.batch(() => {
        plot.setData([series.seconds, values], false);
        plot.setScale('x', range);
        plot.setScale('y', { ...valueRange(values, curve.isStep === true) });
      });
    }
  }

  #build(): void {
    const Plot = this.#uPlot;
    if (Plot === null) return;
    for (const { plot } of this.#plots) plot.destroy();
    this.#frame.replaceChildren();
    this.#plots = curves.map((curve) => {
      const now = html('span', { class: 'now' });
      const unit = html('span', { class: 'quiet' }, curve.unit === '' ? '' : ` ${curve.unit}`);
      const holder = html('figure', {}, html('figcaption', {}, `${curve.title} `, now, unit));
      this.#frame.append(holder);
      return { curve, now, plot: new Plot(this.#options(curve, Plot), [[], []], holder) };
    });
    this.#drawnMs = 0;
  }

  #options(curve: Curve, Plot: typeof uPlot): uPlot.Options {
    const quiet = colour('--quiet');
    const grid = { stroke: colour('--line'), width: 1 };
    const axis = { stroke: quiet, grid, ticks: grid, font: '11px system-ui' };
    const stepped = Plot.paths.stepped?.({ align: 1 });
    return {
      width: this.#width(),
      height: plotPixels,
      legend: { show: false },
      cursor: { sync: { key: 'time' }, y: false, drag: { x: false, y: false } },
      scales: { x: { time: false }, y: { auto: false } },
      axes: [
        { ...axis, size: 26, values: (_plot, splits) => splits.map((at) => `${at} s`) },
        {
          ...axis,
          size: 46,
          splits: ({ scales: { y } }) => fewSplits({ min: y?.min ?? 0, max: y?.max ?? 1 }),
          values: (_plot, splits) => splits.map(shortNumber),
        },
      ],
      series: [
        {},
        {
          stroke: colour(curve.colour),
          width: 2,
          // Where nothing was told the curve ends; where values are rare it does not.
          spanGaps: curve.isSparse === true || curve.isStep === true,
          points: { show: curve.isSparse === true, size: 5, fill: colour(curve.colour) },
          ...(curve.isStep && stepped !== undefined
            ? { paths: stepped }
            : { fill: `${colour(curve.colour)}22` }),
        },
      ],
      hooks: {
        draw: [(plot) => this.#drawMarks(plot)],
        ready: [
          (plot) =>
            plot.over.addEventListener('click', ({ offsetX }) =>
              this.#player.showMoment(plot.posToVal(offsetX, 'x') * 1000),
            ),
        ],
      },
    };
  }

  /** Faults, repairs and elections as lines with a sign, and the moment on show. */
  #drawMarks(plot: uPlot): void {
    const { ctx, bbox } = plot;
    const ratio = devicePixelRatio;
    const { min = 0, max = 0 } = plot.scales.x ?? {};
    const shown = this.#shownMarks.filter(({ at }) => at >= min * 1000 && at <= max * 1000);
    const isDense = shown.length * markPixels * ratio > bbox.width;
    const line = (at: number, strokeStyle: string, sign: string, dash: number[], isShort = false) => {
      const x = plot.valToPos(at, 'x', true);
      if (x < bbox.left || x > bbox.left + bbox.width) return;
      ctx.strokeStyle = ctx.fillStyle = strokeStyle;
      ctx.setLineDash(dash);
      ctx.lineWidth = 1.5 * ratio;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + (isShort ? 12 * ratio : bbox.height));
      ctx.stroke();
      ctx.fillText(sign, x, bbox.top + 9 * ratio);
    };
    ctx.save();
    ctx.font = `${11 * ratio}px system-ui`;
    ctx.textAlign = 'center';
    for (const { at, mark } of shown) {
      const isShort = isDense && mark !== 'election';
      line(at / 1000, colour(`--${mark}`), signs[mark], [4 * ratio, 3 * ratio], isShort);
    }
    if (this.#cursorSeconds !== null) line(this.#cursorSeconds, colour('--ink'), '', []);
    ctx.restore();
  }

  #width(): number {
    return Math.max(200, this.#frame.clientWidth);
  }

  #resize(): void {
    for (const { plot } of this.#plots) plot.setSize({ width: this.#width(), height: plotPixels });
  }
}

/** How much of a recording is drawn at once, in milliseconds. */
function windowOf({ chronicle, firstAt, lastAt }: Timeline): number {
  const marks = chronicle.told.filter(({ mark }) => marked.includes(mark));
  const msPerMark = (lastAt - firstAt) / Math.max(1, marks.length);
  return Math.min(windowMsMax, Math.max(windowMsMin, marksDrawn * msPerMark));
}

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** The latest value at a moment, as short as it can be told. */
function textAt(at: number, times: readonly number[], values: readonly (number | null)[]): string {
  const last = values.findLast((value, nth) => value !== null && (times[nth] ?? 0) * 1000 <= at) ?? null;
  if (last === null) return '–';
  return shortNumber(last >= 10 ? Math.round(last) : Math.round(last * 10) / 10);
}

function shortNumber(value: number): string {
  return value >= 10_000 ? `${value / 1000}k` : `${value}`;
}
