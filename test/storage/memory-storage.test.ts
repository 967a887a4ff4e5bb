import { expect } from 'chai';
import { MemoryStorage } from '../../src/storage/memory-storage.js';
import { storageConformance } from './conformance.js';
import { batchOf, entry, put } from './entries.js';

storageConformance('MemoryStorage', () => {
  const storage = new MemoryStorage();
  return { open: () => storage, dispose: () => {} };
});

describe('MemoryStorage', () => {
  it('loses what was written and not synced when it is closed', () => {
    const storage = new MemoryStorage();
    storage.recover();
    put(storage, batchOf({ term: 1, votedFor: 0 }, entry(1, 1), entry(2, 1)));
    storage.write(batchOf({ term: 2, votedFor: 1 }, entry(1, 2)));
    storage.close();
    const { hardState, entries } = storage.recover();
    expect(hardState).to.deep.equal({ term: 1, votedFor: 0 });
    expect(entries).to.deep.equal([entry(1, 1), entry(2, 1)]);
  });

  it('loses it too when its node crashed without closing', () => {
    const storage = new MemoryStorage();
    storage.recover();
    storage.write(batchOf({ term: 2, votedFor: 1 }, entry(1, 2)));
    expect(storage.recover().entries).to.deep.equal([]);
    storage.sync();
    expect(storage.recover().entries).to.deep.equal([]);
  });
});
