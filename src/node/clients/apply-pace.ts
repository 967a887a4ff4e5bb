import type { Clock } from '../../ground/clock.js';
import type { LogIndex } from '../../raft/entry.js';

/** How long a turn applies at most: what is left waits for the next, so that a long catch-up does not delay heartbeats. */
const turnMsMax = 10;
/** The clock is looked at after 1, 2, 4, … entries of a turn, and then each time after so many. */
const unwatchedEntriesMax = 64;
/** The pace is that of about so many of the latest entries; before any, an entry is taken to last a millisecond. */
const entriesRemembered = 8192;
const msPerEntryGuessed = 1;

/** How fast the state machine applies, and when it has done so for long enough in a turn. */
export class ApplyPace {
  readonly #clock: Pick<Clock, 'now'>;
  #beganMs = 0;
  #beganAfter: LogIndex = 0;
  #lookAt: LogIndex = 0;
  #isOver = false;
  #entries = 1;
  #ms = msPerEntryGuessed;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  get msPerEntry(): number {
    return this.#ms / this.#entries;
  }

  /** Is the turn's time over, as far as was looked? */
  get isOver(): boolean {
    return this.#isOver;
  }

  begin(lastApplied: LogIndex): void {
    this.#beganMs = this.#clock.now();
    this.#beganAfter = lastApplied;
    this.#lookAt = lastApplied + 1;
    this.#isOver = false;
  }

  /** The entry is applied. Returns whether the turn's time is over. */
  applied(index: LogIndex): boolean {
    if (index < this.#lookAt) return false;
    this.#lookAt = index + Math.min(index - this.#beganAfter, unwatchedEntriesMax);
    this.#isOver = this.#clock.now() - this.#beganMs >= turnMsMax;
    return this.#isOver;
  }

  end(lastApplied: LogIndex): void {
    this.#entries += lastApplied - this.#beganAfter;
    this.#ms += this.#clock.now() - this.#beganMs;
    if (this.#entries < entriesRemembered) return;
    this.#entries /= 2;
    this.#ms /= 2;
  }
}
