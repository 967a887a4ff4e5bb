import type { Disk, LogStore } from '../../src/storage/disk.js';
import { MemoryStorage } from '../../src/storage/memory-storage.js';
import type { WriteBatch } from '../../src/storage/storage.js';

/** A disk that answers at once, or when the test says so. */
export class ScriptedDisk implements Disk {
  /** What it holds besides: nothing that is written comes here by itself. */
  readonly store: LogStore;
  readonly batches: WriteBatch[] = [];
  /** Set to keep writes under way until `complete`. */
  isSlow = false;
  #underWay: { durable: () => void; failed: (error: unknown) => void } | null = null;

  constructor() {
    const storage = new MemoryStorage();
    storage.recover();
    this.store = storage;
  }

  write(batch: WriteBatch, durable: () => void, failed: (error: unknown) => void): void {
    if (this.#underWay !== null) throw new Error('Two batches are under way at a time.');
    // As a disk does, it asks now for what is sealed.
    const runs = batch.runs.map(({ firstIndex, count, term, kind, sealed }) => {
      return { firstIndex, count, term, kind, sealed };
    });
    this.batches.push({ hardState: batch.hardState, runs });
    if (!this.isSlow) durable();
    else this.#underWay = { durable, failed };
  }

  get isBusy(): boolean {
    return this.#underWay !== null;
  }

  complete(): void {
    this.#take().durable();
  }

  fail(error: unknown): void {
    this.#take().failed(error);
  }

  #take() {
    const underWay = this.#underWay;
    if (underWay === null) throw new Error('No batch is under way.');
    this.#underWay = null;
    return underWay;
  }
}
