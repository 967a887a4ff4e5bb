import type { ObservedLatency } from './observation.js';

/** The times that entries took to their commit since they were last told. */
export class CommitLatency {
  #samples = 0;
  #sumMs = 0;
  #maxMs = 0;

  count(tookMs: number): void {
    this.#samples++;
    this.#sumMs += tookMs;
    this.#maxMs = Math.max(this.#maxMs, tookMs);
  }

  /** What was measured since the last call. */
  take(): ObservedLatency | null {
    if (this.#samples === 0) return null;
    const latency = { samples: this.#samples, meanMs: this.#sumMs / this.#samples, maxMs: this.#maxMs };
    this.#samples = this.#sumMs = this.#maxMs = 0;
    return latency;
  }
}
