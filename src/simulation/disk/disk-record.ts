import type { ConfigurationData } from '../../raft/configuration.js';
import type { HardState, LogIndex } from '../../raft/entry.js';
import type { LogBase } from '../../raft/log.js';
import { lastIndexOf } from '../../raft/run.js';
import { RunSequence } from '../../raft/run-sequence.js';
import type { SnapshotMark } from '../../raft/snapshot.js';
import type {
  Recovered,
  SnapshotPortion,
  SnapshotWriter,
  Storage,
  StoredSnapshot,
  WriteBatch,
} from '../../storage/storage.js';
import type { LogSeal } from '../../wire/log-seal.js';
import { cutSealedRun, type SealedRun } from '../../wire/packed-runs.js';

/**
 * What a node's disk surely holds, by an account kept beside the production storage: every batch that was synced,
 * and those handed over since. It is kept through crashes, as the disk is.
 */
export class DiskRecord {
  #hardState: HardState = { term: 0, votedFor: null };
  #runs = new RunSequence<SealedRun>(cutSealedRun);
  #unsynced: WriteBatch[] = [];

  get hardState(): HardState {
    return this.#hardState;
  }

  get lastIndex(): LogIndex {
    return this.#runs.lastIndex;
  }

  /** The run that holds the entry at `index`, or null. */
  at(index: LogIndex): SealedRun | null {
    return this.#runs.at(index);
  }

  write({ hardState, runs }: WriteBatch): void {
    // The sealed bytes as they are now: a node that is asked again seals anew.
    this.#unsynced.push({ hardState, runs: runs.map(asWritten) });
  }

  /** The first entry that the next sync replaces, or null. */
  get replacesFrom(): LogIndex | null {
    let from: LogIndex | null = null;
    for (const { runs } of this.#unsynced) {
      const index = runs[0]?.firstIndex;
      if (index !== undefined && index <= this.lastIndex) from = Math.min(from ?? index, index);
    }
    return from;
  }

  /** Returns the first index that was replaced or added, or null when no entry was. */
  sync(): LogIndex | null {
    let changedFrom: LogIndex | null = null;
    for (const batch of this.#unsynced) {
      this.#take(batch);
      const index = batch.runs[0]?.firstIndex;
      if (index !== undefined) changedFrom = Math.min(changedFrom ?? index, index);
    }
    this.#unsynced = [];
    return changedFrom;
  }

  /**
   * Compares with what a recovery found: all that was synced, and of what was not, whole batches from the first on.
   * Returns what is wrong, or null; the record then goes on from what was found.
   */
  recover(found: Recovered): string | null {
    let wrong = this.#difference(found);
    for (const batch of this.#unsynced) {
      if (wrong === null) break;
      this.#take(batch);
      if (this.#difference(found) === null) wrong = null;
    }
    this.#unsynced = [];
    if (wrong !== null) return wrong;
    this.#hardState = found.hardState;
    this.#runs = sequenceOf(found.runs);
    return null;
  }

  #take({ hardState, runs }: WriteBatch): void {
    if (hardState !== null) this.#hardState = hardState;
    this.#runs.replaceWith(runs);
  }

  #difference({ hardState, runs }: Recovered): string | null {
    const { term, votedFor } = this.#hardState;
    if (hardState.term !== term || hardState.votedFor !== votedFor) {
      return `term ${term} and vote ${votedFor} were synced, and term ${hardState.term} and vote ${hardState.votedFor} came back`;
    }
    const found = sequenceOf(runs);
    if (found.lastIndex !== this.lastIndex) {
      return `${this.lastIndex} entries were synced, and ${found.lastIndex} came back`;
    }
    for (const run of this.#runs) {
      const other = found.at(run.firstIndex);
      if (other !== null && isSame(run, other)) continue;
      return `entries ${run.firstIndex} to ${lastIndexOf(run)} of term ${run.term} were synced, and came back otherwise (term ${other?.term})`;
    }
    return null;
  }
}

function asWritten({ firstIndex, count, term, kind, sealed }: SealedRun): SealedRun {
  return { firstIndex, count, term, kind, sealed };
}

function sequenceOf(runs: readonly SealedRun[]): RunSequence<SealedRun> {
  const sequence = new RunSequence<SealedRun>(cutSealedRun);
  sequence.replaceWith(runs);
  return sequence;
}

function isSame(one: SealedRun, other: SealedRun): boolean {
  if (one.firstIndex !== other.firstIndex || one.count !== other.count) return false;
  return one.term === other.term && Buffer.compare(one.sealed, other.sealed) === 0;
}

/** A storage that tells a record what it does. */
export class RecordedStorage implements Storage {
  readonly #storage: Storage;
  readonly #record: DiskRecord;
  /** Hears of every sync, with the first index it made durable. */
  readonly #synced: (changedFrom: LogIndex | null) => void;

  /** Hears before the record changes that entries are replaced, from which on. */
  readonly #replacing: (from: LogIndex) => void;

  constructor(
    storage: Storage,
    record: DiskRecord,
    synced: (changedFrom: LogIndex | null) => void,
    replacing: (from: LogIndex) => void,
  ) {
    this.#storage = storage;
    this.#record = record;
    this.#synced = synced;
    this.#replacing = replacing;
  }

  recover(seal?: LogSeal | null, birth?: ConfigurationData | null): Recovered {
    return this.#storage.recover(seal, birth);
  }

  write(batch: WriteBatch): void {
    // Before the call: a write that fails, or is cut short, may have done all of its work.
    this.#record.write(batch);
    this.#storage.write(batch);
  }

  sync(): void {
    this.#storage.sync();
    const from = this.#record.replacesFrom;
    if (from !== null) this.#replacing(from);
    this.#synced(this.#record.sync());
  }

  get lastIndex(): LogIndex {
    return this.#storage.lastIndex;
  }

  get firstIndex(): LogIndex {
    return this.#storage.firstIndex;
  }

  get snapshots(): readonly StoredSnapshot[] {
    return this.#storage.snapshots;
  }

  read(from: LogIndex, bytesMax: number): SealedRun[] {
    return this.#storage.read(from, bytesMax);
  }

  beginSnapshot(mark: SnapshotMark): SnapshotWriter {
    return this.#storage.beginSnapshot(mark);
  }

  readSnapshot(mark: SnapshotMark, position: number): SnapshotPortion {
    return this.#storage.readSnapshot(mark, position);
  }

  dropThrough(index: LogIndex): void {
    this.#storage.dropThrough(index);
  }

  restartAt(base: LogBase): void {
    this.#storage.restartAt(base);
  }

  close(): void {
    this.#storage.close();
  }
}
