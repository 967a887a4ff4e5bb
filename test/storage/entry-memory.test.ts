import { expect } from 'chai';
import fc from 'fast-check';
import { EntryMemory } from '../../src/storage/entry-memory.js';
import { WriteAheadLog } from '../../src/storage/write-ahead-log.js';
import { batchOf, contentOf, entry, modelOf, put } from './entries.js';
import { MemoryDisk } from './memory-disk.js';

describe('The memory of recovered entries', () => {
  it('holds copies that stay as they were, whatever is copied after them', () => {
    const lengths = fc.array(fc.oneof(fc.nat(100), fc.integer({ min: 30_000, max: 70_000 })), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(lengths, (sizes) => {
        const memory = new EntryMemory();
        const originals = sizes.map((size, at) => new Uint8Array(size).fill(at + 1));
        const copies = originals.map((bytes) => memory.copy(bytes));
        for (const [at, copy] of copies.entries()) {
          expect(Buffer.compare(copy, originals[at]!)).to.equal(0);
        }
        for (const original of originals) original.fill(0);
        for (const [at, copy] of copies.entries()) {
          expect(copy.every((byte) => byte === at + 1)).to.equal(true);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('is not a buffer for each of many small records', () => {
    const disk = new MemoryDisk();
    const open = () =>
      new WriteAheadLog({
        fileSystem: disk,
        directory: 'd',
        clusterId: 'c',
        nodeId: 0,
        segmentBytes: 64 * 1024,
        lock: null,
      });
    const log = open();
    log.recover();
    const batches = Array.from({ length: 300 }, (_, at) => batchOf(null, entry(at + 1, 1)));
    put(log, ...batches);
    const found = open().recover();
    expect(contentOf(found)).to.deep.equal(modelOf(batches));
    expect(new Set(found.entries.map(({ bytes }) => bytes.buffer)).size).to.equal(1);
  });
});
