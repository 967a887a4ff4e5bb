import type { Clock } from '../../ground/clock.js';
import type { Recovery } from '../../node/information.js';

/** How often a recovery is told of that lasts. */
const tellEveryMs = 1000;

/** Tells how far a node's recovery has come: about once a second if it lasts, and when it is done. */
export class RecoveryNews {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #tell: (recovery: Recovery) => void;
  #told: Recovery | null = null;
  /** When it was told last, or the node began to listen. */
  #toldMs = 0;

  constructor(clock: Pick<Clock, 'now'>, tell: (recovery: Recovery) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** A life of the node begins to listen. */
  begin(): void {
    this.#told = null;
    this.#toldMs = this.#clock.now();
  }

  /** The node has come so far; null: it is done. */
  hear(recovery: Recovery | null): void {
    if (recovery === null) {
      if (this.#told !== null) this.#tell({ ...this.#told, applied: this.#told.total });
      this.#told = null;
    } else if (this.#clock.now() - this.#toldMs >= tellEveryMs) {
      this.#toldMs = this.#clock.now();
      this.#told = recovery;
      this.#tell(recovery);
    }
  }
}
