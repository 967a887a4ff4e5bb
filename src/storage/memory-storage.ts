import { ClosedError, type ConclaveError } from '../ground/errors.js';
import type { ConfigurationData } from '../raft/configuration.js';
import type { HardState, LogIndex } from '../raft/entry.js';
import type { LogBase } from '../raft/log.js';
import { lastIndexOf } from '../raft/run.js';
import { RunSequence } from '../raft/run-sequence.js';
import type { SnapshotMark } from '../raft/snapshot.js';
import type { LogSeal, SealMark } from '../wire/log-seal.js';
import { cutSealedRun, type SealedRun } from '../wire/packed-runs.js';
import { lastIndexAfter } from './batch.js';
import { InvalidSnapshotError, NotRecoveredError, SnapshotDamagedError, WrongKeyError } from './errors.js';
import { lastAtOrBefore } from './log-map.js';
import { requireChunk, requireDroppable, requireNewest, requireStored } from './snapshot-rules.js';
import {
  type Recovered,
  type SnapshotPortion,
  type SnapshotWriter,
  type Storage,
  type StoredSnapshot,
  snapshotsKept,
  type WriteBatch,
} from './storage.js';

interface MemorySnapshot extends StoredSnapshot {
  readonly chunks: readonly Uint8Array[];
  /** Where each chunk begins. */
  readonly positions: readonly number[];
}

/**
 * The write-ahead log's twin without a disk. The object plays the medium: what was synced survives the node and is
 * found again by the `recover` of whoever is handed the same object; what was only written is lost with `close`,
 * or with the next `recover`, as it would be in a crash. Nothing is sealed for it until it is recovered.
 */
export class MemoryStorage implements Storage {
  #hardState: HardState = { term: 0, votedFor: null };
  #birth: ConfigurationData | null = null;
  #runs = new RunSequence<SealedRun>(cutSealedRun);
  #baseTerm = 0;
  /** Newest first. */
  #snapshots: readonly MemorySnapshot[] = [];
  /** Written and not synced, in order. Bounded by the caller, who syncs once a turn. */
  #unsynced: WriteBatch[] = [];
  /** What was recovered last sealed with this. */
  #seal: SealMark | null = null;
  #lastIndex: LogIndex = 0;
  #refusal: ConclaveError | null = new NotRecoveredError();
  /** Writers of earlier lives write nothing more. */
  #life = 0;

  recover(seal: LogSeal | null = null, birth: ConfigurationData | null = null): Recovered {
    if (seal !== null && this.#seal !== null && !seal.knows(this.#seal)) {
      throw new WrongKeyError('memory', this.#seal, seal.mark);
    }
    this.#seal = seal?.mark ?? this.#seal;
    this.#birth ??= birth;
    this.#life++;
    this.#unsynced = [];
    const newest = this.#snapshots[0]?.mark;
    if (newest !== undefined && this.#termAt(newest.index) !== newest.term) this.#restart(newest);
    this.#lastIndex = this.#runs.lastIndex;
    this.#refusal = null;
    return {
      hardState: this.#hardState,
      birth: this.#birth,
      base: { index: this.#runs.baseIndex, term: this.#baseTerm },
      runs: [...this.#runs],
      snapshots: this.snapshots,
      damagedSnapshots: 0,
      tornBytes: 0,
    };
  }

  write(batch: WriteBatch): void {
    this.#do(() => {
      this.#lastIndex = lastIndexAfter(batch, this.#lastIndex, this.#runs.baseIndex);
      this.#unsynced.push(batch);
    });
  }

  sync(): void {
    this.#do(() => this.#flush());
  }

  get firstIndex(): LogIndex {
    return this.#runs.baseIndex + 1;
  }

  get lastIndex(): LogIndex {
    return this.#lastIndex;
  }

  read(from: LogIndex, bytesMax: number): SealedRun[] {
    return this.#do(() => {
      const runs: SealedRun[] = [];
      let bytes = 0;
      if (from < this.firstIndex) return runs;
      for (const run of this.#runs.runsFrom(from)) {
        bytes += run.sealed.length;
        if (runs.length > 0 && bytes > bytesMax) break;
        runs.push(run);
      }
      return runs;
    });
  }

