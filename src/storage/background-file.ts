import { close, closeSync, fdatasync, rmSync, write } from 'node:fs';
import type { FileHandle, FileInPreparation } from './file-system.js';

/**
 * Written and synced before the next. One large sync takes less time in all, but the device serves it whole, and the
 * log's own syncs would wait behind it for as long as what this is to spare them.
 */
const chunk = new Uint8Array(256 * 1024);

/**
 * A file that the operating system fills while this thread goes on. It is known by its descriptor alone: when it is
 * given up its name goes at once, too, and a write still under way meets a file that nobody can find any more. A thread
 * that is killed leaves the name behind, and never makes one later.
 */
export class BackgroundFile implements FileInPreparation {
  readonly #path: string;
  readonly #length: number;
  readonly #descriptor: number;
  readonly #handle: () => FileHandle;
  #state: 'filling' | 'ready' | 'gone' = 'filling';

  /**
   * @param descriptor of the file, which is new; its own from now on
   * @param handle wraps it for whoever takes the file
   */
  constructor(path: string, length: number, descriptor: number, handle: () => FileHandle) {
    this.#path = path;
    this.#length = length;
    this.#handle = handle;
    this.#descriptor = descriptor;
    this.#fill(0);
  }

  take(): FileHandle | null {
    if (this.#state !== 'ready') return null;
    this.#state = 'gone';
    return this.#handle();
  }

  abandon(): void {
    if (this.#state === 'gone') return;
    // While it is being filled, whoever hears of the write under way closes it.
    if (this.#state === 'ready') closeSync(this.#descriptor);
    this.#state = 'gone';
    this.#removeName();
  }

  #fill(position: number): void {
    if (position >= this.#length) {
      this.#state = 'ready';
      return;
    }
    const bytes = Math.min(chunk.length, this.#length - position);
    write(this.#descriptor, chunk, 0, bytes, position, (error, written) => {
      const stuck = written === 0 ? new Error(`${this.#path} takes no more bytes`) : null;
      this.#goOn(error ?? stuck, () => this.#sync(position + written));
    });
  }

  #sync(position: number): void {
    fdatasync(this.#descriptor, (error) => this.#goOn(error, () => this.#fill(position)));
  }

  /** A failure says nothing here: whoever needs the file meets it again, and hears of it. */
  #goOn(error: Error | null, next: () => void): void {
    if (error === null && this.#state === 'filling') {
      next();
      return;
    }
    if (this.#state === 'filling') this.#removeName();
    this.#state = 'gone';
    close(this.#descriptor, () => {});
  }

  #removeName(): void {
    try {
      rmSync(this.#path, { force: true });
    } catch {
      // The next recovery removes it.
    }
  }
}
