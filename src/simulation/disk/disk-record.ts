import type { ConfigurationData } from '../../raft/configuration.js';
import type { HardState, LogIndex, Term } from '../../raft/entry.js';
import type { LogBase } from '../../raft/log.js';
import { lastIndexOf } from '../../raft/run.js';
import { RunSequence } from '../../raft/run-sequence.js';
import type { SnapshotMark } from '../../raft/snapshot.js';
import {
  type Recovered,
  type SnapshotPortion,
  type SnapshotWriter,
  type Storage,
  type StoredSnapshot,
  snapshotsKept,
  type WriteBatch,
} from '../../storage/storage.js';
import type { LogSeal } from '../../wire/log-seal.js';
import { cutSealedRun, type SealedRun } from '../../wire/packed-runs.js';

/** What a disk holds, in the order of its making. */
interface Content {
  hardState: HardState;
  runs: RunSequence<SealedRun>;
  /** Of the entry before the first. */
  baseTerm: Term;
  /** Newest first. */
  snapshots: readonly LogBase[];
}

/** What is done to a disk besides writing its log, while it is done. */
type Change =
  | { readonly kind: 'snapshot'; readonly mark: LogBase }
  | { readonly kind: 'restart'; readonly base: LogBase };

/**
 * What a node's disk surely holds, by an account kept beside the production storage: every batch that was synced, and
 * those handed over since; every snapshot, and where the log began anew. It is kept through crashes, as the disk is.
 * Entries that were given up for a snapshot it remembers.
 */
export class DiskRecord {
  readonly #content: Content = nothing();
  #unsynced: WriteBatch[] = [];
  #underWay: Change | null = null;
  /** Of the disks that this machine had before. */
  #termBefore: Term = 0;

  get hardState(): HardState {
    return this.#content.hardState;
  }

