/** Small records are laid into blocks of this size; one larger than half of it gets memory of its own. */
const blockBytes = 64 * 1024;

/**
 * Where recovered entries live, as long as the log does. A million records of one entry each, every one in a buffer of
 * its own, keep the garbage collector busy for longer than all else that recovery does.
 */
export class EntryMemory {
  #block = new Uint8Array(0);
  #used = 0;

  /** A copy, never written again. It may share its buffer with others'. */
  copy(bytes: Uint8Array): Uint8Array {
    if (bytes.length > blockBytes / 2) return new Uint8Array(bytes);
    if (this.#used + bytes.length > this.#block.length) {
      this.#block = new Uint8Array(blockBytes);
      this.#used = 0;
    }
    const copy = this.#block.subarray(this.#used, this.#used + bytes.length);
    copy.set(bytes);
    this.#used += bytes.length;
    return copy;
  }
}
