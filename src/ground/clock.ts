/** Time in milliseconds from an arbitrary start, never going back, and timers on the same scale. */
export interface Clock {
  now(): number;
  setTimeout(callback: () => void, delayMs: number): unknown;
  clearTimeout(timer: unknown): void;
  /** Runs `turn` soon, after what has already arrived has been delivered: how a mailbox fills before it is drained. */
  soon(turn: () => void): void;
}

/**
 * A refusal that is heard in a turn to come. One who is refused and asks again at once, for ever, would otherwise keep
 * the loop from all others, those who could make room among them.
 */
export function refusedLater(clock: Pick<Clock, 'soon'>, reason: unknown): Promise<never> {
  return new Promise((_, reject) => clock.soon(() => reject(reason)));
}

/**
 * Real time, for nodes and routers that run on threads. The one place in the project that touches it: everything
 * else is handed a clock.
 *
 * Timers are Node's: one may be late by a millisecond or two, and by more on a busy thread.
 */
export class SystemClock implements Clock {
  now(): number {
    return performance.now();
  }

  /** Node cuts delays to whole milliseconds; rounding up instead keeps a timer from firing before its moment. */
  setTimeout(callback: () => void, delayMs: number): NodeJS.Timeout {
    return setTimeout(callback, Math.ceil(delayMs));
  }

  clearTimeout(timer: unknown): void {
    clearTimeout(timer as NodeJS.Timeout | undefined);
  }

  soon(turn: () => void): void {
    setImmediate(turn);
  }
}
