/** Records share blocks of this size; a larger one has a block of its own. */
const blockBytes = 64 * 1024;

interface Block {
  /** The position of its first record. */
  readonly first: number;
  readonly bytes: Uint8Array;
  /** Where each of its records ends. */
  readonly ends: number[];
}

/** Opaque bytes in the order in which they came, packed tightly: a chain of millions of records is cheap to keep. */
export class RecordChain {
  readonly #blocks: Block[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Appends a copy of a record and returns its position; the first is 0. */
  append(record: Uint8Array): number {
    let block = this.#blocks[this.#blocks.length - 1];
    let start = block === undefined ? 0 : endOf(block);
    if (block === undefined || block.bytes.length - start < record.length) {
      block = {
        first: this.#length,
        bytes: new Uint8Array(Math.max(blockBytes, record.length)),
        ends: [],
      };
      this.#blocks.push(block);
      start = 0;
    }
    block.bytes.set(record, start);
    block.ends.push(start + record.length);
    return this.#length++;
  }

  /** The record at a position as a view that must not be written to, or null past the end. */
  at(position: number): Uint8Array | null {
    if (position < 0 || position >= this.#length) return null;
    const block = this.#blocks[this.#blockOf(position)] as Block;
    const within = position - block.first;
    const start = within === 0 ? 0 : (block.ends[within - 1] as number);
    return block.bytes.subarray(start, block.ends[within]);
  }

  #blockOf(position: number): number {
    let low = 0;
    let high = this.#blocks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#blocks[middle] as Block).first <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function endOf(block: Block): number {
  return block.ends[block.ends.length - 1] ?? 0;
}
