import type { Storage, WriteBatch } from './storage.js';

/** Makes batches durable, in order. One batch is under way at a time; the node gathers the next meanwhile. */
export interface Disk {
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
