import type { ClusterState } from '../../recording/cluster-state.js';
import type { Recording, RecordingHeader, Step } from '../../recording/format.js';
import { Timeline } from '../../recording/timeline.js';

/** The least time between two drawings of everything, in milliseconds. */
const drawEveryMs = 80;
/** What moves is moved thirty times a second: the page may run beside the cluster that it shows. */
const moveEveryMs = 33;
/** Time goes on by itself for so long after the last step, in milliseconds: more is no longer known. */
const ahead = 400;

/** One look at the recording: what the views draw. */
export interface Look {
  readonly timeline: Timeline;
  /** How everything stands after the step on show. */
  readonly state: ClusterState;
  /** The step that is on show, and the moment, which may be some time after it. */
  readonly nr: number;
  readonly at: number;
  /** How everything stands at last, whatever is on show: what can be done is done to that. */
  readonly head: ClusterState;
  readonly mode: Mode;
  /** Milliseconds of the recording that pass in one of ours. */
  readonly speed: number;
  /** The recording comes from a file, so nothing can be done to its cluster. */
  readonly isFile: boolean;
}

/** `live` goes along with what happens; `playing` goes its own pace; `paused` stays at one step. */
export type Mode = 'live' | 'playing' | 'paused';

/** Who draws. */
export interface PlayerHost {
  /** There is something new to draw. */
  draw(look: Look): void;
  /** Time has passed: what moves is elsewhere. */
  move(look: Look): void;
}

/** Which step of which recording is on show, and how time passes there. */
export class Player {
  readonly #host: PlayerHost;
  #live: Timeline | null = null;
  #file: Timeline | null = null;
  #mode: Mode = 'live';
  #speed = 1;
  #nr = 0;
  #at = 0;
  /** When the last steps came, and when the playhead was last moved, on the page's clock. */
  #cameMs = 0;
  #movedMs = 0;
  /** Something was done in slow motion: what comes of it is waited for, and played from there. */
  #awaitsEffect = false;
  #isDrawDue = false;
  #drawnMs = 0;
  #isMoving = false;

  constructor(host: PlayerHost) {
    this.#host = host;
  }

