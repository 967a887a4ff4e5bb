import type { Entry, HardState, LogIndex } from '../../raft/entry.js';
import type { Recovered, Storage, WriteBatch } from '../../storage/storage.js';

/**
 * What a node's disk surely holds, by an account kept beside the production storage: every batch that was synced,
 * and those handed over since. It is kept through crashes, as the disk is.
 */
export class DiskRecord {
  #hardState: HardState = { term: 0, votedFor: null };
  #entries: Entry[] = [];
  #unsynced: WriteBatch[] = [];

  get hardState(): HardState {
    return this.#hardState;
  }

  get lastIndex(): LogIndex {
    return this.#entries.length;
  }

  at(index: LogIndex): Entry | undefined {
    return this.#entries[index - 1];
  }

  write(batch: WriteBatch): void {
    this.#unsynced.push(batch);
  }

  /** The first entry that the next sync replaces, or null. */
  get replacesFrom(): LogIndex | null {
    let from: LogIndex | null = null;
    for (const { entries } of this.#unsynced) {
      const first = entries[0];
      if (first !== undefined && first.index <= this.lastIndex)
        from = Math.min(from ?? first.index, first.index);
    }
    return from;
  }

  /** Returns the first index that was replaced or added, or null when no entry was. */
  sync(): LogIndex | null {
    let changedFrom: LogIndex | null = null;
    for (const batch of this.#unsynced) {
      this.#take(batch);
      const first = batch.entries[0];
      if (first !== undefined) changedFrom = Math.min(changedFrom ?? first.index, first.index);
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
    this.#entries = [...found.entries];
    return null;
  }

  #take({ hardState, entries }: WriteBatch): void {
    if (hardState !== null) this.#hardState = hardState;
    const first = entries[0];
    if (first === undefined) return;
    this.#entries.length = first.index - 1;
    for (const entry of entries) this.#entries.push(entry);
  }

  #difference({ hardState, entries }: Recovered): string | null {
    const { term, votedFor } = this.#hardState;
    if (hardState.term !== term || hardState.votedFor !== votedFor) {
      return `term ${term} and vote ${votedFor} were synced, and term ${hardState.term} and vote ${hardState.votedFor} came back`;
    }
    if (entries.length !== this.#entries.length) {
      return `${this.#entries.length} entries were synced, and ${entries.length} came back`;
    }
    for (const [at, entry] of this.#entries.entries()) {
      const other = entries[at] as Entry;
      if (other.term !== entry.term || Buffer.compare(other.bytes, entry.bytes) !== 0) {
        return `entry ${entry.index} of term ${entry.term} was synced, and came back otherwise (term ${other.term})`;
      }
    }
    return null;
  }
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

  recover(): Recovered {
    return this.#storage.recover();
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

  close(): void {
    this.#storage.close();
  }
}
