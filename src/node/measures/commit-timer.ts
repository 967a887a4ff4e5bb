import type { Clock } from '../../ground/clock.js';
import type { LogIndex } from '../../raft/entry.js';
import type { Replica } from '../../raft/replica.js';

/** Times a leader's entries from its log to their commit, one at a time. */
export class CommitTimer {
  readonly #replica: Replica;
  readonly #clock: Clock;
  #seenIndex: LogIndex;
  readonly #took: (tookMs: number) => void;
  #timed: { readonly index: LogIndex; readonly sinceMs: number } | null = null;

  /** @param took is called with each time that was measured, in milliseconds. */
  constructor(replica: Replica, clock: Clock, took: (tookMs: number) => void) {
    this.#replica = replica;
    this.#clock = clock;
    this.#took = took;
    this.#seenIndex = replica.log.lastIndex;
  }

  /** Looks at the replica: has the timed entry committed, has another come that can be timed from its beginning? */
  look(): void {
    const { id, leaderId, commitIndex, log } = this.#replica;
    const isNew = log.lastIndex > this.#seenIndex;
    this.#seenIndex = log.lastIndex;
    if (leaderId !== id) this.#timed = null;
    else if (this.#timed === null) {
      if (isNew) this.#timed = { index: log.lastIndex, sinceMs: this.#clock.now() };
    } else if (commitIndex >= this.#timed.index) {
      this.#took(this.#clock.now() - this.#timed.sinceMs);
      this.#timed = null;
    }
  }
}
