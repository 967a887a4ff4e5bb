import type { LogIndex } from '../../raft/entry.js';
import type { Log } from '../../raft/log.js';
import { cutRun, entriesOf, lastIndexOf, type Run } from '../../raft/run.js';
import { chain } from './chain.js';

/**
 * A node's log as it stood at the last look, an item an entry, with the chain number of each. Kept by index, and not
 * as a sequence of runs: what judges the sequence must not be cut by it. What the log has given up since is remembered;
 * of what it never had, because it began after a snapshot, nothing is known but the chain number of the last entry.
 */
export class LogMirror {
  /** The run that each entry was seen in. */
  readonly #runs: (Run | undefined)[] = [];
  readonly #chains: number[] = [];
  #baseIndex: LogIndex = 0;

  /** What the log followed at the last look. */
  get baseIndex(): LogIndex {
    return this.#baseIndex;
  }

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
   * @param committed the chain number of the committed log up to an index, which a snapshot that ends there stands for
   */
  follow(log: Log, committed: (index: LogIndex) => number): LogIndex {
    if (log.baseIndex !== this.#baseIndex) this.#moveBase(log, committed(log.baseIndex));
    let same = Math.min(log.lastIndex, this.lastIndex);
    while (same > this.#baseIndex && !isSameMemory(log.runAt(same), this.at(same))) same--;
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

  /** The log begins later: it gave up its beginning, or a snapshot took its place, whose log may be another. */
  #moveBase(log: Log, committed: number): void {
    const base = log.baseIndex;
    this.#baseIndex = base;
    if (this.lastIndex < base || this.chainAt(base) !== committed) {
      this.#runs.length = 0;
      this.#runs.length = base;
      while (this.#chains.length < base) this.#chains.push(0);
      this.#chains.length = base;
      this.#chains[base - 1] = committed;
      return;
    }
    // What is left of a run that was cut at its beginning is the same run.
    const old = this.at(base + 1);
    const left = log.runAt(base + 1);
    if (old === undefined || left === null || old.firstIndex > base) return;
    if (!isSameMemory(left, cutRun(old, base + 1, lastIndexOf(old)))) return;
    for (let index = base + 1; this.at(index) === old; index++) this.#runs[index - 1] = left;
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
