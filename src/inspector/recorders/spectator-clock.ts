import type { Clock } from '../../ground/clock.js';

interface Timer {
  readonly callback: () => void;
  readonly dueMs: number;
}

/** A clock beside the world's time: its timers take no place in it and fire when somebody looks. */
export class SpectatorClock implements Clock {
  readonly #now: () => number;
  /** A watched node waits for one bundle at a time. */
  readonly #timers = new Set<Timer>();

  constructor(now: () => number) {
    this.#now = now;
  }

  now(): number {
    return this.#now();
  }

  setTimeout(callback: () => void, delayMs: number): Timer {
    const timer = { callback, dueMs: this.#now() + delayMs };
    this.#timers.add(timer);
    return timer;
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as Timer);
  }

  soon(turn: () => void): void {
    this.setTimeout(turn, 0);
  }

  /** Fires what is due by `untilMs`. */
  fire(untilMs: number): void {
    for (const timer of [...this.#timers]) {
      if (timer.dueMs <= untilMs && this.#timers.delete(timer)) timer.callback();
    }
  }
}
