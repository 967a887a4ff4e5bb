import type { Clock } from '../../ground/clock.js';

/** How long news of a commit waits for an append to ride on. Under load one follows at once; idle, this is the lag. */
const commitNewsMs = 2;

/** Sees to it that followers hear of a commit soon, without a message of its own for each. */
export class CommitNotifier {
  readonly #clock: Clock;
  readonly #tell: () => void;
  #timer: unknown = null;

  constructor(clock: Clock, tell: () => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  owe(): void {
    if (this.#timer !== null) return;
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = null;
      this.#tell();
    }, commitNewsMs);
  }

  /** The leader has left office. */
  cancel(): void {
    if (this.#timer !== null) this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
  }
}
