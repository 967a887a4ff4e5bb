import type { LogIndex, Term } from '../raft/entry.js';
import { invariant } from '../raft/invariant.js';
import type { LogBase } from '../raft/log.js';
import { lastIndexOf, type Span } from '../raft/run.js';

/** A place is noted for about so many bytes of records: how much is read in vain, at most, to come to an entry. */
const placeBytes = 64 * 1024;

/** Where to begin to read for an entry. */
export interface Place {
  /** The first entry that is read from here on. */
  readonly firstIndex: LogIndex;
  readonly segment: number;
  /** Of a record, in its segment. */
  readonly position: number;
  /** The last entry that stands from here on; what is found after it was replaced. */
  readonly through: LogIndex;
}

/**
 * What the log on disk holds, and where, without holding any of it: terms where they begin, and places where reading can
 * begin. No entry is replaced within the reach of a place, for each replacement begins a new one; so what stands there
 * up to the next place's first entry is the log.
 */
export class LogMap {
  #base: LogBase = { index: 0, term: 0 };
  #lastIndex: LogIndex = 0;
  /** Ascending: entries from `index` on have `term`. */
  #terms: LogBase[] = [];
  /** Ascending, by entry and by place alike. */
  #places: Omit<Place, 'through'>[] = [];

  /** What the log follows. */
  get base(): LogBase {
    return this.#base;
  }

  get lastIndex(): LogIndex {
    return this.#lastIndex;
  }

  /** The entry's term, also the base's; null before it and after the end. */
  termAt(index: LogIndex): Term | null {
    if (index === this.#base.index) return this.#base.term;
    if (index < this.#base.index || index > this.#lastIndex) return null;
    return this.#terms[lastAtOrBefore(this.#terms, (span) => span.index, index)]?.term ?? null;
  }

  /** The record at `position` holds these runs, which replace what was there from the first one's first index on. */
  add(runs: readonly Span[], segment: number, position: number): void {
    const [first] = runs;
    if (first === undefined) return;
    const { firstIndex } = first;
    invariant(
      firstIndex > this.#base.index && firstIndex <= this.#lastIndex + 1,
      () => `Entries from ${firstIndex} on do not fit a log from ${this.#base.index} to ${this.#lastIndex}.`,
    );
    const last = this.#places.at(-1);
    const goesOn =
      firstIndex === this.#lastIndex + 1 &&
      last?.segment === segment &&
      position - last.position < placeBytes;
    if (!goesOn) {
      while ((this.#places.at(-1)?.firstIndex ?? 0) >= firstIndex) this.#places.pop();
      this.#places.push({ firstIndex, segment, position });
    }
    while ((this.#terms.at(-1)?.index ?? 0) >= firstIndex) this.#terms.pop();
    for (const run of runs) {
      if (this.#terms.at(-1)?.term !== run.term) {
        this.#terms.push({ index: run.firstIndex, term: run.term });
      }
      this.#lastIndex = lastIndexOf(run);
    }
  }

  /** The log is empty and follows `base`. */
  restart(base: LogBase): void {
    this.#base = base;
    this.#lastIndex = base.index;
    this.#terms = [];
    this.#places = [];
  }

  /** All before `segment` is given up. Nothing is where no entry stands in it or after it. */
  dropBefore(segment: number): void {
    const kept = this.#places.findIndex((place) => place.segment >= segment);
    const index = (this.#places[kept]?.firstIndex ?? this.#lastIndex + 1) - 1;
    const base = { index, term: this.termAt(index) ?? 0 };
    this.#places.splice(0, kept < 0 ? this.#places.length : kept);
    const first = lastAtOrBefore(this.#terms, (span) => span.index, index + 1);
    this.#terms.splice(0, first);
    if (index === this.#lastIndex) this.#terms = [];
    this.#base = base;
  }

  /** Where reading for the entry, which must be stored, begins. */
  placeOf(index: LogIndex): Place {
    const at = lastAtOrBefore(this.#places, (place) => place.firstIndex, index);
    const place = this.#places[at];
    invariant(
      place !== undefined && place.firstIndex <= index && index <= this.#lastIndex,
      () => `Entry ${index} is not in the log.`,
    );
    return { ...place, through: (this.#places[at + 1]?.firstIndex ?? this.#lastIndex + 1) - 1 };
  }
}

/** Where the last item is whose key is not after `value`; 0 when there is none. Keys ascend. */
export function lastAtOrBefore<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => number,
  value: number,
): number {
  let low = 0;
  let high = items.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (keyOf(items[middle] as Item) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}
