import { type Actor, createActor } from 'xstate';
import { type SnapshotEvent, snapshotMachine } from '../../../machines/snapshot.js';
import type { Application } from '../../application/application.js';
import { requireChunks, requireSink } from '../../application/contract.js';
import type { Clock } from '../../ground/clock.js';
import { ApplicationError, ConclaveError, SnapshotUnavailableError } from '../../ground/errors.js';
import { messageOf } from '../../ground/thrown.js';
import type { LogIndex } from '../../raft/entry.js';
import { invariant } from '../../raft/invariant.js';
import type { Replica } from '../../raft/replica.js';
import type { SessionTable } from '../../raft/sessions.js';
import type { SnapshotMark } from '../../raft/snapshot.js';
import type { LogStore } from '../../storage/disk.js';
import { SnapshotDamagedError } from '../../storage/errors.js';
import type { StoredSnapshot } from '../../storage/storage.js';
import type { SnapshotNews } from '../node-observer.js';
import type { NodeOptions } from '../options.js';
import { retainedIndex } from './compaction.js';
import { nodeSection } from './content.js';
import { Portion } from './portion.js';
import { Restoring } from './restoring.js';
import { Taking } from './taking.js';

/** The longest chunk that is written, and sent; shorter where messages are to be shorter. */
const chunkBytesMax = 256 * 1024;
/** A snapshot waits for followers that are being sent an older one until the log is so many times as long as usual. */
const patience = 4;

/** What came of asking for a snapshot. */
export type SnapshotOutcome = StoredSnapshot | ConclaveError;

/** What a keeper of snapshots needs of its node, and tells it. */
export interface SnapshotKeeperHost {
  readonly options: Pick<NodeOptions, 'snapshots' | 'limits' | 'timings'>;
  readonly replica: Replica;
  readonly application: Application;
  readonly sessions: SessionTable;
  readonly store: LogStore;
  readonly clock: Clock;
  /** The beginning of the log was given up. */
  compacted(): void;
  /** The state is the snapshot's now. */
  restored(): void;
  tell(news: SnapshotNews): void;
}

/**
 * A node's own snapshots: has the state machine restored from the newest when the node starts or is sent one, takes one
 * when enough was applied since the last, and gives up what the log need not keep then. When it does what is in its chart,
 * `machines/snapshot.ts`; it works a portion at the end of each turn.
 */
export class SnapshotKeeper {
  readonly chart: Actor<typeof snapshotMachine>;
  readonly #host: SnapshotKeeperHost;
  #newest: StoredSnapshot | null;
  #restoring: Restoring | null = null;
  /** Snapshots that the application would not read, by the entry that they end with. */
  readonly #refused = new Set<LogIndex>();
  #taking: Taking | null = null;
  /** Why the one that was being taken, or read, is given up. */
  #failure: unknown = null;
  /** How many bytes of commands were applied, and had been when the newest snapshot was taken. */
  #bytesApplied = 0;
  #bytesAtCapture = 0;
  #waiting: ((outcome: SnapshotOutcome) => void)[] = [];
  /** Is there nothing more that the stored log may give up? */
  #isCompacted = false;
  #toldUnable = false;
  /** What the chart died of: its node dies of it, too. */
  #death: unknown = null;