  /**
   * A run is told. The same run goes on where it was; another takes its place.
   * @returns whether the last one stays on show, as a recording: somebody looks at a moment of it.
   */
  begin(header: RecordingHeader): boolean {
    const last = this.#live;
    if (last?.header.run === header.run) {
      last.goOn(header.before ?? []);
      return false;
    }
    this.#live = new Timeline(header);
    const isLookedAt = last !== null && this.#file === null && this.#mode !== 'live';
    if (isLookedAt) this.#file = last;
    else if (this.#file === null) this.#goLive();
    this.redraw();
    return isLookedAt;
  }

  add(steps: readonly Step[]): void {
    const live = this.#live;
    if (live === null || steps.length === 0) return;
    const from = live.lastNr;
    live.add(steps);
    if (this.#file !== null) return;
    this.#cameMs = performance.now();
    const effect = this.#awaitsEffect ? effectAfter(live, from) : null;
    if (effect !== null) this.#play(effect);
    // Who stays at a step for longer than is kept sees the first one that is.
    if (this.#mode !== 'live') this.#nr = Math.max(this.#nr, live.firstNr);
    this.redraw();
  }

  openFile(recording: Recording): void {
    this.#file = new Timeline(recording.header, recording.steps);
    this.#awaitsEffect = false;
    this.showStep(this.#file.openingNr);
  }

  closeFile(): void {
    this.#file = null;
    this.goLive();
  }

  /** Shows a step and stays there. */
  showStep(nr: number): void {
    const { shown } = this;
    if (shown === null) return;
    this.#mode = 'paused';
    this.#awaitsEffect = false;
    this.#nr = Math.min(shown.lastNr, Math.max(shown.firstNr, nr));
    this.#at = shown.step(this.#nr)?.at ?? 0;
    this.redraw();
  }

  /** Shows a moment and stays there. */
  showMoment(at: number): void {
    const { shown } = this;
    if (shown === null) return;
    this.showStep(shown.nrAt(at));
    this.#at = Math.min(shown.lastAt, Math.max(shown.firstAt, at));
  }

  /** One step on or back. */
  step(direction: 1 | -1): void {
    const look = this.look();
    if (look !== null) this.showStep(look.nr + direction);
  }

  /** To the next thing that happened, or the one before, as far as it is one of these. */
  jump(direction: 1 | -1, isWanted: (mark: string) => boolean): void {
    const look = this.look();
    if (look === null) return;
    const places = look.timeline.chronicle.told.filter(({ mark }) => isWanted(mark)).map(({ nr }) => nr);
    const nr =
      direction > 0 ? places.find((each) => each > look.nr) : places.findLast((each) => each < look.nr);
    if (nr !== undefined) this.showStep(nr);
  }

  /** Goes along with what happens; a recording goes to its end. */
  goLive(): void {
    if (this.#file !== null) {
      this.showStep(this.#file.lastNr);
      return;
    }
    this.#goLive();
    this.redraw();
  }

  #goLive(): void {
    this.#mode = 'live';
    this.#speed = 1;
    this.#awaitsEffect = false;
  }

  togglePlay(): void {
    const look = this.look();
    if (look === null) return;
    const { mode, nr, timeline, isFile } = look;
    const isAtEnd = isFile && nr >= timeline.lastNr;
    if (mode === 'paused') this.#play(isAtEnd ? timeline.openingNr : nr);
    else this.showStep(nr);
  }

  /** Who slows down what happens now sees it later from then on. */
  setSpeed(speed: number): void {
    const look = this.look();
    this.#speed = speed;
    if (look !== null && look.mode === 'live' && speed !== 1) this.#play(look.nr);
    else this.redraw();
  }

  /** Something is done to the cluster now: that is shown, as slowly as all else. */
  act(): void {
    if (this.#file !== null) return;
    const speed = this.#speed;
    this.#goLive();
    this.#speed = speed;
    this.#awaitsEffect = speed !== 1;
    this.redraw();
  }

  /** The timeline on show. */
  get shown(): Timeline | null {
    return this.#file ?? this.#live;
  }

  look(): Look | null {
    const timeline = this.shown;
    if (timeline === null) return null;
    const isFile = this.#file !== null;
    const head = timeline.stateAfter(timeline.lastNr);
    if (this.#mode === 'live') {
      const at = timeline.lastAt + Math.min(ahead, performance.now() - this.#cameMs);
      return {
        timeline,
        state: head,
        nr: timeline.lastNr,
        at,
        head,
        mode: 'live',
        speed: this.#speed,
        isFile,
      };
    }
    const state = timeline.stateAfter(this.#nr);
    return {
      timeline,
      state,
      nr: this.#nr,
      at: this.#at,
      head,
      mode: this.#mode,
      speed: this.#speed,
      isFile,
    };
  }

  /** Draws soon: at once if nothing was drawn lately. */
  redraw(): void {
    this.#keepMoving();
    if (this.#isDrawDue) return;
    this.#isDrawDue = true;
    const waitMs = Math.max(0, this.#drawnMs + drawEveryMs - performance.now());
    setTimeout(() => {
      this.#isDrawDue = false;
      this.#drawnMs = performance.now();
      const look = this.look();
      if (look !== null) this.#host.draw(look);
    }, waitMs);
  }

  #play(nr: number): void {
    const { shown } = this;
    if (shown === null) return;
    this.#mode = 'playing';
    this.#awaitsEffect = false;
    const place = Math.max(nr, shown.firstNr);
    const stepAt = shown.step(place)?.at ?? 0;
    // From a moment after its step time goes on from there.
    this.#at = place === this.#nr ? Math.max(stepAt, this.#at) : stepAt;
    this.#nr = place;
    this.#movedMs = performance.now();
    this.redraw();
  }

  #keepMoving(): void {
    if (this.#isMoving || this.#mode === 'paused') return;
    this.#isMoving = true;
    requestAnimationFrame(() => this.#frame());
  }

  #frame(): void {
    const now = performance.now();
    // A display's frames come a little early or late.
    if (now - this.#movedMs >= moveEveryMs - 5) {
      if (this.#mode === 'playing') this.#advance(now - this.#movedMs);
      this.#movedMs = now;
      const look = this.look();
      if (look !== null && look.mode !== 'paused') this.#host.move(look);
    }
    this.#isMoving = false;
    this.#keepMoving();
  }

  #advance(passedMs: number): void {
    const { shown } = this;
    if (shown === null) return;
    this.#at = Math.min(shown.lastAt, this.#at + passedMs * this.#speed);
    const nr = Math.max(this.#nr, shown.nrAt(this.#at));
    const hasEnded = nr >= shown.lastNr;
    if (nr !== this.#nr) this.redraw();
    this.#nr = nr;
    if (!hasEnded) return;
    if (this.#file !== null) this.showStep(nr);
    else if (this.#speed === 1) this.goLive();
  }
}

/** The step before which something was done to the cluster after another step, as far as that has come. */
function effectAfter(timeline: Timeline, nr: number): number | null {
  for (let at = nr + 1; at <= timeline.lastNr; at++) {
    const step = timeline.step(at);
    if (step !== null && 'told' in step && step.told !== undefined) return at;
  }
  return null;
}
