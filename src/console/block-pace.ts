import type { CommandedCluster } from './commanded-cluster.js';

/** How often the leader proposes a block, and a way to hold it for a moment. */
export class BlockPace {
  readonly #cluster: Pick<CommandedCluster, 'produceBlocks'>;
  #intervalMs: number;
  #pauses = 0;

  /** @param intervalMs what the cluster was started with; 0 is off. */
  constructor(cluster: Pick<CommandedCluster, 'produceBlocks'>, intervalMs: number) {
    this.#cluster = cluster;
    this.#intervalMs = intervalMs;
  }

  get intervalMs(): number {
    return this.#intervalMs;
  }

  set(intervalMs: number): void {
    this.#intervalMs = intervalMs;
    if (this.#pauses === 0) this.#apply();
  }

  /** No block is proposed while `work` runs, so that what is under way arrives and heights come to rest. */
  async paused<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#pauses++ === 0 && this.#intervalMs > 0) this.#cluster.produceBlocks('off');
    try {
      return await work();
    } finally {
      if (--this.#pauses === 0 && this.#intervalMs > 0) this.#apply();
    }
  }

  #apply(): void {
    this.#cluster.produceBlocks(this.#intervalMs === 0 ? 'off' : this.#intervalMs);
  }
}
