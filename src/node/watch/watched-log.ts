import type { LogIndex, Term } from '../../raft/entry.js';
import type { Log } from '../../raft/log.js';
import { type ObservedLog, type ObservedTruncation, tailEntriesMax } from './observation.js';

/** Shows the end of a log from time to time, and notices what was cut off since it was last shown. */
export class WatchedLog {
  readonly #log: Log;
  #first: LogIndex = 1;
  #terms: readonly Term[] = [];

  constructor(log: Log) {
    this.#log = log;
  }

  show(): ObservedLog {
    const truncated = this.#truncatedSince();
    const { lastIndex, durableIndex } = this.#log;
    this.#first = Math.max(1, lastIndex - tailEntriesMax + 1);
    this.#terms = this.#log.range(this.#first, lastIndex).map(({ term }) => term);
    return { first: this.#first, terms: this.#terms, durableIndex, truncated };
  }

  /** Logs agree up to the last place where their terms do (Log Matching, §5.3). */
  #truncatedSince(): ObservedTruncation[] {
    const at = this.#terms.findIndex((term, offset) => this.#log.termAt(this.#first + offset) !== term);
    return at < 0 ? [] : [{ from: this.#first + at, terms: this.#terms.slice(at) }];
  }
}
