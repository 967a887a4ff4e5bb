import type { LogIndex, Term } from './entry.js';
import { invariant } from './invariant.js';
import { lastIndexOf, type Span } from './run.js';

/**
 * Runs without a gap, from the one after `baseIndex` on. The log in memory, what a storage holds and what is found on
 * a disk are such sequences, of runs in different forms; any of them can be cut between two entries, also within a run.
 */
export class RunSequence<Run extends Span> implements Iterable<Run> {
  readonly #runs: Run[] = [];
  readonly #cut: (run: Run, from: LogIndex, to: LogIndex) => Run;
  #baseIndex: LogIndex;

  /**
   * @param cut a run's entries from the one index through the other.
   * @param baseIndex the last index before the sequence.
   */
  constructor(cut: (run: Run, from: LogIndex, to: LogIndex) => Run, baseIndex: LogIndex = 0) {
    this.#cut = cut;
    this.#baseIndex = baseIndex;
  }

  get baseIndex(): LogIndex {
    return this.#baseIndex;
  }

  get lastIndex(): LogIndex {
    const last = this.#runs[this.#runs.length - 1];
    return last === undefined ? this.#baseIndex : lastIndexOf(last);
  }

  /** The last run, or null. */
  get last(): Run | null {
    return this.#runs[this.#runs.length - 1] ?? null;
  }

  /** The run that holds the entry at `index`, or null when none does. */
  at(index: LogIndex): Run | null {
    if (index <= this.#baseIndex || index > this.lastIndex) return null;
    return this.#runs[this.#positionOf(index)] ?? null;
  }

  [Symbol.iterator](): Iterator<Run> {
    return this.#runs.values();
  }

  /** The runs from the one that holds the entry at `index` on, whole. */
  *runsFrom(index: LogIndex): Iterable<Run> {
    if (index > this.lastIndex) return;
    for (let at = this.#positionOf(index); at < this.#runs.length; at++) yield this.#runs[at] as Run;
  }

  /** The runs from the last one on. */
  *runsBackwards(): Iterable<Run> {
    for (let at = this.#runs.length - 1; at >= 0; at--) yield this.#runs[at] as Run;
  }

  /** Entries from `from` through `to`, both included, as far as they exist: runs, cut at the ends. */
  range(from: LogIndex, to: LogIndex): Run[] {
    const first = Math.max(from, this.#baseIndex + 1);
    const range: Run[] = [];
    for (const run of this.runsFrom(first)) {
      if (run.firstIndex > to) break;
      range.push(this.#cut(run, Math.max(run.firstIndex, first), Math.min(lastIndexOf(run), to)));
    }
    return range;
  }

  /** Adds a run that follows the last one. */
  push(run: Run): void {
    invariant(
      run.firstIndex === this.lastIndex + 1 && run.count > 0,
      () => `${run.count} entries from ${run.firstIndex} on cannot follow entry ${this.lastIndex}.`,
    );
    this.#runs.push(run);
  }

  /** Puts consecutive runs where they belong: what was there from the first one's index on is replaced (§5.3). */
  replaceWith(runs: readonly Run[]): void {
    if (runs[0] !== undefined) this.truncateFrom(runs[0].firstIndex);
    for (const run of runs) this.push(run);
  }

  /** Drops the entry at `index` and all after it. */
  truncateFrom(index: LogIndex): void {
    invariant(
      index > this.#baseIndex,
      () => `Entry ${index} is before the log and cannot be dropped from it.`,
    );
    if (index > this.lastIndex) return;
    const position = this.#positionOf(index);
    const run = this.#runs[position] as Run;
    this.#runs.length = position;
    if (run.firstIndex < index) this.#runs.push(this.#cut(run, run.firstIndex, index - 1));
  }

  /** Drops the entry at `index` and all before it; the sequence goes on from there. */
  dropThrough(index: LogIndex): void {
    invariant(
      index <= this.lastIndex,
      () => `Entry ${index} cannot be dropped: there are ${this.lastIndex}.`,
    );
    if (index <= this.#baseIndex) return;
    const position = this.#positionOf(index);
    const run = this.#runs[position] as Run;
    const isWhole = lastIndexOf(run) === index;
    this.#runs.splice(0, isWhole ? position + 1 : position);
    if (!isWhole) this.#runs[0] = this.#cut(run, index + 1, lastIndexOf(run));
    this.#baseIndex = index;
  }

  /** Drops everything; the sequence goes on after `index`. */
  restartAt(index: LogIndex): void {
    this.#runs.length = 0;
    this.#baseIndex = index;
  }

  /** The first index whose entry has at least this term; one past the end when there is none. */
  firstIndexFromTerm(term: Term): LogIndex {
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#runs[middle] as Run).term < term) low = middle + 1;
      else high = middle;
    }
    return this.#runs[low]?.firstIndex ?? this.lastIndex + 1;
  }

  /**
   * Where the run stands that holds the entry at `index`, which must be there. Nearly all questions are about the end:
   * the search goes back from there in steps that double, and then halves the last of them.
   */
  #positionOf(index: LogIndex): number {
    const runs = this.#runs;
    let high = runs.length - 1;
    let low = high;
    for (let step = 1; low > 0 && (runs[low] as Run).firstIndex > index; step *= 2) {
      high = low - 1;
      low = Math.max(0, low - step);
    }
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((runs[middle] as Run).firstIndex <= index) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
