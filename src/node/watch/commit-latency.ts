import type { Clock } from '../../ground/clock.js';
import type { LogIndex } from '../../raft/entry.js';
import type { Replica } from '../../raft/replica.js';
import type { ObservedLatency } from './observation.js';

/** Times a leader's entries from its log to their commit, one at a time. */
export class CommitLatency {
  readonly #replica: Replica;
  readonly #clock: Clock;
  #seenIndex: LogIndex;
  #timed: { readonly index: LogIndex; readonly sinceMs: number } | null = null;
  #samples = 0;
  #sumMs = 0;
  #maxMs = 0;

  constructor(replica: Replica, clock: Clock) {
    this.#replica = replica;
    this.#clock = clock;
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
      this.#count(this.#clock.now() - this.#timed.sinceMs);
      this.#timed = null;
    }
  }

  /** What was measured since the last call. */
  take(): ObservedLatency | null {
    if (this.#samples === 0) return null;
    const latency = { samples: this.#samples, meanMs: this.#sumMs / this.#samples, maxMs: this.#maxMs };
    this.#samples = this.#sumMs = this.#maxMs = 0;
    return latency;
  }

  #count(tookMs: number): void {
    this.#samples++;
    this.#sumMs += tookMs;
    this.#maxMs = Math.max(this.#maxMs, tookMs);
  }
}
