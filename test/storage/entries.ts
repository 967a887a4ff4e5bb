import type { Entry, HardState, LogIndex, Term } from '../../src/raft/entry.js';
import type { Recovered, Storage, WriteBatch } from '../../src/storage/storage.js';

/** An entry whose bytes are the given text. */
export function entry(index: LogIndex, term: Term, text = `entry ${index} of term ${term}`): Entry {
  return { index, term, kind: 'command', bytes: new TextEncoder().encode(text) };
}

export function batchOf(hardState: HardState | null, ...entries: Entry[]): WriteBatch {
  return { hardState, entries };
}

/** Writes and syncs. */
export function put(storage: Storage, ...batches: WriteBatch[]): void {
  for (const batch of batches) {
    storage.write(batch);
    storage.sync();
  }
}

/** What was recovered, in a form that compares and reads well. */
export function contentOf({ hardState, entries }: Pick<Recovered, 'hardState' | 'entries'>): {
  hardState: HardState;
  entries: string[];
} {
  return {
    hardState: { term: hardState.term, votedFor: hardState.votedFor },
    entries: entries.map(
      ({ index, term, kind, bytes }) => `${index}/${term} ${kind} ${Buffer.from(bytes).toString('latin1')}`,
    ),
  };
}

/** What a storage holds after these batches, said naively. */
export function modelOf(batches: readonly WriteBatch[]): ReturnType<typeof contentOf> {
  let hardState: HardState = { term: 0, votedFor: null };
  const entries = new Map<LogIndex, Entry>();
  for (const batch of batches) {
    if (batch.hardState !== null) hardState = batch.hardState;
    const first = batch.entries[0];
    if (first !== undefined) {
      for (const index of [...entries.keys()]) if (index >= first.index) entries.delete(index);
    }
    for (const added of batch.entries) entries.set(added.index, added);
  }
  return contentOf({ hardState, entries: [...entries.values()] });
}