  constructor(host: SnapshotKeeperHost) {
    this.#host = host;
    this.#newest = host.store.snapshots[0] ?? null;
    this.chart = createActor(this.#bind(), { clock: host.clock });
    this.chart.subscribe({
      error: (error) => {
        this.#death = error;
      },
    });
    this.chart.start();
    if (this.#newest !== null) this.#send({ type: 'disk.found' });
  }

  /** The newest snapshot on this node's disk. */
  get newest(): StoredSnapshot | null {
    return this.#newest;
  }

  /** Is the state machine without its state? Nothing may be applied then. */
  get isRestoring(): boolean {
    return this.#restoring !== null;
  }

  /** How far the restoring is, in bytes. */
  get progress(): { readonly bytesRead: number; readonly bytes: number } | null {
    const restoring = this.#restoring;
    return restoring && { bytesRead: restoring.bytesRead, bytes: restoring.snapshot.bytes };
  }

  /** What is being done, for people: the chart's innermost state. */
  get state(): string {
    const { value } = this.chart.getSnapshot();
    return typeof value === 'string' ? value : Object.entries(value).flat().join('.');
  }

  /** Commands of so many bytes were applied. */
  noteApplied(bytes: number): void {
    this.#bytesApplied += bytes;
  }

  /** Asks for a snapshot of the state as it is now; of one that is being taken already the asker hears, too. */
  take(reply: (outcome: SnapshotOutcome) => void): void {
    const newest = this.#newest;
    if (newest !== null && newest.mark.index === this.#host.replica.lastApplied) {
      reply(newest);
      return;
    }
    this.#waiting.push(reply);
    this.#send({ type: 'host.snapshot' });
  }

  /** The leader's snapshot is stored, and the log begins after it. */
  installed(): void {
    this.#newest = this.#host.store.snapshots[0] ?? null;
    this.#refused.clear();
    this.#send({ type: 'leader.installed' });
    if (this.#newest !== null) this.#host.tell({ type: 'installed', snapshot: this.#newest });
  }

  /** Works a portion, if there is something to do. True when more is left. */
  advance(): boolean {
    if (this.chart.getSnapshot().value === 'resting') {
      if (!this.#isDue()) return false;
      this.#send({ type: 'log.isLong' });
      if (this.chart.getSnapshot().value === 'resting') return false;
    }
    this.#send({ type: 'node.turn' });
    if (this.#restoring !== null && this.#failure !== null) this.#send({ type: 'snapshot.damaged' });
    return this.chart.getSnapshot().value !== 'resting';
  }

  /** The node ends: nobody hears of snapshots any more. */
  close(): void {
    this.#giveUpTaking();
    this.chart.stop();
    const error = new SnapshotUnavailableError('The node ended before its snapshot was taken.');
    for (const reply of this.#waiting.splice(0)) reply(error);
  }

  #send(event: SnapshotEvent): void {
    this.chart.send(event);
    if (this.#death !== null) throw this.#death;
  }

  #isDue(): boolean {
    const { replica, options } = this.#host;
    const { everyEntries, everyLogBytes } = options.snapshots;
    const entries = replica.lastApplied - (this.#newest?.mark.index ?? 0);
    if (entries <= 0) return false;
    const bytes = this.#bytesApplied - this.#bytesAtCapture;
    // To write a large state again for every few entries would cost more than the log does.
    const bytesMax = Math.max(everyLogBytes, this.#newest?.bytes ?? 0);
    const times = Math.max(everyEntries > 0 ? entries / everyEntries : 0, bytes / bytesMax);
    return times >= (this.#isSendingOlder() ? patience : 1);
  }

  /** Would a new snapshot take away the one that a follower is being sent? */
  #isSendingOlder(): boolean {
    const { progress } = this.#host.replica;
    for (const { transfer } of progress.values()) {
      if (transfer !== null && transfer.mark.index !== this.#newest?.mark.index) return true;
    }
    return false;
  }

  #beginRestore(): void {
    const { store, application, sessions } = this.#host;
    this.#failure = null;
    this.#restoring = null;
    const snapshot = this.#restorable();
    if (snapshot === null) return;
    if (application.restore === undefined) {
      throw new ApplicationError(
        `The state is in a snapshot of entry ${snapshot.mark.index}, and the application has no method restore. Run the application that it was taken of.`,
      );
    }
    this.#restoring = new Restoring(snapshot, store, requireSink(application.restore()), sessions);
  }

  /** The newest that was not found wanting; null when there is none, and the log has all entries. */
  #restorable(): StoredSnapshot | null {
    const { store, replica } = this.#host;
    const found = store.snapshots.find(({ mark }) => !this.#refused.has(mark.index));
    if (found !== undefined && found.mark.index + 1 >= store.firstIndex) return found;
    const isWhole = replica.log.baseIndex <= replica.lastApplied;
    if (!isWhole) throw this.#failure ?? new SnapshotDamagedError('storage', 0, 'none is left');
    return null;
  }

  #restorePortion(): void {
    try {
      this.#restoring?.read(new Portion(this.#host.clock));
    } catch (error) {
      this.#failure = error;
    }
  }

  #finishRestore(): void {
    const { replica } = this.#host;
    const restoring = this.#restoring;
    if (restoring === null) return;
    this.#restoring = null;
    const { index } = restoring.snapshot.mark;
    invariant(index >= replica.lastApplied, () => `A snapshot of entry ${index} is older than the state.`);
    replica.lastApplied = index;
    replica.commitIndex = Math.max(replica.commitIndex, index);
    this.#bytesAtCapture = this.#bytesApplied;
    this.#host.restored();
    this.#host.tell({ type: 'restored', snapshot: restoring.snapshot });
  }

  #fallBack(): void {
    const restoring = this.#restoring;
    if (restoring === null) return;
    const { mark } = restoring.snapshot;
    this.#host.tell({ type: 'damaged', snapshot: restoring.snapshot, error: this.#failure });
    this.#refused.add(mark.index);
    if (!(this.#failure instanceof ConclaveError)) {
      const text = `The application cannot be restored from the snapshot of entry ${mark.index}: ${messageOf(this.#failure)}`;
      this.#failure = new ApplicationError(text, { cause: this.#failure });
    }
    const failure = this.#failure;
    this.#newest = this.#restorable();
    this.#failure = failure;
  }

  #capture(): void {
    const { application, store, options } = this.#host;
    const mark = this.#mark();
    this.#failure = null;
    try {
      const sections = [
        nodeSection(this.#host.sessions)[Symbol.iterator](),
        requireChunks(application.snapshot?.()),
      ];
      const chunkBytes = () => Math.min(options.limits.appendBytesMax, chunkBytesMax);
      this.#taking = new Taking(mark, sections, store.beginSnapshot(mark), chunkBytes);
      this.#bytesAtCapture = this.#bytesApplied;
    } catch (error) {
      this.#noteTakingFailure(error);
    }
  }

  #mark(): SnapshotMark {
    const { replica } = this.#host;
    const { lastApplied: index, log } = replica;
    const term = log.termAt(index);
    invariant(term !== null, () => `Entry ${index} is applied, and its term not known.`);
    const { configuration, index: configurationIndex } = replica.configurations.at(index);
    return { index, term, configuration: configuration.data, configurationIndex };
  }

  #writePortion(): void {
    try {
      this.#taking?.write(new Portion(this.#host.clock));
    } catch (error) {
      this.#noteTakingFailure(error);
    }
  }

  /** What the application does wrong costs a snapshot; a disk that fails costs the node. */
  #noteTakingFailure(error: unknown): void {
    const isApplications = !(error instanceof ConclaveError) || error instanceof ApplicationError;
    if (!isApplications) throw error;
    this.#failure = error;
  }

  #reportFailure(): void {
    const text = `The application failed to give a snapshot: ${messageOf(this.#failure)}. The log is kept.`;
    const error = new ApplicationError(text, { cause: this.#failure });
    this.#giveUpTaking();
    this.#failure = null;
    // Not again at once: it would fail again.
    this.#bytesAtCapture = this.#bytesApplied;
    this.#answer(error);
    this.#warn(error.message);
  }

  #commit(): void {
    const stored = this.#taking?.commit() ?? null;
    this.#taking = null;
    if (stored === null) return;
    this.#newest = stored;
    this.#isCompacted = false;
    this.#host.tell({ type: 'taken', snapshot: stored });
    this.#answer(stored);
  }

  #giveUpTaking(): void {
    this.#taking?.abandon();
    this.#taking = null;
  }

  #dropLog(): void {
    const { store, replica, options, clock } = this.#host;
    const index = retainedIndex(replica, store.snapshots, clock.now(), options.timings.electionTimeoutMsMax);
    this.#isCompacted = true;
    if (index <= 0) return;
    const { firstIndex } = store;
    store.dropThrough(index);
    this.#isCompacted = store.firstIndex === firstIndex;
    replica.log.dropThrough(Math.max(replica.log.baseIndex, store.firstIndex - 1));
    replica.configurations.dropThrough(Math.min(replica.lastApplied, replica.log.baseIndex));
    this.#host.compacted();
  }

