import { Configuration } from '../../src/raft/configuration.js';
import type { LogIndex, Term } from '../../src/raft/entry.js';
import type { SnapshotMark } from '../../src/raft/snapshot.js';
import type { Storage, StoredSnapshot } from '../../src/storage/storage.js';

export const birth = Configuration.of([0, 1, 2], [3]).data;

export function markOf(index: LogIndex, term: Term = 1): SnapshotMark {
  return { index, term, configuration: birth, configurationIndex: 0 };
}

/** Writes a snapshot whose chunks are the texts. */
export function take(storage: Storage, mark: SnapshotMark, ...texts: readonly string[]): StoredSnapshot {
  const writer = storage.beginSnapshot(mark);
  for (const text of texts) writer.write(Buffer.from(text));
  return writer.commit();
}

/** The chunks of a stored snapshot, from a position on. */
export function chunksOf(storage: Storage, mark: SnapshotMark, position = 0): string[] {
  const chunks: string[] = [];
  for (let at: number | null = position; at !== null; ) {
    const { chunk, next } = storage.readSnapshot(mark, at);
    chunks.push(Buffer.from(chunk).toString());
    at = next;
  }
  return chunks;
}
