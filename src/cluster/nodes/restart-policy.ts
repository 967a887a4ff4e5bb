import { ConclaveError } from '../../ground/errors.js';

const backOffMsMin = 100;
const backOffMsMax = 5000;
/** How often a node is started whose storage refuses: it may have been locked for a moment, no more. */
const storageAttemptsMax = 3;
const storageRefusals: ReadonlySet<string> = new Set([
  'DIRECTORY_LOCKED',
  'LOG_LOST',
  'WRONG_NODE',
  'WRONG_CLUSTER',
  'UNKNOWN_FORMAT',
  'WAL_DAMAGED',
]);

/** Whether and when a node with a disk is started again whose thread died of itself. */
export class RestartPolicy {
  #failures = 0;

  /** The pause before the next start, in milliseconds: doubled with each failure, up to a bound. */
  get backOffMs(): number {
    return Math.min(backOffMsMax, backOffMsMin * 2 ** Math.max(0, this.#failures - 1));
  }

  /** Would another start help after a death of this? Asked before it is noted. */
  helpsAfter(error: Error | null): boolean {
    const isRefused = error instanceof ConclaveError && storageRefusals.has(error.code);
    return !isRefused || this.#failures + 1 < storageAttemptsMax;
  }

  noteFailure(): void {
    this.#failures++;
  }

  forgetFailures(): void {
    this.#failures = 0;
  }
}
