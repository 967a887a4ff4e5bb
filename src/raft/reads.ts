import type { LogIndex } from './entry.js';
import type { Replica } from './replica.js';

/** Reads that were confirmed together: they may be served once the state machine has reached `index`. */
export interface ConfirmedReads<Read> {
  readonly index: LogIndex;
  readonly reads: readonly Read[];
}

interface Batch<Read> {
  round: number;
  index: LogIndex;
  readonly reads: Read[];
}

/**
 * Linearizable reads without a log write (thesis §6.4, ReadIndex): note the commit index, prove by a round of
 * heartbeats *begun afterwards* that no newer leader had been elected by then, wait until that index is applied.
 * All reads that arrive before a round begins share it.
 */
export class ReadIndexQueue<Read> {
  #open: Batch<Read> | null = null;
  readonly #underWay: Batch<Read>[] = [];

  /** How many reads wait for a round. */
  get size(): number {
    let size = this.#open?.reads.length ?? 0;
    for (const batch of this.#underWay) size += batch.reads.length;
    return size;
  }

  /** Is a new round of heartbeats owed? */
  get needsRound(): boolean {
    return this.#open !== null;
  }

  /** Takes a read. Legal only after the leader's no-op has committed: only then is its commit index current. */
  add(replica: Replica, read: Read): void {
    this.#open ??= { round: 0, index: replica.commitIndex, reads: [] };
    this.#open.index = replica.commitIndex;
    this.#open.reads.push(read);
  }

  /** Begins a round: the heartbeats sent from now on carry its number. */
  beginRound(replica: Replica): void {
    replica.round++;
    if (this.#open === null) return;
    this.#open.round = replica.round;
    this.#underWay.push(this.#open);
    this.#open = null;
  }

  /** The batches whose round a quorum has answered, oldest first. */
  takeConfirmed(replica: Replica): ConfirmedReads<Read>[] {
    const { id: self, configuration, progress } = replica;
    const confirmedRound = configuration.reached((voter) =>
      voter === self ? replica.round : (progress.get(voter)?.acknowledgedRound ?? 0),
    );
    const confirmed: ConfirmedReads<Read>[] = [];
    while (this.#underWay[0] !== undefined && this.#underWay[0].round <= confirmedRound) {
      confirmed.push(this.#underWay.shift() as Batch<Read>);
    }
    return confirmed;
  }

  /** Gives up every read: the leader has left office. */
  takeAll(): Read[] {
    const reads = [...this.#underWay, ...(this.#open === null ? [] : [this.#open])].flatMap(
      (batch) => batch.reads,
    );
    this.#underWay.length = 0;
    this.#open = null;
    return reads;
  }
}
