import type { Entry, LogIndex } from '../../raft/entry.js';
import type { Log } from '../../raft/log.js';
import { chain } from './chain.js';

/** A node's log as it stood at the last look, with the chain number of each entry. */
export class LogMirror {
  #entries: Entry[] = [];
  readonly #chains: number[] = [];

  get lastIndex(): LogIndex {
    return this.#entries.length;
  }

  at(index: LogIndex): Entry | undefined {
    return this.#entries[index - 1];
  }

  /** 0 before the log. */
  chainAt(index: LogIndex): number {
    return this.#chains[index - 1] ?? 0;
  }

  /**
   * Looks again. Returns the first index that changed; one past the end when none did. Entries are never changed in
   * place and never put back once they were cut off, so the same object at an index means the same log before it.
   */
  follow(log: Log): LogIndex {
    let same = Math.min(log.lastIndex, this.#entries.length);
    while (same > 0 && log.at(same) !== this.#entries[same - 1]) same--;
    this.#entries.length = same;
    this.#chains.length = same;
    for (let index = same + 1; index <= log.lastIndex; index++) {
      const entry = log.at(index) as Entry;
      this.#entries.push(entry);
      this.#chains.push(chain(this.chainAt(index - 1), entry));
    }
    return same + 1;
  }
}