  #refuse(): void {
    if (this.#host.application.snapshot !== undefined) {
      this.#answer(new SnapshotUnavailableError('Nothing is applied yet that a snapshot could hold.'));
      return;
    }
    const text =
      'The application has no methods snapshot and restore: the log is kept whole, and a node that starts applies all of it.';
    this.#answer(new SnapshotUnavailableError(text));
    if (!this.#toldUnable) this.#warn(text);
    this.#toldUnable = true;
    this.#bytesAtCapture = this.#bytesApplied;
  }

  #warn(message: string): void {
    this.#host.tell({ type: 'unavailable', message });
  }

  #answer(outcome: SnapshotOutcome): void {
    for (const reply of this.#waiting.splice(0)) reply(outcome);
  }

  /** The machine with every name bound. */
  #bind(): typeof snapshotMachine {
    return snapshotMachine.provide({
      guards: {
        isRestored: () => this.#failure === null && (this.#restoring === null || this.#restoring.isDone),
        canTake: () =>
          this.#host.application.snapshot !== undefined &&
          this.#host.replica.lastApplied > (this.#newest?.mark.index ?? 0),
        isWritten: () => this.#taking?.isWritten === true,
        isCompacted: () => this.#isCompacted,
        hasFailed: () => this.#failure !== null,
      },
      actions: {
        beginRestore: () => this.#beginRestore(),
        restorePortion: () => this.#restorePortion(),
        finishRestore: () => this.#finishRestore(),
        fallBack: () => this.#fallBack(),
        refuse: () => this.#refuse(),
        capture: () => this.#capture(),
        writePortion: () => this.#writePortion(),
        commit: () => this.#commit(),
        dropLog: () => this.#dropLog(),
        giveUp: () => {
          this.#giveUpTaking();
          if (this.#newest !== null) this.#answer(this.#newest);
        },
        noteFailure: () => this.#reportFailure(),
      },
    });
  }
}
