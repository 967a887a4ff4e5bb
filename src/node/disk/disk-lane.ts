import type { HardState, LogIndex } from '../../raft/entry.js';
import type { Replica } from '../../raft/replica.js';
import type { Disk } from '../../storage/disk.js';
import type { RunSeals } from '../../wire/run-seals.js';
import type { NodeCounts } from '../measures/node-counts.js';

/**
 * The node's side of the disk: gathers what a turn changed into one batch and keeps one batch under way. Writes
 * are numbered from 1; a promise names the write that covers it.
 */
export class DiskLane {
  readonly #disk: Disk;
  readonly #replica: Replica;
  readonly #seals: RunSeals;
  readonly #counts: NodeCounts;
  /** What the latest write holds, and what the latest durable one does. */
  #stored: HardState;
  #durable: HardState;
  #begun = 0;
  #finished = 0;
  #lastIndexUnderWay: LogIndex = 0;
  #underWaySinceMs: number | null = null;

  /** @param stored what the disk holds of the replica's term and vote */
  constructor(disk: Disk, replica: Replica, stored: HardState, seals: RunSeals, counts: NodeCounts) {
    this.#disk = disk;
    this.#replica = replica;
    this.#seals = seals;
    this.#counts = counts;
    this.#stored = stored;
    this.#durable = this.#stored;
  }

  /**
   * The last write that is durable; the next one where there is nothing to write. What was promised of that one has lost
   * its object: a snapshot, which is durable, took the place of entries that were not written yet. It would be waited for
   * until something else is written, and all promises behind it as well.
   */
  get durableSequence(): number {
    const isAtRest = this.#underWaySinceMs === null && !this.#isDirty();
    return isAtRest ? this.#begun + 1 : this.#finished;
  }

  /** When the write under way began, or null. */
  get underWaySinceMs(): number | null {
    return this.#underWaySinceMs;
  }

  /** The term and vote that are on stable storage. */
  get durableHardState(): HardState {
    return this.#durable;
  }

  /** The number of the write that covers all of the replica's present state. */
  get coveringSequence(): number {
    return this.#isDirty() ? this.#begun + 1 : this.#begun;
  }

  /**
   * Starts a write if something is to be written and none is under way. `durable` may be called before this
   * returns. A failure is final.
   */
  flush(nowMs: number, durable: (sequence: number) => void, failed: (error: unknown) => void): void {
    if (this.#underWaySinceMs !== null || !this.#isDirty()) return;
    const { currentTerm: term, votedFor, log } = this.#replica;
    const changed = term !== this.#stored.term || votedFor !== this.#stored.votedFor;
    this.#stored = { term, votedFor };
    const runs = log.takeUnwritten().map((run) => this.#seals.sealed(run));
    for (const { count, sealed } of runs) {
      this.#counts.entriesWritten += count;
      this.#counts.bytesWritten += sealed.length;
    }
    const batch = { hardState: changed ? this.#stored : null, runs };
    this.#lastIndexUnderWay = log.lastIndex;
    this.#underWaySinceMs = nowMs;
    const sequence = ++this.#begun;
    this.#disk.write(batch, () => durable(sequence), failed);
  }

  /** The write is durable: so is the log as far as it was written then and has not been replaced since. */
  noteDurable(sequence: number, nowMs: number): void {
    if (this.#underWaySinceMs !== null) this.#counts.writes.add(nowMs - this.#underWaySinceMs);
    this.#finished = sequence;
    this.#durable = this.#stored;
    this.#underWaySinceMs = null;
    this.#replica.log.markDurable(Math.min(this.#lastIndexUnderWay, this.#replica.log.writtenIndex));
  }

  #isDirty(): boolean {
    const { currentTerm, votedFor, log } = this.#replica;
    return (
      log.writtenIndex < log.lastIndex ||
      currentTerm !== this.#stored.term ||
      votedFor !== this.#stored.votedFor
    );
  }
}
