import { expect } from 'chai';
import { MemoryStorage } from '../../src/storage/memory-storage.js';
import { storageConformance } from './conformance.js';
import { batchOf, entry, put, run } from './entries.js';
import { snapshotConformance } from './snapshot-conformance.js';

for (const conformance of [storageConformance, snapshotConformance]) {
  conformance('MemoryStorage', () => {
    const storage = new MemoryStorage();
    return { open: () => storage, dispose: () => {} };
  });
}

describe('MemoryStorage', () => {
  it('loses what was written and not synced when it is closed', () => {
    const storage = new MemoryStorage();
    storage.recover();
    put(storage, batchOf({ term: 1, votedFor: 0 }, entry(1, 1), entry(2, 1)));
    storage.write(batchOf({ term: 2, votedFor: 1 }, entry(1, 2)));
    storage.close();
    const { hardState, runs } = storage.recover();
    expect(hardState).to.deep.equal({ term: 1, votedFor: 0 });
    expect(runs).to.deep.equal([entry(1, 1), entry(2, 1)]);
  });

  it('loses it too when its node crashed without closing', () => {
    const storage = new MemoryStorage();
    storage.recover();
    storage.write(batchOf({ term: 2, votedFor: 1 }, entry(1, 2)));
    expect(storage.recover().runs).to.deep.equal([]);
    storage.sync();
    expect(storage.recover().runs).to.deep.equal([]);
  });

  it('has nothing sealed that is only written, synced and cut', () => {
    const storage = new MemoryStorage();
    storage.recover();
    let asked = 0;
    const lazy = {
      ...run(1, 5, 1),
      get sealed() {
        asked++;
        return new Uint8Array(1);
      },
    };
    put(storage, batchOf(null, lazy), batchOf(null, entry(3, 2)));
    const { runs } = storage.recover();
    expect(asked).to.equal(0);
    expect(runs.map(({ firstIndex, count }) => [firstIndex, count])).to.deep.equal([
      [1, 2],
      [3, 1],
    ]);
    expect([runs[0]?.sealed.length, asked]).to.deep.equal([1, 1]);
  });
});
