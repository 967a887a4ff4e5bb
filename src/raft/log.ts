import type { Entry, LogIndex, Term } from './entry.js';
import { invariant } from './invariant.js';

/**
 * A server's log in memory: entries 1 … `lastIndex`, terms never falling from one to the next. It remembers how
 * far it has been handed to the disk and how far the disk has answered, because promises wait for that.
 */
export class Log {
  readonly #entries: Entry[];
  #writtenIndex: LogIndex;
  #durableIndex: LogIndex;

  /** @param recovered the entries found on stable storage, durable by definition. */
  constructor(recovered: readonly Entry[] = []) {
    this.#entries = [...recovered];
    this.#writtenIndex = this.#entries.length;
    this.#durableIndex = this.#entries.length;
  }

  get lastIndex(): LogIndex {
    return this.#entries.length;
  }

  get lastTerm(): Term {
    return this.termAt(this.lastIndex) ?? 0;
  }

  /** The last index whose entry was handed to the disk and not replaced since. */
  get writtenIndex(): LogIndex {
    return this.#writtenIndex;
  }

  /** The last index whose entry is on this server's stable storage. */
  get durableIndex(): LogIndex {
    return this.#durableIndex;
  }

  /** The entry's term; 0 for index 0, the place before the log; null where the log has no entry. */
  termAt(index: LogIndex): Term | null {
    if (index === 0) return 0;
    return this.#entries[index - 1]?.term ?? null;
  }

  at(index: LogIndex): Entry | null {
    return this.#entries[index - 1] ?? null;
  }

  /** Appends entries that follow the last one. */
  append(entries: readonly Entry[]): void {
    for (const entry of entries) {
      invariant(
        entry.index === this.lastIndex + 1 && entry.term >= this.lastTerm,
        () =>
          `Entry (index ${entry.index}, term ${entry.term}) cannot follow (index ${this.lastIndex}, term ${this.lastTerm}).`,
      );
      this.#entries.push(entry);
    }
  }

  /** Drops the entry at `index` and all after it, from memory and from what counts as written and durable. */
  truncateFrom(index: LogIndex): void {
    invariant(index >= 1, () => 'The place before the log cannot be truncated.');
    this.#entries.length = Math.min(this.#entries.length, index - 1);
    this.#writtenIndex = Math.min(this.#writtenIndex, index - 1);
    this.#durableIndex = Math.min(this.#durableIndex, index - 1);
  }

  /** Entries from `from` on, as many as fit in `bytesMax` bytes, but at least one if there is one. */
  slice(from: LogIndex, bytesMax: number): Entry[] {
    let bytes = 0;
    let end = from - 1;
    for (; end < this.#entries.length; end++) {
      bytes += (this.#entries[end] as Entry).bytes.length;
      if (bytes > bytesMax && end >= from) break;
    }
    return this.#entries.slice(from - 1, end);
  }

  /** Entries from `from` through `to`, both included, as far as they exist. */
  range(from: LogIndex, to: LogIndex): Entry[] {
    return this.#entries.slice(Math.max(from, 1) - 1, Math.max(to, 0));
  }

  /** The entries that the disk has not been given yet; from now on it has. */
  takeUnwritten(): Entry[] {
    const unwritten = this.#entries.slice(this.#writtenIndex);
    this.#writtenIndex = this.#entries.length;
    return unwritten;
  }

  /** The disk reports that the log through `index` is durable, as it stood when that was handed over. */
  markDurable(index: LogIndex): void {
    invariant(index <= this.#writtenIndex, () => `Index ${index} was reported durable and never written.`);
    this.#durableIndex = Math.max(this.#durableIndex, index);
  }

  /** The first index whose entry has at least this term; one past the end when there is none. */
  firstIndexFromTerm(term: Term): LogIndex {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle] as Entry).term < term) low = middle + 1;
      else high = middle;
    }
    return low + 1;
  }

  /** The last index whose entry has this term, or 0 when no entry has it. */
  lastIndexOfTerm(term: Term): LogIndex {
    const index = this.firstIndexFromTerm(term + 1) - 1;
    return index > 0 && this.termAt(index) === term ? index : 0;
  }
}