  /** Has its node left this term behind, or had it when the machine had another disk? */
  isPast(term: Term): boolean {
    return this.hardState.term > term || (this.#termBefore > 0 && this.#termBefore >= term);
  }

  get lastIndex(): LogIndex {
    return this.#content.runs.lastIndex;
  }

  /** The machine gets an empty disk. */
  wipe(): void {
    this.#termBefore = Math.max(this.#termBefore, this.hardState.term);
    Object.assign(this.#content, nothing());
    this.#unsynced = [];
    this.#underWay = null;
  }

  /** The last entry that only an installed snapshot stands for. */
  get installedIndex(): LogIndex {
    return this.#content.runs.baseIndex;
  }

  /** The run that holds the entry at `index`, or null. */
  at(index: LogIndex): SealedRun | null {
    return this.#content.runs.at(index);
  }

  /** Does the disk hold the entry of that term at `index`, by itself or in an installed snapshot? */
  holds(index: LogIndex, term: Term | undefined): boolean {
    if (index === this.installedIndex && index > 0) return this.#content.baseTerm === term;
    return index < this.installedIndex || this.at(index)?.term === term;
  }

  write({ hardState, runs }: WriteBatch): void {
    // The sealed bytes as they are now: a node that is asked again seals anew.
    this.#unsynced.push({ hardState, runs: runs.map(asWritten) });
  }

  /** The first entry that the next sync replaces, or null. */
  get replacesFrom(): LogIndex | null {
    let from: LogIndex | null = null;
    for (const { runs } of this.#unsynced) {
      const index = runs[0]?.firstIndex;
      if (index !== undefined && index <= this.lastIndex) from = Math.min(from ?? index, index);
    }
    return from;
  }

  /** Returns the first index that was replaced or added, or null when no entry was. */
  sync(): LogIndex | null {
    let changedFrom: LogIndex | null = null;
    for (const batch of this.#unsynced) {
      take(this.#content, batch);
      const index = batch.runs[0]?.firstIndex;
      if (index !== undefined) changedFrom = Math.min(changedFrom ?? index, index);
    }
    this.#unsynced = [];
    return changedFrom;
  }

  /** Does something that is durable when it returns, with all that was written before if the log begins anew. */
  change<Result>(change: Change, act: () => Result): Result {
    this.#underWay = change;
    const result = act();
    this.#underWay = null;
    if (change.kind === 'restart') this.sync();
    apply(this.#content, change);
    return result;
  }

  /**
   * Compares with what a recovery found: all that was synced, and of what was not, whole batches from the first on, and
   * the change that was under way or not. Returns what is wrong, or null; the record then goes on from what was found.
   */
  recover(found: Recovered): string | null {
    const outcomes: Content[] = [];
    for (let batches = 0; batches <= this.#unsynced.length; batches++) {
      for (const change of [null, this.#underWay]) {
        // As many of the newest snapshots as did not check were passed over.
        for (let damaged = 0; damaged <= found.damagedSnapshots; damaged++) {
          const content = { ...this.#content, runs: sequenceOf(this.#content.runs, this.installedIndex) };
          for (const batch of this.#unsynced.slice(0, batches)) take(content, batch);
          if (change !== null) apply(content, change);
          content.snapshots = content.snapshots.slice(damaged);
          settle(content);
          outcomes.push(content);
        }
      }
    }
    const wrong = outcomes.map((content) => differenceOf(content, found));
    const right = outcomes[wrong.indexOf(null)];
    this.#unsynced = [];
    this.#underWay = null;
    if (right === undefined) return wrong[0] ?? null;
    Object.assign(this.#content, right);
    return null;
  }
}

function nothing(): Content {
  return {
    hardState: { term: 0, votedFor: null },
    runs: new RunSequence<SealedRun>(cutSealedRun),
    baseTerm: 0,
    snapshots: [],
  };
}

function take(content: Content, { hardState, runs }: WriteBatch): void {
  if (hardState !== null) content.hardState = hardState;
  content.runs.replaceWith(runs);
}

function apply(content: Content, change: Change): void {
  if (change.kind === 'restart') restart(content, change.base);
  else {
    const others = content.snapshots.filter(({ index }) => index !== change.mark.index);
    content.snapshots = [change.mark, ...others].slice(0, snapshotsKept);
  }
}

function restart(content: Content, { index, term }: LogBase): void {
  content.runs = sequenceOf([], index);
  content.baseTerm = term;
  content.snapshots = content.snapshots.filter((mark) => mark.index >= index);
}

/** A recovery begins the log anew after a snapshot that it does not have the last entry of. */
function settle(content: Content): void {
  const [newest] = content.snapshots;
  if (newest !== undefined && termAt(content, newest.index) !== newest.term) restart(content, newest);
}

function termAt({ runs, baseTerm }: Content, index: LogIndex): Term | undefined {
  return index === runs.baseIndex ? baseTerm : runs.at(index)?.term;
}

/** What was found otherwise than it was stored, or null. A snapshot that was flipped is passed over, and says so. */
function differenceOf(content: Content, found: Recovered): string | null {
  const { term, votedFor } = content.hardState;
  const { hardState, base, snapshots } = found;
  if (hardState.term !== term || hardState.votedFor !== votedFor) {
    return `term ${term} and vote ${votedFor} were synced, and term ${hardState.term} and vote ${hardState.votedFor} came back`;
  }
  const [newest = { index: 0, term: 0 }] = content.snapshots;
  const [foundNewest = { mark: { index: 0, term: 0 } }] = snapshots;
  if (found.damagedSnapshots === 0 && foundNewest.mark.index !== newest.index) {
    return `a snapshot of entry ${newest.index} was stored, and one of ${foundNewest.mark.index} came back`;
  }
  const oldest = snapshots.at(-1)?.mark.index ?? 0;
  if (base.index > oldest)
    return `the log begins after ${base.index}, and the oldest snapshot ends with ${oldest}`;
  if (termAt(content, base.index) !== base.term) {
    return `the log came back after entry ${base.index} of term ${base.term}, which had term ${termAt(content, base.index)}`;
  }
  const sequence = sequenceOf(found.runs, base.index);
  if (sequence.lastIndex !== content.runs.lastIndex) {
    return `${content.runs.lastIndex} entries were synced, and ${sequence.lastIndex} came back`;
  }
  for (const run of content.runs) {
    const other = sequence.at(run.firstIndex);
    if (lastIndexOf(run) <= base.index || (other !== null && isSame(run, other))) continue;
    return `entries ${run.firstIndex} to ${lastIndexOf(run)} of term ${run.term} were synced, and came back otherwise (term ${other?.term})`;
  }
  return null;
}

function asWritten({ firstIndex, count, term, kind, sealed }: SealedRun): SealedRun {
  return { firstIndex, count, term, kind, sealed };
}

function sequenceOf(runs: Iterable<SealedRun>, baseIndex: LogIndex): RunSequence<SealedRun> {
  const sequence = new RunSequence<SealedRun>(cutSealedRun, baseIndex);
  for (const run of runs) sequence.push(run);
  return sequence;
}

function isSame(one: SealedRun, other: SealedRun): boolean {
  if (one.firstIndex !== other.firstIndex || one.count !== other.count) return false;
  return one.term === other.term && Buffer.compare(one.sealed, other.sealed) === 0;
}

/** A storage that tells a record what it does. */
export class RecordedStorage implements Storage {
  readonly #storage: Storage;
  readonly #record: DiskRecord;
  /** Hears of every sync, with the first index it made durable. */
  readonly #synced: (changedFrom: LogIndex | null) => void;

  /** Hears before the record changes that entries are replaced, from which on. */
  readonly #replacing: (from: LogIndex) => void;

  constructor(
    storage: Storage,
    record: DiskRecord,
    synced: (changedFrom: LogIndex | null) => void,
    replacing: (from: LogIndex) => void,
  ) {
    this.#storage = storage;
    this.#record = record;
    this.#synced = synced;
    this.#replacing = replacing;
  }

  recover(seal?: LogSeal | null, birth?: ConfigurationData | null): Recovered {
    return this.#storage.recover(seal, birth);
  }

  write(batch: WriteBatch): void {
    // Before the call: a write that fails, or is cut short, may have done all of its work.
    this.#record.write(batch);
    this.#storage.write(batch);
  }

  sync(): void {
    this.#storage.sync();
    const from = this.#record.replacesFrom;
    if (from !== null) this.#replacing(from);
    this.#synced(this.#record.sync());
  }

  get lastIndex(): LogIndex {
    return this.#storage.lastIndex;
  }

  get firstIndex(): LogIndex {
    return this.#storage.firstIndex;
  }

  get snapshots(): readonly StoredSnapshot[] {
    return this.#storage.snapshots;
  }

  read(from: LogIndex, bytesMax: number): SealedRun[] {
    return this.#storage.read(from, bytesMax);
  }

  beginSnapshot(mark: SnapshotMark): SnapshotWriter {
    const writer = this.#storage.beginSnapshot(mark);
    const { index, term } = mark;
    return {
      write: (chunk) => writer.write(chunk),
      commit: () => this.#record.change({ kind: 'snapshot', mark: { index, term } }, () => writer.commit()),
      abandon: () => writer.abandon(),
    };
  }

  readSnapshot(mark: SnapshotMark, position: number): SnapshotPortion {
    return this.#storage.readSnapshot(mark, position);
  }

  dropThrough(index: LogIndex): void {
    this.#storage.dropThrough(index);
  }

  restartAt({ index, term }: LogBase): void {
    const base = { index, term };
    this.#record.change({ kind: 'restart', base }, () => this.#storage.restartAt(base));
  }

  close(): void {
    this.#storage.close();
  }
}
