import type { Clock } from '../../ground/clock.js';

/** What a turn may spend on a snapshot, in milliseconds: a small part of a heartbeat. */
const portionMs = 4;
/** And how many chunks it may read or write at most, each of 256 KiB. */
const chunksMax = 4;

/** The work of one turn on a snapshot, bounded by time and by chunks; there is always time for the first. */
export class Portion {
  readonly #clock: Clock;
  readonly #endMs: number;
  #chunks = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#endMs = clock.now() + portionMs;
  }

  /** A chunk was read or written. */
  count(): void {
    this.#chunks++;
  }

  get isOver(): boolean {
    return this.#chunks >= chunksMax || this.#clock.now() >= this.#endMs;
  }
}
