import type { EntryKind, LogIndex, Term } from '../raft/entry.js';
import { cutRun, lastIndexOf, type Run } from '../raft/run.js';
import type { Cipher } from './cipher.js';
import { LogEntryCodec } from './log-entry.js';
import type { SealedRun } from './packed-runs.js';

/**
 * A node's runs, sealed and opened, each once: a leader seals a run for all its followers and its own disk, a follower
 * keeps a run as it came for its disk. What is sealed is remembered only until everybody has it; a run that is wanted
 * later, by a follower that lags, is sealed again.
 */
export class RunSeals {
  readonly #codec: LogEntryCodec;
  #sealed = new WeakMap<Run, Uint8Array>();

  constructor(cipher: Cipher) {
    this.#codec = new LogEntryCodec(cipher);
  }

  /** The run's sealed bytes. */
  of(run: Run): Uint8Array {
    const known = this.#sealed.get(run);
    if (known !== undefined) return known;
    const sealed = this.#codec.seal(run);
    this.#sealed.set(run, sealed);
    return sealed;
  }

  /** The run as storages and frames take it: sealed when it is asked for, so never where nobody asks. */
  sealed(run: Run): SealedRun {
    return new SealedOnDemand(run, this);
  }

  /** The run that was sealed; null when it does not check, or is another than it is said to be in the clear. Never throws. */
  open(from: SealedRun): Run | null {
    const run = this.#whole(from);
    if (run?.count !== from.count) return null;
    this.#sealed.set(run, from.sealed);
    return run;
  }

  /** `open` for what comes from a storage, where the last of the entries that were sealed may count no more. */
  openStored(from: SealedRun): Run | null {
    const run = this.#whole(from);
    return run === null || run.count < from.count ? null : cutRun(run, run.firstIndex, lastIndexOf(from));
  }

  #whole({ firstIndex, term, kind, sealed }: SealedRun): Run | null {
    const run = this.#codec.open(sealed);
    return run?.firstIndex === firstIndex && run.term === term && run.kind === kind ? run : null;
  }

  /** Everybody has what was sealed so far. */
  forget(): void {
    this.#sealed = new WeakMap();
  }
}

class SealedOnDemand implements SealedRun {
  readonly firstIndex: LogIndex;
  readonly count: number;
  readonly term: Term;
  readonly kind: EntryKind;
  readonly #run: Run;
  readonly #seals: RunSeals;

  constructor(run: Run, seals: RunSeals) {
    this.firstIndex = run.firstIndex;
    this.count = run.count;
    this.term = run.term;
    this.kind = run.kind;
    this.#run = run;
    this.#seals = seals;
  }

  get sealed(): Uint8Array {
    return this.#seals.of(this.#run);
  }
}
