import type { Frame, Recording, RecordingHeader, WorldFrame } from '../recording/format.js';
import { LoadGatherer } from '../recording/load-series.js';
import { type Standing, Timeline } from '../recording/timeline.js';

/** The least time between two drawings, in milliseconds. */
const drawEveryMs = 80;

/** One look at the recording: what the views draw. */
export interface Look {
  readonly timeline: Timeline;
  readonly load: LoadGatherer;
  readonly standing: Standing;
  /** The latest of the world, whatever moment is on show: what can be done is done to that. */
  readonly now: WorldFrame | null;
  readonly isLive: boolean;
  /** The recording comes from a file, so nothing can be done to its cluster. */
  readonly isFile: boolean;
}

/** Which moment of which recording is on show. Tells the views when there is something new to draw. */
export class Player {
  readonly #draw: (look: Look) => void;
  readonly #framesCame: (frames: readonly Frame[]) => void;
  #live: Shown | null = null;
  #file: Shown | null = null;
  /** The moment on show, or null for the latest. */
  #at: number | null = null;
  /** Marks up to here were told before the connection was lost, and are told again. */
  #heardUntil = Number.NEGATIVE_INFINITY;
  #isDue = false;
  #drawnAtMs = 0;

  /** @param framesCame hears what happens while it is on show live. */
  constructor(draw: (look: Look) => void, framesCame: (frames: readonly Frame[]) => void) {
    this.#draw = draw;
    this.#framesCame = framesCame;
  }

  /**
   * A run is told. The same run goes on where it was; another takes its place.
   * @returns whether the last one stays on show, as a recording: somebody looks at a moment of it.
   */
  begin(header: RecordingHeader): boolean {
    const last = this.#live;
    if (last?.timeline.header.run === header.run) {
      this.#heardUntil = last.timeline.lastAt;
      return false;
    }
    this.#heardUntil = Number.NEGATIVE_INFINITY;
    this.#live = shown(header, []);
    const isLookedAt = last !== null && this.#file === null && this.#at !== null;
    if (isLookedAt) this.#file = last;
    else if (this.#file === null) this.#at = null;
    this.redraw();
    return isLookedAt;
  }

  add(frames: readonly Frame[]): void {
    const live = this.#live;
    if (live === null) return;
    live.timeline.add(frames.filter(({ kind, at }) => kind !== 'mark' || at > this.#heardUntil));
    live.load.add(frames);
    const { hasForgotten, firstAt } = live.timeline;
    if (hasForgotten) live.load.forgetBefore(firstAt);
    // Who stays at a moment for longer than is kept sees the first one that is.
    if (this.#file === null && this.#at !== null) this.#at = Math.max(this.#at, firstAt);
    if (this.#file === null && this.#at === null) this.#framesCame(frames);
    this.redraw();
  }

  openFile({ header, frames }: Recording): void {
    this.#file = shown(header, frames);
    this.#at = this.#file.timeline.lastAt;
    this.redraw();
  }

  closeFile(): void {
    this.#file = null;
    this.#at = null;
    this.redraw();
  }

  /** Shows a moment and stays there; null goes along with what happens. */
  show(at: number | null): void {
    const look = this.look();
    if (look === null) return;
    const { firstAt, lastAt } = look.timeline;
    this.#at = at === null ? (look.isFile ? lastAt : null) : Math.min(lastAt, Math.max(firstAt, at));
    this.redraw();
  }

  step(direction: 1 | -1): void {
    const look = this.look();
    if (look === null) return;
    const { at } = look.standing;
    this.show(direction > 0 ? look.timeline.momentAfter(at) : look.timeline.momentBefore(at));
  }

  look(): Look | null {
    const shownNow = this.#file ?? this.#live;
    if (shownNow === null) return null;
    const { timeline, load } = shownNow;
    const isLive = this.#at === null;
    const standing = timeline.standingAt(this.#at ?? timeline.lastAt);
    const now = isLive ? standing.world : timeline.standingAt(timeline.lastAt).world;
    return { timeline, load, standing, now, isLive, isFile: this.#file !== null };
  }

  /** Draws soon: at once if nothing was drawn lately. */
  redraw(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    const waitMs = Math.max(0, this.#drawnAtMs + drawEveryMs - performance.now());
    setTimeout(() => {
      this.#isDue = false;
      this.#drawnAtMs = performance.now();
      const look = this.look();
      if (look !== null) this.#draw(look);
    }, waitMs);
  }
}

interface Shown {
  readonly timeline: Timeline;
  readonly load: LoadGatherer;
}

function shown(header: RecordingHeader, frames: readonly Frame[]): Shown {
  const load = new LoadGatherer();
  load.add(frames);
  return { timeline: new Timeline(header, frames), load };
}
