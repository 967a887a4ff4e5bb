import type uPlot from 'uplot';
import type { NodeId } from '../../raft/entry.js';
import type { MarkFrame } from '../recording/format.js';
import { gatherMarks } from '../recording/link-marks.js';
import { fewSplits, type LoadSeries, valueRange } from '../recording/load-series.js';
import type { Timeline } from '../recording/timeline.js';
import { seconds } from './chart-view.js';
import { byId, html, setAttributes, setText } from './elements.js';
import { KeyedList } from './keyed-list.js';
import type { Look, Player } from './player.js';

/** How much of the past is drawn, in milliseconds. */
const windowMsMax = 120_000;
const windowMsMin = 5_000;
const plotPixels = 116;
const marksListed = 30;
/** So many of them may lie after the moment on show. */
const marksAhead = 4;
/** A recording that is opened is drawn in windows of so many marks: a simulated run may have twenty a second. */
const marksDrawn = 80;
/** Marks that stand closer than this leave the curves free, in CSS pixels. */
const markPixels = 16;

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

/** The last minutes as curves with faults, repairs and elections marked, and the controls to go back in them. */
export class TimeView {
  readonly #player: Player;
  readonly #select: (id: NodeId) => void;
  readonly #frame = byId('plots');
  readonly #scrubber = byId<HTMLInputElement>('scrubber');
  readonly #marks = new KeyedList(byId('marks'), 'Nothing yet.');
  #plots: { plot: uPlot; curve: Curve; now: HTMLElement }[] = [];
  #shownMarks: readonly MarkFrame[] = [];
  #cursorSeconds: number | null = null;
  #drawnMs = 0;

  /** @param select is called with the node that a chosen mark is about. */
  constructor(player: Player, select: (id: NodeId) => void) {
    this.#player = player;
    this.#select = select;
    byId('pause').addEventListener('click', () => this.#togglePause());
    byId('step-back').addEventListener('click', () => player.step(-1));
    byId('step-forward').addEventListener('click', () => player.step(1));
    this.#scrubber.addEventListener('input', () => {
      const isAtEnd = this.#scrubber.value === this.#scrubber.max;
      player.show(isAtEnd ? null : Number(this.#scrubber.value));
    });
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

  #uPlot: typeof uPlot | null = null;

  draw(look: Look): void {
    const { timeline, standing, load, isLive, isFile } = look;
    this.#drawControls(look);
    const marks = gatherMarks(timeline.marks);
    this.#listMarks(marks, standing.at, timeline.firstAt);
    this.#shownMarks = marks;
    this.#cursorSeconds = isLive ? null : standing.at / 1000;
    // Curves change twice a second: drawing them with every message would only cost.
    if (isLive && performance.now() - this.#drawnMs < 400) return;
    this.#drawnMs = performance.now();
    const windowMs = isFile ? windowOf(timeline) : windowMsMax;
    const toMs =
      isFile || !isLive
        ? Math.min(timeline.lastAt, Math.max(standing.at + windowMs / 4, timeline.firstAt + windowMs))
        : timeline.lastAt;
    const series = load.series(Math.max(timeline.firstAt, toMs - windowMs), toMs);
    const range = {
      min: Math.max(timeline.firstAt, toMs - windowMs) / 1000,
      max: Math.max(toMs, timeline.firstAt + Math.min(10_000, windowMs)) / 1000,
    };
    for (const { plot, curve, now } of this.#plots) {
      setText(now, textAt(standing.at, series.seconds, curve.values(series)));
      plot.batch(() => {
        plot.setData([series.seconds, curve.values(series)], false);
        plot.setScale('x', range);
        plot.setScale('y', { ...valueRange(curve.values(series), curve.isStep === true) });
      });
    }
  }

  #drawControls({ timeline, standing, isLive, isFile }: Look): void {
    const { firstAt, lastAt } = timeline;
    setAttributes(this.#scrubber, { min: firstAt, max: lastAt });
    if (document.activeElement !== this.#scrubber || isLive) this.#scrubber.value = `${standing.at}`;
    const text = isLive ? `live, ${seconds(standing.at)}` : `${seconds(standing.at)} of ${seconds(lastAt)}`;
    setText(byId('moment'), isFile ? `recording, ${text}` : text);
    this.#scrubber.setAttribute('aria-valuetext', text);
    setAttributes(byId('pause'), { 'aria-pressed': `${!isLive}`, hidden: isFile });
    setText(byId('pause'), isLive ? 'Pause' : 'Go live');
  }

  #togglePause(): void {
    const look = this.#player.look();
    if (look !== null) this.#player.show(look.isLive ? look.standing.at : null);
  }

  /** The marks up to a moment, and some that come after it. */
  #listMarks(marks: readonly MarkFrame[], at: number, firstAt: number): void {
    const later = marks.findIndex((mark) => mark.at > at);
    const isShort = later < 0 || marks.length <= marksListed;
    const end = isShort ? marks.length : later + marksAhead;
    const near = marks.slice(Math.max(0, end - marksListed), end).reverse();
    this.#marks.show(
      near.map((mark) => ({
        // More links may join a mark of one.
        key: `${mark.at} ${mark.link?.what ?? mark.text}`,
        create: () => this.#markItem(mark),
        update: (item) => {
          for (const what of item.querySelectorAll('.what')) setText(what, mark.text);
          const isRecorded = mark.at >= firstAt;
          for (const button of item.querySelectorAll('button')) {
            setAttributes(button, {
              disabled: !isRecorded,
              title: isRecorded ? 'Show this moment' : 'Before what is recorded here',
            });
          }
        },
      })),
    );
  }

  #markItem(frame: MarkFrame): HTMLElement {
    const { at, mark, node } = frame;
    const button = html(
      'button',
      { type: 'button', class: mark },
      html('span', { class: 'when' }, seconds(at)),
      html('span', { class: 'sign', 'aria-hidden': 'true' }, signs[mark]),
      html('span', { class: 'what' }),
    );
    button.addEventListener('click', () => {
      if (node !== null) this.#select(node);
      this.#player.show(this.#player.look()?.timeline.momentOf(frame) ?? at);
    });
    return html('li', {}, button);
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
              this.#player.show(plot.posToVal(offsetX, 'x') * 1000),
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
function windowOf({ marks, firstAt, lastAt }: Timeline): number {
  const msPerMark = (lastAt - firstAt) / Math.max(1, marks.length);
  return Math.min(windowMsMax, Math.max(windowMsMin, marksDrawn * msPerMark));
}

const signs: Readonly<Record<MarkFrame['mark'], string>> = { fault: '▼', repair: '▲', election: '♛' };

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
