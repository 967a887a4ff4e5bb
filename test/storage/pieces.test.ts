import { expect } from 'chai';
import fc from 'fast-check';
import { NodeFileSystem } from '../../src/storage/node-file-system.js';
import { pieceBytesMax, piecesOf } from '../../src/storage/pieces.js';
import type { WriteBatch } from '../../src/storage/storage.js';
import { WriteAheadLog } from '../../src/storage/write-ahead-log.js';
import { packedSize } from '../../src/wire/packed-runs.js';
import { batchOf, entry, modelOf, run } from './entries.js';
import { removeDirectory, temporaryDirectory } from './temporary-directory.js';

/*
 * A turn takes all that the mailbox holds, and thousands of the largest commands together are more than a record
 * holds. The node must write them in several rather than die of its clients' zeal.
 */

const batches = fc
  .record({
    sizes: fc.array(fc.nat(60), { maxLength: 12 }),
    firstIndex: fc.integer({ min: 1, max: 5 }),
    changesTerm: fc.boolean(),
  })
  .map(({ sizes, firstIndex, changesTerm }) =>
    batchOf(
      changesTerm ? { term: 7, votedFor: 2 } : null,
      ...sizes.map((size, at) => entry(firstIndex + at, 7, 'x'.repeat(size))),
    ),
  );

describe('piecesOf', () => {
  const log: WriteBatch = batchOf({ term: 1, votedFor: null }, ...[1, 2, 3, 4, 5].map((at) => entry(at, 1)));

  it('makes the same log as the batch, term and vote from the first piece on', () => {
    fc.assert(
      fc.property(batches, fc.integer({ min: 1, max: 200 }), (batch, bytesMax) => {
        const pieces = piecesOf(batch, bytesMax);
        expect(modelOf([log, ...pieces])).to.deep.equal(modelOf([log, batch]));
        expect(pieces[0]?.hardState).to.equal(batch.hardState);
      }),
    );
  });

  it('makes no piece larger than it may be, but for one of a single run, and no more pieces than it must', () => {
    fc.assert(
      fc.property(batches, fc.integer({ min: 1, max: 200 }), (batch, bytesMax) => {
        const pieces = piecesOf(batch, bytesMax);
        for (const [at, { runs }] of pieces.entries()) {
          if (runs.length > 1) expect(packedSize(runs)).to.be.at.most(bytesMax);
          const next = pieces[at + 1]?.runs[0];
          if (next !== undefined) expect(packedSize([...runs, next])).to.be.above(bytesMax);
        }
      }),
    );
  });

  it('leaves an ordinary batch as it is', () => {
    expect(piecesOf(log)).to.deep.equal([log]);
    expect(piecesOf(log)[0]).to.equal(log);
  });
});

describe('WriteAheadLog, given more in one turn than a record may hold', () => {
  it('writes it in pieces, and finds all of it again', () => {
    const directory = temporaryDirectory();
    const open = () =>
      new WriteAheadLog({ fileSystem: new NodeFileSystem(), directory, clusterId: 'c', nodeId: 0 });
    const sealed = new Uint8Array(pieceBytesMax / 2 - 100).fill(7);
    const large = Array.from({ length: 5 }, (_, at) => ({ ...run(2 * at + 1, 2, 1), sealed }));
    try {
      const log = open();
      log.recover();
      log.write(batchOf({ term: 1, votedFor: 0 }, ...large));
      log.sync();
      expect(log.lastIndex).to.equal(10);
      log.close();
      const again = open();
      const { hardState, runs } = again.recover();
      expect(hardState).to.deep.equal({ term: 1, votedFor: 0 });
      expect(
        runs.map(({ firstIndex, sealed: found }) => [firstIndex, Buffer.compare(found, sealed)]),
      ).to.deep.equal([1, 3, 5, 7, 9].map((index) => [index, 0]));
      again.close();
    } finally {
      removeDirectory(directory);
    }
  });
});
