import { markOf } from '../../raft/install-snapshot.js';
import type { InstallSnapshot } from '../../raft/messages.js';
import type { SnapshotMark } from '../../raft/snapshot.js';
import type { LogStore } from '../../storage/disk.js';
import type { SnapshotWriter } from '../../storage/storage.js';

interface Copy {
  /** Who sends it, in which term: in a term a leader has one life and one snapshot of an entry. */
  readonly from: number;
  readonly term: number;
  readonly mark: SnapshotMark;
  readonly writer: SnapshotWriter;
  position: number;
}

/** How many chunks came, how many of them after one that was lost, and what snapshots were not needed, or not to the end. */
export interface ArrivalCounts {
  chunks: number;
  gaps: number;
  abandoned: number;
  /** Older than the state here. */
  known: number;
  /** The log had what they stand for. */
  matching: number;
}

/** The part of a leader's snapshot that has come so far, on this node's disk. */
export class ArrivingSnapshot {
  readonly #store: LogStore;
  /** What became of chunks and copies: for metrics. */
  readonly counts: ArrivalCounts = { chunks: 0, gaps: 0, abandoned: 0, known: 0, matching: 0 };
  #copy: Copy | null = null;

  constructor(store: LogStore) {
    this.#store = store;
  }

  /** The snapshot that is arriving, or null. */
  get mark(): SnapshotMark | null {
    return this.#copy?.mark ?? null;
  }

  /** How much of it is there, in bytes. */
  get position(): number {
    return this.#copy?.position ?? 0;
  }

  /**
   * Takes a chunk, if it is the next. Another snapshot than the one before, or another's, begins anew.
   * @returns where the next has to begin; null when the snapshot is stored whole and durable
   */
  take(message: InstallSnapshot): number | null {
    if (this.#isOutdated(message)) return 0;
    const copy = this.#copyFor(message);
    this.counts.chunks++;
    if (message.position !== copy.position) {
      if (message.position > copy.position) this.counts.gaps++;
      return copy.position;
    }
    copy.writer.write(message.chunk);
    copy.position += message.chunk.length;
    if (!message.done) return copy.position;
    copy.writer.commit();
    this.#copy = null;
    return null;
  }

  abandon(): void {
    if (this.#copy === null) return;
    this.counts.abandoned++;
    this.#copy.writer.abandon();
    this.#copy = null;
  }

  /** Its sender is at a newer one by now. */
  #isOutdated({ from, term, lastIncludedIndex }: InstallSnapshot): boolean {
    const copy = this.#copy;
    return copy?.from === from && copy.term === term && lastIncludedIndex < copy.mark.index;
  }

  #copyFor(message: InstallSnapshot): Copy {
    const { from, term, lastIncludedIndex, lastIncludedTerm } = message;
    const copy = this.#copy;
    if (copy?.from === from && copy.term === term) {
      const { index, term: markTerm } = copy.mark;
      if (index === lastIncludedIndex && markTerm === lastIncludedTerm) return copy;
    }
    this.abandon();
    const mark = markOf(message);
    this.#copy = { from, term, mark, writer: this.#store.beginSnapshot(mark), position: 0 };
    return this.#copy;
  }
}
