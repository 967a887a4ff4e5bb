import { ConclaveError } from '../../ground/errors.js';

const backOffMsMin = 100;
const backOffMsMax = 5000;
/** How often a node is started whose directory is locked: it may have been for a moment, no more. */
const lockedAttemptsMax = 3;
/** How often in a row a node is started whose thread, or whose application, hangs until its time is over. */
const hangingAttemptsMax = 3;
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
  /** The present life was given up while it started. */
  #hangs = false;

  /** The pause before the next start, in milliseconds: doubled with each failure, up to a bound. */
  get backOffMs(): number {
    return Math.min(backOffMsMax, backOffMsMin * 2 ** Math.max(0, this.#failures - 1));
  }

  /** Would another start help after a death of this? Asked before it is noted. */
  helpsAfter(error: Error | null): boolean {
    if (this.#hangs) return this.#failures + 1 < hangingAttemptsMax;
    const code = error instanceof ConclaveError ? error.code : '';
    if (code === 'DIRECTORY_LOCKED') return this.#failures + 1 < lockedAttemptsMax;
    return !refusals.has(code);
  }

  /** The start of the present life takes too long, and is given up. */
  noteHanging(): void {
    this.#hangs = true;
  }

  noteFailure(): void {
    this.#hangs = false;
    this.#failures++;
  }

  forgetFailures(): void {
    this.#failures = 0;
  }
}
