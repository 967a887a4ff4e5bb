import type { HardState, LogIndex, Term } from '../../src/raft/entry.js';
import { lastIndexOf } from '../../src/raft/run.js';
import type { Recovered, Storage, WriteBatch } from '../../src/storage/storage.js';
import type { SealedRun } from '../../src/wire/packed-runs.js';

/** A run whose sealed bytes are the given text: a storage does not look into them. */
export function run(
  firstIndex: LogIndex,
  count: number,
  term: Term,
  text = `${count} from ${firstIndex} of term ${term}`,
): SealedRun {
  return { firstIndex, count, term, kind: 'command', sealed: new TextEncoder().encode(text) };
}

/** A run of one entry. */
export function entry(index: LogIndex, term: Term, text = `entry ${index} of term ${term}`): SealedRun {
  return run(index, 1, term, text);
}

export function batchOf(hardState: HardState | null, ...runs: SealedRun[]): WriteBatch {
  return { hardState, runs };
}

/** Writes and syncs. */
export function put(storage: Storage, ...batches: WriteBatch[]): void {
  for (const batch of batches) {
    storage.write(batch);
    storage.sync();
  }
}

/** What was recovered, entry by entry, in a form that compares and reads well. */
export function contentOf({ hardState, runs }: Pick<Recovered, 'hardState' | 'runs'>): {
  hardState: HardState;
  entries: string[];
} {
  return {
    hardState: { term: hardState.term, votedFor: hardState.votedFor },
    entries: runs.flatMap(entriesOf),
  };
}

function entriesOf({ firstIndex, count, term, kind, sealed }: SealedRun): string[] {
  const text = Buffer.from(sealed).toString('latin1');
  return Array.from({ length: count }, (_, at) => `${firstIndex + at}/${term} ${kind} ${at} in ${text}`);
}

/** What a storage holds after these batches, said naively. */
export function modelOf(batches: readonly WriteBatch[]): ReturnType<typeof contentOf> {
  let hardState: HardState = { term: 0, votedFor: null };
  const entries: string[] = [];
  for (const batch of batches) {
    if (batch.hardState !== null) hardState = batch.hardState;
    const first = batch.runs[0];
    if (first === undefined) continue;
    entries.length = first.firstIndex - 1;
    entries.push(...batch.runs.flatMap(entriesOf));
  }
  return { hardState: { term: hardState.term, votedFor: hardState.votedFor }, entries };
}

/** The last index of consecutive runs that begin at 1. */
export function lastIndexIn(runs: readonly SealedRun[]): LogIndex {
  const last = runs.at(-1);
  return last === undefined ? 0 : lastIndexOf(last);
}
