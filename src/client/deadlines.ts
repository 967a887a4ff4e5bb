import type { Clock } from '../ground/clock.js';

/** Deadlines that pass so shortly after each other are handled together. */
const sweepGapMsMin = 5;

/**
 * One timer for any number of deadlines. It is set for the earliest; when it fires, `sweep` rejects what is due and
 * says when the next is. Deadlines of what ended in time are not taken out: the sweep finds that nothing is due.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #sweep: (nowMs: number) => number;
  #timer: unknown;
  /** The earliest, until the sweep is over that it causes. */
  #dueMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, sweep: (nowMs: number) => number) {
    this.#clock = clock;
    this.#sweep = sweep;
  }

  add(deadlineMs: number): void {
    if (deadlineMs < this.#dueMs) this.#set(deadlineMs);
  }

  /** May one of them have passed? The timer comes later than that where its thread was busy. */
  mayHavePassed(nowMs: number): boolean {
    return this.#dueMs <= nowMs;
  }

  stop(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#dueMs = Number.NEGATIVE_INFINITY;
  }

  #set(dueMs: number): void {
    this.#clock.clearTimeout(this.#timer);
    this.#dueMs = dueMs;
    this.#timer = this.#clock.setTimeout(
      () => this.#fire(),
      Math.max(sweepGapMsMin, dueMs - this.#clock.now()),
    );
  }

  #fire(): void {
    // If it was this thread that had no time, answers are here already and are heard before the next turn.
    const nowMs = this.#clock.now();
    this.#clock.soon(() => {
      if (this.#dueMs === Number.NEGATIVE_INFINITY) return;
      this.#dueMs = Number.POSITIVE_INFINITY;
      this.add(this.#sweep(nowMs));
    });
  }
}
