import type { Clock } from '../../src/ground/clock.js';

/** Time that passes only when a test says so. Timers run in the order they are due, each at its moment. */
export class VirtualClock implements Clock {
  #now = 0;
  #timers: { dueMs: number; callback: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  setTimeout(callback: () => void, delayMs: number): unknown {
    const timer = { dueMs: this.#now + delayMs, callback };
    this.#timers.push(timer);
    return timer;
  }

  clearTimeout(timer: unknown): void {
    this.#timers = this.#timers.filter((each) => each !== timer);
  }

  soon(turn: () => void): void {
    this.setTimeout(turn, 0);
  }

  get timersWaiting(): number {
    return this.#timers.length;
  }

  /** Lets time pass on a busy thread: what is due meanwhile runs late, as soon as time passes again. */
  stall(durationMs: number): void {
    this.#now += durationMs;
  }

  /** Lets time pass. */
  pass(durationMs: number): void {
    const endMs = this.#now + durationMs;
    for (;;) {
      const [next] = this.#timers.filter((timer) => timer.dueMs <= endMs).sort((a, b) => a.dueMs - b.dueMs);
      if (next === undefined) break;
      this.clearTimeout(next);
      this.#now = Math.max(this.#now, next.dueMs);
      next.callback();
    }
    this.#now = Math.max(this.#now, endMs);
  }
}
