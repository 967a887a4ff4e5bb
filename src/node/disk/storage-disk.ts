import type { Storage, WriteBatch } from '../../storage/storage.js';
import type { Disk } from '../ports.js';

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
