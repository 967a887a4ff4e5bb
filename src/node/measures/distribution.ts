/** How values are spread: how many were at most each bound, and how many above all of them. */
export interface Spread {
  /** Ascending; in seconds for durations, as Prometheus has them. */
  readonly bounds: readonly number[];
  /** Of each bound those above the one before; last those above all. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** Seconds, from a fast disk's sync to what makes a leader lose its followers. */
const secondsBounds: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
];

/** Sorts durations into buckets: memory and time of each do not depend on how many there are. */
export class Distribution {
  readonly #counts = Array<number>(secondsBounds.length + 1).fill(0);
  #sum = 0;

  add(tookMs: number): void {
    const seconds = Math.max(0, tookMs) / 1000;
    const at = secondsBounds.findIndex((bound) => seconds <= bound);
    const bucket = at < 0 ? secondsBounds.length : at;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sum += seconds;
  }

  get spread(): Spread {
    return { bounds: secondsBounds, counts: [...this.#counts], sum: this.#sum };
  }
}
