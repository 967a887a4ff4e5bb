import type { LogIndex } from '../raft/entry.js';
import type { LogBase } from '../raft/log.js';
import type { SnapshotMark } from '../raft/snapshot.js';
import { InvalidSnapshotError } from './errors.js';
import { chunkBytesMax, type StoredSnapshot } from './storage.js';

/*
 * What callers owe a storage's snapshots, whatever it stores on. Snapshots come newest first. All throw
 * InvalidSnapshotError.
 */

/** A server never goes back to an older state (§7). */
export function requireNewest({ index }: SnapshotMark, [newest]: readonly StoredSnapshot[]): void {
  if (index < 1) throw new InvalidSnapshotError(`a snapshot of entry ${index}, before the first`);
  if (newest === undefined || newest.mark.index <= index) return;
  throw new InvalidSnapshotError(`a snapshot of entry ${index} after one of entry ${newest.mark.index}`);
}

export function requireChunk({ length }: Uint8Array): void {
  if (length <= chunkBytesMax) return;
  throw new InvalidSnapshotError(`a chunk of ${length} bytes; it may have ${chunkBytesMax}`);
}

/** The log is given up only where every kept snapshot stands for it. */
export function requireDroppable(index: LogIndex, snapshots: readonly StoredSnapshot[]): void {
  const oldest = snapshots.at(-1);
  if (oldest !== undefined && index <= oldest.mark.index) return;
  const kept = oldest === undefined ? 'no snapshot is kept' : `a snapshot of ${oldest.mark.index} is kept`;
  throw new InvalidSnapshotError(`the log is to be given up through entry ${index}, and ${kept}`);
}

/** A log begins where a stored snapshot ends. */
export function requireStored({ index, term }: LogBase, snapshots: readonly StoredSnapshot[]): void {
  if (snapshots.some(({ mark }) => mark.index === index && mark.term === term)) return;
  throw new InvalidSnapshotError(
    `the log is to follow entry ${index} (term ${term}), without a snapshot of it`,
  );
}
