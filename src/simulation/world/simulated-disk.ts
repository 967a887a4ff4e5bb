import type { Disk, LogStore } from '../../storage/disk.js';
import { StorageDisk } from '../../storage/disk.js';
import type { Storage, WriteBatch } from '../../storage/storage.js';

/** Where the disk's work takes place in the world. */
export interface DiskSurroundings {
  /** The node may be ended here. False when it has been: nothing more may happen. */
  effect(): boolean;
  /** How long the next sync takes, in milliseconds. */
  syncMs(): number;
  /** Runs `work` in the node after a delay, if it still lives then. */
  after(delayMs: number, work: () => void): void;
  /** Keeps the node from running for so long. */
  block(delayMs: number): void;
}

/** The disk port of a node that goes on while a thread of the kernel syncs: written at once, durable later. */
export class BackgroundDisk implements Disk {
  readonly #storage: Storage;
  readonly #surroundings: DiskSurroundings;

  get store(): LogStore {
    return this.#storage;
  }

  constructor(storage: Storage, surroundings: DiskSurroundings) {
    this.#storage = storage;
    this.#surroundings = surroundings;
  }

  write(batch: WriteBatch, durable: () => void, failed: (error: unknown) => void): void {
    const { effect, syncMs, after } = this.#surroundings;
    if (!effect()) return;
    try {
      this.#storage.write(batch);
    } catch (error) {
      failed(error);
      return;
    }
    if (!effect()) return;
    after(syncMs(), () => {
      try {
        this.#storage.sync();
      } catch (error) {
        failed(error);
        return;
      }
      if (effect()) durable();
    });
  }
}

/** The production disk port: the node waits for the sync, and does nothing else meanwhile. */
export class BlockingDisk implements Disk {
  readonly #disk: StorageDisk;
  readonly #surroundings: DiskSurroundings;

  get store(): LogStore {
    return this.#disk.store;
  }

  constructor(storage: Storage, surroundings: DiskSurroundings) {
    this.#disk = new StorageDisk(storage);
    this.#surroundings = surroundings;
  }

  write(batch: WriteBatch, durable: () => void, failed: (error: unknown) => void): void {
    const { effect, syncMs, block } = this.#surroundings;
    if (!effect()) return;
    this.#disk.write(
      batch,
      () => {
        if (!effect()) return;
        // What leaves in this turn is on its way before the wait instead of after it: to the others it is a
        // sync that took no time, and a node that was slow afterwards.
        block(syncMs());
        durable();
      },
      failed,
    );
  }
}
