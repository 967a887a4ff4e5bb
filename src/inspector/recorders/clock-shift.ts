/** Bundles that are looked back on: clocks drift apart, and what was measured long ago says nothing any more. */
const samplesMax = 64;

/**
 * What makes the times of a node's clock those of its listener: what is told takes its time, so the least that it ever
 * took is the nearest to the truth.
 */
export class ClockShift {
  #samples: number[] = [];

  /** @param toldAt when it was told, on the teller's clock, and `heardAt` when it was heard, on the listener's. */
  from(toldAt: number, heardAt: number): number {
    this.#samples.push(heardAt - toldAt);
    if (this.#samples.length > samplesMax) this.#samples.shift();
    return Math.min(...this.#samples);
  }
}
