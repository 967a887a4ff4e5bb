import { ConclaveError } from '../../ground/errors.js';

const backOffMsMin = 100;
const backOffMsMax = 5000;
/** How often a node is started whose directory is locked: it may have been for a moment, no more. */
const lockedAttemptsMax = 3;
/** What stays as it is until somebody mends it. */
const refusals: ReadonlySet<string> = new Set([
  'DIRECTORY_UNUSABLE',
  'LOG_LOST',
  'WRONG_NODE',
  'WRONG_CLUSTER',
  'WRONG_KEY',
  'UNKNOWN_FORMAT',
  'UNREADABLE_LOG',
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
    const code = error instanceof ConclaveError ? error.code : '';
    if (code === 'DIRECTORY_LOCKED') return this.#failures + 1 < lockedAttemptsMax;
    return !refusals.has(code);
  }

  noteFailure(): void {
    this.#failures++;
  }

  forgetFailures(): void {
    this.#failures = 0;
  }
}
