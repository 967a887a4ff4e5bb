import { ClosedError, type ConclaveError } from '../ground/errors.js';
import type { HardState, LogIndex } from '../raft/entry.js';
import { RunSequence } from '../raft/run-sequence.js';
import type { LogSeal, SealMark } from '../wire/log-seal.js';
import { cutSealedRun, type SealedRun } from '../wire/packed-runs.js';
import { lastIndexAfter } from './batch.js';
import { NotRecoveredError, WrongKeyError } from './errors.js';
import type { Recovered, Storage, WriteBatch } from './storage.js';

/**
 * The write-ahead log's twin without a disk. The object plays the medium: what was synced survives the node and is
 * found again by the `recover` of whoever is handed the same object; what was only written is lost with `close`,
 * or with the next `recover`, as it would be in a crash. Nothing is sealed for it until it is recovered.
 */
export class MemoryStorage implements Storage {
  #hardState: HardState = { term: 0, votedFor: null };
  readonly #runs = new RunSequence<SealedRun>(cutSealedRun);
  /** Written and not synced, in order. Bounded by the caller, who syncs once a turn. */
  #unsynced: WriteBatch[] = [];
  /** What was recovered last sealed with this. */
  #seal: SealMark | null = null;
  #lastIndex: LogIndex = 0;
  #refusal: ConclaveError | null = new NotRecoveredError();

  recover(seal: LogSeal | null = null): Recovered {
    if (seal !== null && this.#seal !== null && !seal.knows(this.#seal)) {
      throw new WrongKeyError('memory', this.#seal, seal.mark);
    }
    this.#seal = seal?.mark ?? this.#seal;
    this.#unsynced = [];
    this.#lastIndex = this.#runs.lastIndex;
    this.#refusal = null;
    return { hardState: this.#hardState, runs: [...this.#runs], tornBytes: 0 };
  }

  write(batch: WriteBatch): void {
    if (this.#refusal !== null) throw this.#refusal;
    try {
      this.#lastIndex = lastIndexAfter(batch, this.#lastIndex);
    } catch (error) {
      this.#refusal = error as ConclaveError;
      throw error;
    }
    this.#unsynced.push(batch);
  }

  sync(): void {
    if (this.#refusal !== null) throw this.#refusal;
    for (const { hardState, runs } of this.#unsynced) {
      if (hardState !== null) this.#hardState = hardState;
      this.#runs.replaceWith(runs);
    }
    this.#unsynced = [];
  }

  get lastIndex(): LogIndex {
    return this.#lastIndex;
  }

  close(): void {
    this.#unsynced = [];
    this.#refusal = new ClosedError('The storage');
  }
}
