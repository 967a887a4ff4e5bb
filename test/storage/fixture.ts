import { fileURLToPath } from 'node:url';
import type { Storage, WriteBatch } from '../../src/storage/storage.js';
import { batchOf, entry, put, run } from './entries.js';
import { birth, markOf, take } from './snapshots.js';

/* The logs that the fixtures of the disk's formats hold, and where those are. */

export const identity = { clusterId: 'fixture ü', nodeId: 4, segmentBytes: 4096 };

export function fixtureOf(formatVersion: number): string {
  return fileURLToPath(new URL(`../../../test/storage/fixtures/format-${formatVersion}`, import.meta.url));
}

const ofFormat1: readonly WriteBatch[] = [
  batchOf({ term: 1, votedFor: 0 }, { ...entry(1, 1, ''), kind: 'noop' }),
  batchOf(null, entry(2, 1, 'replaced'), entry(3, 1, 'cut off')),
  batchOf({ term: 2, votedFor: null }),
  batchOf(null, entry(2, 2, 'second'), { ...entry(3, 2, '[0,1,2]'), kind: 'configuration' }),
  batchOf({ term: 3, votedFor: 2 }, entry(4, 3, '\0'.repeat(1200)), entry(5, 3, 'ü'.repeat(1500))),
  batchOf(null, entry(6, 3, 'last')),
];

const ofFormat2: readonly WriteBatch[] = [
  ...ofFormat1,
  batchOf({ term: 4, votedFor: 4 }, run(7, 300, 4, 'in a run'), run(307, 2, 4, 'in another')),
  batchOf(null, { ...run(200, 70_000, 5, 'many'), kind: 'configuration' }),
  batchOf(null, run(210, 3, 6, 'within the run before')),
];

/** By format version: the batches that were written. */
export const fixtureBatches: ReadonlyMap<number, readonly WriteBatch[]> = new Map([
  [1, ofFormat1],
  [2, ofFormat2],
  [3, ofFormat2],
]);

/** Writes the fixture of the present format, into a storage that is empty. */
export function writeFixture(storage: Storage): void {
  storage.recover(null, birth);
  for (const [order, batch] of ofFormat2.entries()) {
    put(storage, batch);
    if (order === ofFormat1.length - 1) {
      take(storage, markOf(5, 3), 'state of 5');
      storage.dropThrough(5);
    }
  }
  take(storage, markOf(209, 5), 'state', 'of 209');
  storage.close();
}
