import type { Storage, WriteBatch } from './storage.js';

/** What a node asks of its storage besides writing its log: done when the call returns. */
export type LogStore = Pick<
  Storage,
  'firstIndex' | 'read' | 'snapshots' | 'beginSnapshot' | 'readSnapshot' | 'dropThrough' | 'restartAt'
>;

/** Makes batches durable, in order. One batch is under way at a time; the node gathers the next meanwhile. */
export interface Disk {
  /** Snapshots, and the log as it is stored. */
  readonly store: LogStore;
  /**
   * Starts writing. Exactly one of the two is called, once, possibly before `write` returns. After `failed` the
   * disk takes no more.
   */
  write(batch: WriteBatch, durable: () => void, failed: (error: unknown) => void): void;
}

/**
 * The disk port over a synchronous storage: written and synced before `write` returns. Nothing else of the node
 * runs meanwhile, so a node whose disk stalls falls silent and is replaced.
 */
export class StorageDisk implements Disk {
  readonly #storage: Storage;

  get store(): LogStore {
    return this.#storage;
  }

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  write(batch: WriteBatch, durable: () => void, failed: (error: unknown) => void): void {
    try {
      this.#storage.write(batch);
      this.#storage.sync();
    } catch (error) {
      failed(error);
      return;
    }
    durable();
  }
}
