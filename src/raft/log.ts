import type { LogIndex, Term } from './entry.js';
import { invariant } from './invariant.js';
import { cutRun, headOf, lastIndexOf, type Run, type Span } from './run.js';
import { RunSequence } from './run-sequence.js';

/** The entry before a log's first: of it only index and term are known. */
export interface LogBase {
  readonly index: LogIndex;
  readonly term: Term;
}

/** Where the entries are that followers are sent: the log in memory, or what stands behind it. */
export interface EntrySource {
  /** The term of the entry at `index`, which may precede those that are sent; null when it is not known. */
  termAt(index: LogIndex): Term | null;
  /** Entries from `from` on in at most `bytesMax` bytes, but at least one if there is one. */
  slice(from: LogIndex, bytesMax: number): Run[];
}

/** What a run takes besides its commands, about. */
const runBytes = 160;

function memoryOf({ body }: Run): number {
  return body.length + runBytes;
}

/** What comes before a log that has all its entries. */
const beginning: LogBase = { index: 0, term: 0 };

/**
 * A server's log in memory: entries `baseIndex` + 1 … `lastIndex` in runs, terms never falling from one to the next.
 * It remembers how far it has been handed to the disk and how far the disk has answered, because promises wait for that.
 */
export class Log implements EntrySource {
  readonly #runs: RunSequence<Run>;
  #baseTerm: Term;
  #writtenIndex: LogIndex;
  #durableIndex: LogIndex;
  #bytesAppended = 0;

  /**
   * @param recovered the entries found on stable storage, durable by definition.
   * @param base what they follow.
   */
  constructor(recovered: readonly Run[] = [], base: LogBase = beginning) {
    this.#runs = new RunSequence(cutRun, base.index);
    this.#baseTerm = base.term;
    this.append(recovered);
    this.#writtenIndex = this.lastIndex;
    this.#durableIndex = this.lastIndex;
  }

  /** The last index that this log knows without having its entry: what comes before is elsewhere. */
  get baseIndex(): LogIndex {
    return this.#runs.baseIndex;
  }

  get lastIndex(): LogIndex {
    return this.#runs.lastIndex;
  }

  get lastTerm(): Term {
    return this.#runs.last?.term ?? this.#baseTerm;
  }

  /** The last index whose entry was handed to the disk and not replaced since. */
  get writtenIndex(): LogIndex {
    return this.#writtenIndex;
  }

  /** The last index whose entry is on this server's stable storage. */
  get durableIndex(): LogIndex {
    return this.#durableIndex;
  }

  /** The entry's term, also the base's (0 where that is the place before every log); null before it and after the end. */
  termAt(index: LogIndex): Term | null {
    if (index === this.baseIndex) return this.#baseTerm;
    return this.#runs.at(index)?.term ?? null;
  }

  /** The run that holds the entry at `index`, or null where the log has no entry. */
  runAt(index: LogIndex): Run | null {
    return this.#runs.at(index);
  }

  /**
   * The first index of a run whose entry this log lacks or has of another term; past the run's end when there is none.
   * What is not after the base is not looked at.
   */
  firstNewIn(run: Span): LogIndex {
    let index = Math.max(run.firstIndex, this.baseIndex + 1);
    while (index <= lastIndexOf(run)) {
      // One term all along both runs: they agree as far as both go, or nowhere.
      const held = this.#runs.at(index);
      if (held?.term !== run.term) return index;
      index = lastIndexOf(held) + 1;
    }
    return index;
  }

  /** How many bytes of entries were ever appended, with what a run takes besides. */
  get bytesAppended(): number {
    return this.#bytesAppended;
  }

  /** The last index such that the entries after it take so many bytes of memory, or less than that if there are no more. */
  indexBefore(bytesMax: number): LogIndex {
    let bytes = 0;
    for (const run of this.#runs.runsBackwards()) {
      bytes += memoryOf(run);
      if (bytes > bytesMax) return lastIndexOf(run);
    }
    return this.baseIndex;
  }

  /** Appends runs that follow the last entry. */
  append(runs: readonly Run[]): void {
    for (const run of runs) {
      invariant(
        run.firstIndex === this.lastIndex + 1 && run.term >= this.lastTerm,
        () =>
          `Entry (index ${run.firstIndex}, term ${run.term}) cannot follow (index ${this.lastIndex}, term ${this.lastTerm}).`,
      );
      this.#runs.push(run);
      this.#bytesAppended += memoryOf(run);
    }
  }

  /** Drops the entry at `index` and all after it, from memory and from what counts as written and durable. */
  truncateFrom(index: LogIndex): void {
    this.#runs.truncateFrom(index);
    this.#writtenIndex = Math.min(this.#writtenIndex, index - 1);
    this.#durableIndex = Math.min(this.#durableIndex, index - 1);
  }

  /** Gives up the entry at `index`, which must be durable, and all before it: the log goes on from there. */
  dropThrough(index: LogIndex): void {
    invariant(index <= this.#durableIndex, () => `Entry ${index} is not durable and cannot be given up.`);
    this.#baseTerm = this.termAt(index) ?? this.#baseTerm;
    this.#runs.dropThrough(index);
  }

  /**
   * A snapshot on stable storage takes the place of all entries: the log is empty, and what comes next follows `base`.
   * What the disk was given of the old entries counts no longer.
   */
  restartAt(base: LogBase): void {
    this.#runs.restartAt(base.index);
    this.#baseTerm = base.term;
    this.#writtenIndex = base.index;
    this.#durableIndex = base.index;
  }

  /**
   * Entries from `from` on in at most `bytesMax` bytes, but at least one if there is one. Only the first run is cut to
   * make it fit: any other is left for the next time, whole, since a run is sealed as it is.
   */
  slice(from: LogIndex, bytesMax: number): Run[] {
    const slice: Run[] = [];
    let bytes = 0;
    for (const run of this.#runs.runsFrom(from)) {
      const isFirst = slice.length === 0;
      const piece = isFirst ? headOf(cutRun(run, from, lastIndexOf(run)), bytesMax) : run;
      bytes += piece.body.length;
      if (!isFirst && bytes > bytesMax) break;
      slice.push(piece);
      if (lastIndexOf(piece) < lastIndexOf(run)) break;
    }
    return slice;
  }

  /** Entries from `from` through `to`, both included, as far as they exist. */
  range(from: LogIndex, to: LogIndex): Run[] {
    return this.#runs.range(from, to);
  }

  /** The entries that the disk has not been given yet; from now on it has. */
  takeUnwritten(): Run[] {
    const unwritten = this.#runs.range(this.#writtenIndex + 1, this.lastIndex);
    this.#writtenIndex = this.lastIndex;
    return unwritten;
  }

  /** The disk reports that the log through `index` is durable, as it stood when that was handed over. */
  markDurable(index: LogIndex): void {
    invariant(index <= this.#writtenIndex, () => `Index ${index} was reported durable and never written.`);
    this.#durableIndex = Math.max(this.#durableIndex, index);
  }

  /** The first index whose entry has at least this term; one past the end when there is none. */
  firstIndexFromTerm(term: Term): LogIndex {
    return this.#runs.firstIndexFromTerm(term);
  }

  /** The last index whose entry has this term, or 0 when no entry has it. */
  lastIndexOfTerm(term: Term): LogIndex {
    const index = this.firstIndexFromTerm(term + 1) - 1;
    return this.termAt(index) === term ? index : 0;
  }
}
