import type { ConfigurationData } from '../raft/configuration.js';
import type { HardState, LogIndex } from '../raft/entry.js';
import type { LogBase } from '../raft/log.js';
import type { SnapshotMark } from '../raft/snapshot.js';
import type { LogSeal } from '../wire/log-seal.js';
import type { SealedRun } from '../wire/packed-runs.js';

/** The most bytes in one chunk of a snapshot. */
export const chunkBytesMax = 1024 * 1024;
/** Snapshots that are kept, so that there is one to fall back to. */
export const snapshotsKept = 2;

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

/** A snapshot that is stored whole. */
export interface StoredSnapshot {
  readonly mark: SnapshotMark;
  /** Of all its chunks together. */
  readonly bytes: number;
}

/** What was found on stable storage. The newest snapshot, if there is one, ends within the log or where that begins. */
export interface Recovered {
  readonly hardState: HardState;
  /** The configuration that the cluster was made with; null when that was never said. */
  readonly birth: ConfigurationData | null;
  /** What the stored log follows: index 0 and term 0 where it has its first entry. */
  readonly base: LogBase;
  /** All entries after the base, as they were sealed: who has the cipher opens them. */
  readonly runs: readonly SealedRun[];
  /**
   * Snapshots that the log goes on from, newest first. Whether their chunks are whole shows when they are read; one
   * that is not leaves the next, with the entries that follow it.
   */
  readonly snapshots: readonly StoredSnapshot[];
  /** Newer snapshots that were passed over because they are damaged. */
  readonly damagedSnapshots: number;
  /** Bytes cut from a torn tail, 0 when the end was clean. */
  readonly tornBytes: number;
}

/** A snapshot that is being written. Nobody finds it before `commit`, and nothing of it is left after `abandon`, or a crash. */
export interface SnapshotWriter {
  /**
   * Adds a chunk of at most `chunkBytesMax` bytes; an empty one adds nothing. What was written is made durable in
   * portions, so that neither this nor `commit` takes long.
   */
  write(chunk: Uint8Array): void;
  /** Makes the snapshot durable, and gives up older ones than the newest `snapshotsKept`. */
  commit(): StoredSnapshot;
  /** Gives it up. Does nothing after `commit`. */
  abandon(): void;
}

/** A piece of a snapshot's content. */
export interface SnapshotPortion {
  /** A chunk as it was written, or the rest of one from the position on; empty only where the snapshot is. */
  readonly chunk: Uint8Array;
  /** Where the next chunk begins; null at the end. */
  readonly next: number | null;
}

/**
 * A node's stable storage: term and vote, the log, and snapshots of what is applied. Synchronous, so that the caller
 * decides what happens between `write` and `sync`.
 *
 *     log        base ─┬─ entries ─────────────────────── lastIndex      `firstIndex` = base + 1
 *     snapshots        older ── newer                                   each ends at the base or after it
 *
 * After any method has thrown the storage is failed for good: every later call throws, and the truth is what a fresh
 * one recovers. A sync is never retried. Only a damaged snapshot leaves it as it was: it is given up.
 */
export interface Storage {
  /**
   * Reads everything back. Called once, before anything else. A log that was sealed under another cipher or key than
   * these is refused, and left as it is; without them nobody asks, and what is written says nothing of its seals.
   * Where a crash came between an installed snapshot and the `restartAt` that was due, that is done now: the log that
   * is found follows the newest snapshot or holds its last entry.
   * @param birth the configuration that the cluster is made with: written into storage that does not say any yet.
   */
  recover(seal?: LogSeal | null, birth?: ConfigurationData | null): Recovered;
  /** Hands the batch to the medium. Not durable until `sync` returns. */
  write(batch: WriteBatch): void;
  /** Returns once every batch written so far is durable. */
  sync(): void;
  /** The first index that the stored log has or would have: one past its base. It may have more than was asked to be kept. */
  readonly firstIndex: LogIndex;
  /** The last index handed to `write`. */
  readonly lastIndex: LogIndex;
  /**
   * Entries from `from` on, read back from the medium as far as they are durable: at least one if it is stored, and
   * then as many as have `bytesMax` sealed bytes together. The first run may begin before `from`: what was sealed
   * cannot be cut there.
   */
  read(from: LogIndex, bytesMax: number): SealedRun[];
  /** The snapshots that are stored and not known to be damaged, newest first. */
  readonly snapshots: readonly StoredSnapshot[];
  /**
   * Begins to write a snapshot, which must not be older than the newest one. It may stand for entries that the log has
   * not yet; then `restartAt` follows. Several can be begun at once.
   */
  beginSnapshot(mark: SnapshotMark): SnapshotWriter;
  /**
   * Reads a piece of a stored snapshot.
   * @param position in bytes of its content, 0 for the beginning.
   * @throws SnapshotDamagedError when it does not check: it is given up, and the storage goes on without it.
   */
  readSnapshot(mark: SnapshotMark, position: number): SnapshotPortion;
  /**
   * Gives up entries at the beginning of the log that are not after `index`, as far as they stand by themselves, a few
   * files a call. `index` is at most that of the oldest kept snapshot.
   */
  dropThrough(index: LogIndex): void;
  /**
   * Gives up the whole log: it goes on after `base`, which is where a stored snapshot ends (§7: an installed snapshot
   * that is ahead of the log or conflicts with it). Durable when it returns, with all that was written before; term
   * and vote stay as they are. Snapshots that end before `base` are given up with the log.
   */
  restartAt(base: LogBase): void;
  /** Releases files and locks. Does not sync. */
  close(): void;
}
