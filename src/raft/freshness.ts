import type { LogIndex } from './entry.js';
import type { Replica } from './replica.js';

/**
 * How old a node's state is: how long ago it was last all that its leader said was committed. A leader says so of itself
 * as far as a quorum has answered it, for another may lead without its knowing.
 */
export class Freshness {
  readonly #replica: Replica;
  #currentAtMs = Number.NEGATIVE_INFINITY;
  /** What was said to be committed, and when, and was not seen to be applied yet: the oldest such news. */
  #awaited: { readonly index: LogIndex; readonly saidAtMs: number } | null = null;

  constructor(replica: Replica) {
    this.#replica = replica;
  }

  /** A leader says how much is committed. */
  heard(leaderCommit: LogIndex, nowMs: number): void {
    this.#look();
    this.#awaited ??= { index: leaderCommit, saidAtMs: nowMs };
  }

  /** How old the state is, in milliseconds; null when that is not known. */
  ageMs(nowMs: number): number | null {
    const { id, configuration, leaderId, progress, commitIndex, termStartIndex } = this.#replica;
    if (leaderId === id && commitIndex >= termStartIndex) {
      const answeredAtMs = configuration.reached((voter) =>
        voter === id ? nowMs : (progress.get(voter)?.answeredAtMs ?? Number.NEGATIVE_INFINITY),
      );
      this.heard(commitIndex, answeredAtMs);
    }
    this.#look();
    return Number.isFinite(this.#currentAtMs) ? Math.max(0, nowMs - this.#currentAtMs) : null;
  }

  #look(): void {
    if (this.#awaited === null || this.#replica.lastApplied < this.#awaited.index) return;
    this.#currentAtMs = Math.max(this.#currentAtMs, this.#awaited.saidAtMs);
    this.#awaited = null;
  }
}
