import { expect } from 'chai';
import { Random } from '../../src/ground/random.js';
import { LogReader } from '../../src/node/disk/log-reader.js';
import type { Run } from '../../src/raft/run.js';
import { MemoryStorage } from '../../src/storage/memory-storage.js';
import { createCipher } from '../../src/wire/create-cipher.js';
import { RunSeals } from '../../src/wire/run-seals.js';
import { replicaOf, runOf, runsOf } from '../raft/replicas.js';

describe('A log that is read back from disk', () => {
  it('is as it is now, where the disk held other entries when it was read before', () => {
    const terms = [1, 1, 1, 2, 2];
    const replica = replicaOf({ log: terms, term: 3 });
    const store = new MemoryStorage();
    store.recover();
    const seals = new RunSeals(createCipher({ kind: 'none' }, new Random(1)));
    const write = (...runs: Run[]) => {
      store.write({ hardState: null, runs: runs.map((run) => seals.sealed(run)) });
      store.sync();
    };
    write(...runsOf(...terms));
    replica.log.dropThrough(3);
    const reader = new LogReader(replica, store, seals);
    const termsOf = (from: number, to: number) =>
      reader.range(from, to).map(({ term, count }) => [term, count]);
    expect(termsOf(1, 5)).deep.equal([
      [1, 3],
      [2, 2],
    ]);
    // Another leader replaces what memory held, it is applied, and memory gives it up.
    replica.log.truncateFrom(5);
    const next = runOf(5, 2, 3);
    replica.log.append([next]);
    write(next);
    replica.log.takeUnwritten();
    replica.log.markDurable(replica.log.lastIndex);
    replica.log.dropThrough(6);
    expect([4, 5, 6].map((index) => reader.termAt(index))).deep.equal([2, 3, 3]);
    expect(reader.slice(4, 1_000).map(({ firstIndex, term }) => [firstIndex, term])).deep.equal([
      [4, 2],
      [5, 3],
    ]);
    expect(termsOf(4, 6)).deep.equal([
      [2, 1],
      [3, 2],
    ]);
  });
});
