import type { LogIndex, Term } from '../../raft/entry.js';
import type { EntrySource } from '../../raft/log.js';
import type { Replica } from '../../raft/replica.js';
import { cutRun, headOf, lastIndexOf, type Run } from '../../raft/run.js';
import type { LogStore } from '../../storage/disk.js';
import { UnreadableLogError } from '../../storage/errors.js';
import type { RunSeals } from '../../wire/run-seals.js';

/** So much is read back at once: several messages' worth, and a moment's work to open. */
const portionBytes = 512 * 1024;
/** Followers that lag in different places of the log do not take each other's portion away, up to so many. */
const portionsMax = 4;

/** Consecutive runs as they were read back. */
type Portion = readonly Run[];

/**
 * The whole log of a node, for who sends it to followers or looks at it: its end from memory, what was before that from
 * disk, in portions. Only what is applied is given up from memory, so what is read back can no longer change.
 */
export class LogReader implements EntrySource {
  readonly #replica: Replica;
  readonly #store: LogStore;
  readonly #seals: RunSeals;
  #portionsRead = 0;
  /** Last used first. */
  #portions: Portion[] = [];

  constructor(replica: Replica, store: LogStore, seals: RunSeals) {
    this.#replica = replica;
    this.#store = store;
    this.#seals = seals;
  }

  /** How often a part of the log was read back: for metrics. */
  get portionsRead(): number {
    return this.#portionsRead;
  }

  /** The first entry that is still to be had, in memory or on disk; one past the last when none is. */
  get firstIndex(): LogIndex {
    return Math.min(this.#store.firstIndex, this.#replica.log.baseIndex + 1);
  }

  /** Is the term of the entry at `index` known, so that entries that follow it can be sent? */
  knows(index: LogIndex): boolean {
    const { log } = this.#replica;
    if (index >= log.baseIndex) return index <= log.lastIndex;
    return index >= this.#store.firstIndex || this.#termBefore(index) !== null;
  }

  termAt(index: LogIndex): Term | null {
    const { log } = this.#replica;
    if (index >= log.baseIndex) return log.termAt(index);
    if (index < this.#store.firstIndex) return this.#termBefore(index);
    return this.#runsFrom(index)[0]?.term ?? null;
  }

  slice(from: LogIndex, bytesMax: number): Run[] {
    const { log } = this.#replica;
    if (from > log.baseIndex) return log.slice(from, bytesMax);
    const [first, ...rest] = this.#runsFrom(from);
    if (first === undefined) return [];
    const head = headOf(first, bytesMax);
    const slice = [head];
    let bytes = head.body.length;
    if (head !== first) return slice;
    for (const run of rest) {
      bytes += run.body.length;
      if (bytes > bytesMax) break;
      slice.push(run);
    }
    return slice;
  }

  /** Entries from `from` through `to`, both included, as far as they are to be had. */
  range(from: LogIndex, to: LogIndex): Run[] {
    const { log } = this.#replica;
    const range: Run[] = [];
    let next = Math.max(from, this.#store.firstIndex);
    while (next <= Math.min(to, log.baseIndex)) {
      const runs = this.#runsFrom(next);
      if (runs.length === 0) break;
      range.push(...cutRuns(runs, next, to));
      next = lastIndexOf(runs.at(-1) as Run) + 1;
    }
    return [...range, ...log.range(from, to)];
  }

  /** Of what stands right before the stored log, the term may be known by the snapshot that ends there. */
  #termBefore(index: LogIndex): Term | null {
    if (index !== this.#store.firstIndex - 1) return null;
    if (index === 0) return 0;
    return this.#store.snapshots.find(({ mark }) => mark.index === index)?.mark.term ?? null;
  }

  /** Some runs from the one entry on, which is before those in memory. */
  #runsFrom(from: LogIndex): Run[] {
    return cutRuns(this.#portionWith(from), from, Number.POSITIVE_INFINITY);
  }

  #portionWith(index: LogIndex): Portion {
    const known = this.#portions.find((portion) => holds(portion, index));
    const portion = known ?? this.#read(index);
    this.#portions = [portion, ...this.#portions.filter((other) => other !== known)].slice(0, portionsMax);
    return portion;
  }

  #read(from: LogIndex): Portion {
    if (from < this.#store.firstIndex) return [];
    this.#portionsRead++;
    const runs = this.#store.read(from, portionBytes).map((sealed) => {
      const run = this.#seals.openStored(sealed);
      if (run === null) throw new UnreadableLogError(this.#replica.id, sealed.firstIndex, sealed.term);
      return run;
    });
    // What memory still has may be replaced: it must not be kept from here.
    return cutRuns(runs, from, this.#replica.log.baseIndex);
  }

  /** The log begins anew after a snapshot, or is looked at no more: what was read back is given up. */
  forget(): void {
    this.#portions = [];
  }
}

/** Of these runs the entries from `from` through `to`. */
function cutRuns(runs: Iterable<Run>, from: LogIndex, to: LogIndex): Run[] {
  const cut: Run[] = [];
  for (const run of runs) {
    const [first, last] = [Math.max(from, run.firstIndex), Math.min(to, lastIndexOf(run))];
    if (first <= last) cut.push(cutRun(run, first, last));
  }
  return cut;
}

function holds(portion: Portion, index: LogIndex): boolean {
  const [first, last] = [portion[0], portion.at(-1)];
  return first !== undefined && last !== undefined && first.firstIndex <= index && index <= lastIndexOf(last);
}
