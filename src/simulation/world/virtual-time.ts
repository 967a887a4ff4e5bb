import { type Due, DueQueue } from '../../router/due-queue.js';

/** Something that will happen at a moment of virtual time, unless it is cancelled before. */
export interface Appointment extends Due {
  run: (() => void) | null;
}

/**
 * The only time there is in a simulated world, in milliseconds from its beginning. It stands still while something
 * happens and jumps to the next appointment afterwards; of two at the same moment the one made first comes first.
 */
export class VirtualTime {
  readonly #queue = new DueQueue<Appointment>();
  #now = 0;
  #order = 0;
  #steps = 0;

  now(): number {
    return this.#now;
  }

  /** How many appointments were kept: a count that all events of a run share, finer than the time. */
  get steps(): number {
    return this.#steps;
  }

  after(delayMs: number, run: () => void): Appointment {
    const appointment = { dueMs: this.#now + delayMs, order: ++this.#order, run };
    this.#queue.push(appointment);
    return appointment;
  }

  cancel(appointment: Appointment): void {
    appointment.run = null;
  }

  /** Keeps the next appointment. False when there is none until `endMs`, which it then is. */
  step(endMs: number): boolean {
    for (;;) {
      const next = this.#queue.peek();
      if (next === undefined || next.dueMs > endMs) {
        this.#now = endMs;
        return false;
      }
      this.#queue.pop();
      const { run } = next;
      if (run === null) continue;
      this.#now = next.dueMs;
      this.#steps++;
      next.run = null;
      run();
      return true;
    }
  }
}