  get snapshots(): readonly StoredSnapshot[] {
    return this.#snapshots.map(({ mark, bytes }) => ({ mark, bytes }));
  }

  beginSnapshot(mark: SnapshotMark): SnapshotWriter {
    return this.#do(() => {
      requireNewest(mark, this.#snapshots);
      const life = this.#life;
      const chunks: Uint8Array[] = [];
      const positions: number[] = [];
      let bytes = 0;
      let isOver = false;
      const requireOpen = () => {
        if (isOver || life !== this.#life) throw new InvalidSnapshotError('this one is written or given up');
      };
      return {
        write: (chunk) =>
          this.#do(() => {
            requireOpen();
            requireChunk(chunk);
            if (chunk.length === 0) return;
            chunks.push(Uint8Array.from(chunk));
            positions.push(bytes);
            bytes += chunk.length;
          }),
        commit: () =>
          this.#do(() => {
            requireOpen();
            requireNewest(mark, this.#snapshots);
            isOver = true;
            const others = this.#snapshots.filter((other) => other.mark.index !== mark.index);
            this.#snapshots = [{ mark, bytes, chunks, positions }, ...others].slice(0, snapshotsKept);
            return { mark, bytes };
          }),
        abandon: () => {
          isOver = true;
        },
      };
    });
  }

  readSnapshot(mark: SnapshotMark, position: number): SnapshotPortion {
    if (this.#refusal !== null) throw this.#refusal;
    const found = this.#snapshots.find((other) => other.mark.index === mark.index);
    if (found?.mark.term !== mark.term) {
      throw new SnapshotDamagedError('memory', mark.index, 'it is not there');
    }
    const { chunks, positions, bytes } = found;
    if (bytes === 0 && position === 0) return { chunk: new Uint8Array(0), next: null };
    if (position < 0 || position >= bytes) {
      throw new InvalidSnapshotError(`it has ${bytes} bytes and none at ${position}`);
    }
    const at = lastAtOrBefore(positions, (start) => start, position);
    const chunk = chunks[at] as Uint8Array;
    const start = positions[at] as number;
    const next = start + chunk.length;
    return { chunk: chunk.slice(position - start), next: next === bytes ? null : next };
  }

  dropThrough(index: LogIndex): void {
    this.#do(() => {
      requireDroppable(index, this.#snapshots);
      // What stands by itself here is a run.
      const run = this.#runs.at(Math.min(index, this.#runs.lastIndex));
      if (run === null) return;
      const through = lastIndexOf(run) <= index ? lastIndexOf(run) : run.firstIndex - 1;
      const base = { index: through, term: this.#termAt(through) ?? 0 };
      this.#runs.dropThrough(through);
      this.#baseTerm = base.term;
    });
  }

  restartAt(base: LogBase): void {
    this.#do(() => {
      requireStored(base, this.#snapshots);
      this.#flush();
      this.#restart(base);
      this.#lastIndex = base.index;
    });
  }

  close(): void {
    this.#unsynced = [];
    this.#life++;
    this.#refusal = new ClosedError('The storage');
  }

  #flush(): void {
    for (const { hardState, runs } of this.#unsynced) {
      if (hardState !== null) this.#hardState = hardState;
      this.#runs.replaceWith(runs);
    }
    this.#unsynced = [];
  }

  #restart(base: LogBase): void {
    this.#runs = new RunSequence<SealedRun>(cutSealedRun, base.index);
    this.#baseTerm = base.term;
    this.#snapshots = this.#snapshots.filter(({ mark }) => mark.index >= base.index);
  }

  #termAt(index: LogIndex): number | null {
    return index === this.#runs.baseIndex ? this.#baseTerm : (this.#runs.at(index)?.term ?? null);
  }

  /** What throws is the last word. */
  #do<Result>(act: () => Result): Result {
    if (this.#refusal !== null) throw this.#refusal;
    try {
      return act();
    } catch (error) {
      this.#refusal = error as ConclaveError;
      throw error;
    }
  }
}
