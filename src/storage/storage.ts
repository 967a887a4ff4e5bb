import type { HardState, LogIndex } from '../raft/entry.js';
import type { LogSeal } from '../wire/log-seal.js';
import type { SealedRun } from '../wire/packed-runs.js';

/**
 * What one turn of a node asks to be made durable: one batch, written as one record. A very large one is several: of
 * it a crash may leave the first runs, with term and vote, and not the last.
 */
export interface WriteBatch {
  /** Present when term or vote changed. */
  readonly hardState: HardState | null;
  /**
   * Consecutive runs. The first one's first index is at most one past the last stored index; whatever is stored at or
   * after it is replaced, also within a run (an entry that conflicts is always followed by nothing of the old log, §5.3).
   */
  readonly runs: readonly SealedRun[];
}

/** What was found on stable storage. */
export interface Recovered {
  readonly hardState: HardState;
  /** All entries, the first with index 1, as they were sealed: who has the cipher opens them. */
  readonly runs: readonly SealedRun[];
  /** Bytes cut from a torn tail, 0 when the end was clean. */
  readonly tornBytes: number;
}

/**
 * A node's stable storage. Synchronous, so that the caller decides what happens between `write` and `sync`.
 * After any method has thrown the storage is failed for good: every later call throws, and the truth is what
 * a fresh one recovers. A sync is never retried.
 */
export interface Storage {
  /**
   * Reads everything back. Called once, before anything else. A log that was sealed under another cipher or key than
   * these is refused, and left as it is; without them nobody asks, and what is written says nothing of its seals.
   */
  recover(seal?: LogSeal): Recovered;
  /** Hands the batch to the medium. Not durable until `sync` returns. */
  write(batch: WriteBatch): void;
  /** Returns once every batch written so far is durable. */
  sync(): void;
  /** The last index handed to `write`. */
  readonly lastIndex: LogIndex;
  /** Releases files and locks. Does not sync. */
  close(): void;
}
