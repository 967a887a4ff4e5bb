import { requireBytes } from '../../application/contract.js';
import type { SnapshotMark } from '../../raft/snapshot.js';
import type { SnapshotWriter, StoredSnapshot } from '../../storage/storage.js';
import type { Portion } from './portion.js';

/** Pieces that a turn may pull: an application may give them very small. */
const pullsMax = 4096;

/** A snapshot that is being taken: the application's captured state on its way to the disk. */
export class Taking {
  readonly mark: SnapshotMark;
  /** The node's own, then the application's; what comes after the one that is being read. */
  readonly #sections: Iterator<unknown>[];
  readonly #writer: SnapshotWriter;
  readonly #chunkBytes: () => number;
  /** What is to be written next, until it makes a chunk. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #isPulled = false;

  /**
   * @param sections the pieces of each, the node's own section first
   * @param chunkBytes how long the next chunk is to be
   */
  constructor(
    mark: SnapshotMark,
    sections: readonly Iterator<unknown>[],
    writer: SnapshotWriter,
    chunkBytes: () => number,
  ) {
    this.mark = mark;
    this.#sections = [...sections];
    this.#writer = writer;
    this.#chunkBytes = chunkBytes;
  }

  get isWritten(): boolean {
    return this.#isPulled && this.#heldBytes === 0;
  }

  /** @throws what the application throws; {ApplicationError} when it gives no bytes; storage errors */
  write(portion: Portion): void {
    let chunkBytes = this.#chunkBytes();
    for (let pulls = 0; pulls < pullsMax && !portion.isOver && !this.isWritten; ) {
      if (this.#heldBytes < chunkBytes && !this.#isPulled) {
        this.#pull();
        pulls++;
        continue;
      }
      this.#writeChunk(Math.min(chunkBytes, this.#heldBytes));
      portion.count();
      chunkBytes = this.#chunkBytes();
    }
  }

  commit(): StoredSnapshot {
    return this.#writer.commit();
  }

  abandon(): void {
    this.#writer.abandon();
    for (const section of this.#sections) section.return?.();
  }

  #pull(): void {
    const { done, value } = (this.#sections[0] as Iterator<unknown>).next();
    if (done === true) {
      this.#sections.shift();
      this.#isPulled = this.#sections.length === 0;
      return;
    }
    const piece = requireBytes('snapshot', value);
    this.#held.push(piece);
    this.#heldBytes += piece.length;
  }

  #writeChunk(bytes: number): void {
    const [first] = this.#held;
    const held = this.#held.length === 1 && first !== undefined ? first : Buffer.concat(this.#held);
    this.#writer.write(held.subarray(0, bytes));
    this.#held = bytes < held.length ? [held.subarray(bytes)] : [];
    this.#heldBytes = held.length - bytes;
  }
}
