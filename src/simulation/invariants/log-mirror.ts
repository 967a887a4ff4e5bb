import type { LogIndex } from '../../raft/entry.js';
import type { Log } from '../../raft/log.js';
import { cutRun, entriesOf, lastIndexOf, type Run } from '../../raft/run.js';
import { chain } from './chain.js';

/**
 * A node's log as it stood at the last look, an item an entry, with the chain number of each. Kept by index, and not
 * as a sequence of runs: what judges the sequence must not be cut by it.
 */
export class LogMirror {
  /** The run that each entry was seen in. */
  readonly #runs: Run[] = [];
  readonly #chains: number[] = [];

  get lastIndex(): LogIndex {
    return this.#runs.length;
  }

  /** The run of the entry at `index`. */
  at(index: LogIndex): Run | undefined {
    return this.#runs[index - 1];
  }

  /** 0 before the log. */
  chainAt(index: LogIndex): number {
    return this.#chains[index - 1] ?? 0;
  }

  /**
   * Looks again. Returns the first index that changed; one past the end when none did. Runs are never changed in place
   * and never put back once they were cut off, so the same memory at an index means the same log before it. Where a run
   * has not as many commands as entries it ends, and is as long as there are commands.
   */
  follow(log: Log): LogIndex {
    let same = Math.min(log.lastIndex, this.lastIndex);
    while (same > 0 && !isSameMemory(log.runAt(same), this.at(same))) same--;
    this.#runs.length = same;
    this.#chains.length = same;
    for (let run = log.runAt(same + 1); run !== null; run = log.runAt(this.lastIndex + 1)) {
      const next = cutRun(run, this.lastIndex + 1, lastIndexOf(run));
      const entries = entriesOf(next);
      for (const entry of entries) {
        this.#chains.push(chain(this.chainAt(this.lastIndex), entry));
        this.#runs.push(run);
      }
      if (entries.length !== next.count) break;
    }
    return same + 1;
  }
}

/** Two runs with one entry at an index: are they the same, or one of them cut from the other? */
function isSameMemory(one: Run | null, other: Run | undefined): boolean {
  if (one === other) return true;
  if (one === null || other === undefined || one.term !== other.term) return false;
  const { body, firstIndex } = one;
  return (
    firstIndex === other.firstIndex &&
    body.buffer === other.body.buffer &&
    body.byteOffset === other.body.byteOffset
  );
}
