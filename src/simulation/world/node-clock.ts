import type { Clock } from '../../ground/clock.js';
import type { Random } from '../../ground/random.js';
import type { Appointment, VirtualTime } from './virtual-time.js';

/** A thread is not scheduled the moment it could run; up to this it waits, in milliseconds. */
const schedulingMsMax = 0.05;

/** What the conversion between two clocks may lose, in milliseconds. */
const roundingMs = 0.001;

interface Timer {
  readonly callback: () => void;
  /** On this clock. */
  readonly dueMs: number;
  appointment: Appointment;
}

/**
 * The clock of one life of one node: it runs fast or slow, jumps ahead, and can stand still while
 * the node is paused. Like a monotonic clock it never goes back.
 */
export class NodeClock implements Clock {
  readonly #time: VirtualTime;
  readonly #random: Random;
  /** Runs what the clock wakes, when the node can run. */
  readonly #enter: (callback: () => void) => void;
  readonly #timers = new Set<Timer>();
  #rate: number;
  /** This clock showed `#shownMs` at `#sinceMs` of virtual time. */
  #shownMs: number;
  #sinceMs: number;
  #isFrozen = false;
  /** What the turn that runs has taken so far on this clock: virtual time passes only after it. */
  #spentMs = 0;

  constructor(
    time: VirtualTime,
    random: Random,
    { ms, rate }: { readonly ms: number; readonly rate: number },
    enter: (callback: () => void) => void,
  ) {
    this.#time = time;
    this.#random = random;
    this.#enter = enter;
    this.#rate = rate;
    this.#shownMs = ms;
    this.#sinceMs = time.now();
  }

  now(): number {
    return this.#passedMs() + this.#spentMs;
  }

  /** The node works for so long. Whoever runs it has to let as much virtual time pass before it goes on. */
  spend(ms: number): void {
    this.#spentMs += ms;
  }

  /** What was spent since the last call, in virtual milliseconds. */
  takeSpent(): number {
    const spentMs = this.#spentMs;
    this.#spentMs = 0;
    return this.#isFrozen ? 0 : spentMs / this.#rate;
  }

  #passedMs(): number {
    if (this.#isFrozen) return this.#shownMs;
    return this.#shownMs + (this.#time.now() - this.#sinceMs) * this.#rate;
  }

  setTimeout(callback: () => void, delayMs: number): Timer {
    const dueMs = this.now() + delayMs;
    const timer: Timer = { callback, dueMs, appointment: null as unknown as Appointment };
    this.#timers.add(timer);
    this.#arrange(timer);
    return timer;
  }

  clearTimeout(timer: unknown): void {
    if (this.#timers.delete(timer as Timer)) this.#time.cancel((timer as Timer).appointment);
  }

  soon(turn: () => void): void {
    this.#time.after(this.#random.next() * schedulingMsMax, () => this.#enter(turn));
  }

  /** Runs at another pace from now on: 1.01 gains a hundredth. */
  setRate(rate: number): void {
    this.#change(() => {
      this.#rate = rate;
    });
  }

  /** Goes ahead at once. Timers that this makes due fire. */
  jump(aheadMs: number): void {
    this.#change(() => {
      this.#shownMs += aheadMs;
    });
  }

  /** Stands still: a paused virtual machine may wake believing that no time has passed. */
  freeze(): void {
    this.#shownMs = this.#passedMs();
    this.#isFrozen = true;
  }

  goOn(): void {
    if (!this.#isFrozen) return;
    this.#isFrozen = false;
    this.#sinceMs = this.#time.now();
    this.#rearrange();
  }

  /** Forgets all timers. */
  close(): void {
    for (const timer of this.#timers) this.#time.cancel(timer.appointment);
    this.#timers.clear();
  }

  #change(change: () => void): void {
    this.#shownMs = this.#passedMs();
    this.#sinceMs = this.#time.now();
    change();
    this.#rearrange();
  }

  #rearrange(): void {
    for (const timer of this.#timers) {
      this.#time.cancel(timer.appointment);
      this.#arrange(timer);
    }
  }

  #arrange(timer: Timer): void {
    const delayMs = Math.max(0, (timer.dueMs - this.#passedMs()) / this.#rate);
    timer.appointment = this.#time.after(delayMs + this.#random.next() * schedulingMsMax, () => {
      this.#enter(() => {
        // While the node was paused it may have been cleared, or put off by a clock that stood still.
        if (this.now() < timer.dueMs - roundingMs || !this.#timers.delete(timer)) return;
        timer.callback();
      });
    });
  }
}
