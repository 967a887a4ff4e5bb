import type { LogIndex } from '../../raft/entry.js';
import type { Log } from '../../raft/log.js';
import type { ObservedLog } from './observation.js';

type Run = ObservedLog['runs'][number];

/** Terms at the end of a log that are told. What lies before has been settled for longer than anybody looks. */
export const runsMax = 32;

/** Shows the end of a log, and from time to time what became of it since. */
export class WatchedLog {
  readonly #log: Log;
  readonly #firstIndex: () => LogIndex;
  #begins: LogIndex;
  #runs: readonly Run[];
  #last: LogIndex;
  #lastTerm: number;

  /** @param firstIndex the first entry that the node has, in memory or on disk: a snapshot has what was before */
  constructor(log: Log, firstIndex: () => LogIndex) {
    this.#log = log;
    this.#firstIndex = firstIndex;
    this.#begins = firstIndex();
    this.#runs = runsOf(log, 1);
    this.#last = log.lastIndex;
    this.#lastTerm = log.lastTerm;
  }

  /** As it was last shown. */
  get shown(): ObservedLog {
    return { last: this.#last, runs: this.#runs, ...this.#beginning() };
  }

  /** Another term ends it, or it was cut: more than entries that came after those of the same term. */
  get hasTurned(): boolean {
    const { lastIndex, lastTerm } = this.#log;
    return lastTerm !== this.#lastTerm || lastIndex < this.#last;
  }

  /** What became of it since it was last shown; null if nothing did. */
  change(): ObservedLog | null {
    const { lastIndex, lastTerm } = this.#log;
    // Logs that agree at one place agree before it (Log Matching, §5.3).
    const begins = this.#firstIndex();
    const isCompacted = begins !== this.#begins;
    this.#begins = begins;
    if (lastIndex === this.#last && lastTerm === this.#lastTerm && !isCompacted) return null;
    const agreed = this.#lastAgreed();
    const runs = joined(this.#baseBehind(agreed), runsOf(this.#log, agreed + 1));
    this.#show(lastIndex, lastTerm, agreed, runs);
    return { last: lastIndex, runs, ...(isCompacted ? this.#beginning() : {}) };
  }

  /** It grew up to there and no further, by entries of the term that ended it: null if it did not. */
  growth(last: LogIndex): ObservedLog | null {
    if (last <= this.#last) return null;
    const runs: Run[] = [[this.#last + 1, this.#lastTerm]];
    this.#show(last, this.#lastTerm, this.#last, runs);
    return { last, runs };
  }

  /** Said of a log alone that does not begin with its first entry. */
  #beginning(): { begins?: LogIndex } {
    return this.#begins > 1 ? { begins: this.#begins } : {};
  }

  #show(last: LogIndex, lastTerm: number, agreed: LogIndex, added: readonly Run[]): void {
    const kept = this.#runs.filter(([first]) => first <= agreed);
    this.#runs = joined(kept, added).slice(-runsMax);
    this.#last = last;
    this.#lastTerm = lastTerm;
  }

  /** What a snapshot that took the log's place ends with: of what it stands for no more is known than this entry's term. */
  #baseBehind(agreed: LogIndex): Run[] {
    const { baseIndex } = this.#log;
    const term = this.#log.termAt(baseIndex);
    return agreed < baseIndex && term !== null ? [[baseIndex, term]] : [];
  }

  #lastAgreed(): LogIndex {
    const log = this.#log;
    if (log.termAt(this.#last) === this.#lastTerm) return this.#last;
    for (let at = this.#runs.length - 1; at >= 0; at--) {
      const [first, term] = this.#runs[at] as Run;
      const end = (this.#runs[at + 1]?.[0] ?? this.#last + 1) - 1;
      // What is behind the base is committed, and was not told otherwise.
      if (first <= log.baseIndex) return Math.min(end, log.baseIndex);
      if (log.termAt(first) === term) return Math.min(end, log.lastIndexOfTerm(term));
    }
    return (this.#runs[0]?.[0] ?? 1) - 1;
  }
}

/** The last runs of a log, from an index on. */
function runsOf(log: Log, from: LogIndex): Run[] {
  const runs: Run[] = [];
  const begin = Math.max(from, log.baseIndex + 1);
  let end = log.lastIndex;
  while (end >= begin && runs.length < runsMax) {
    const term = log.termAt(end);
    if (term === null) break;
    const first = Math.max(begin, log.firstIndexFromTerm(term));
    runs.unshift([first, term]);
    end = first - 1;
  }
  return runs;
}

/** Runs of one term that meet are one. */
function joined(kept: readonly Run[], added: readonly Run[]): Run[] {
  const [next, ...rest] = added;
  if (next === undefined) return [...kept];
  return kept.at(-1)?.[1] === next[1] ? [...kept, ...rest] : [...kept, next, ...rest];
}
