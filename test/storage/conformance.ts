import { expect } from 'chai';
import fc from 'fast-check';
import type { Storage, WriteBatch } from '../../src/storage/storage.js';
import type { SealedRun } from '../../src/wire/packed-runs.js';
import { batchOf, contentOf, entry, modelOf, put, run } from './entries.js';

/** One medium under test. */
export interface StorageMedium {
  /** A storage on this medium, not yet recovered. The one before is closed. */
  open(): Storage;
  /** Removes the medium. */
  dispose(): void;
}

/** What every storage promises, whatever it stores on. `makeMedium` gives an empty one each time. */
export function storageConformance(name: string, makeMedium: () => StorageMedium): void {
  describe(`${name} keeps a storage's promises`, () => {
    let medium: StorageMedium;
    let storage: Storage;

    beforeEach(() => {
      medium = makeMedium();
      storage = medium.open();
    });

    afterEach(() => {
      storage.close();
      medium.dispose();
    });

    function reopen(): ReturnType<typeof contentOf> {
      storage.close();
      storage = medium.open();
      return contentOf(storage.recover());
    }

    it('begins with term 0, no vote and no entries', () => {
      expect(storage.recover()).to.deep.equal({
        hardState: { term: 0, votedFor: null },
        birth: null,
        base: { index: 0, term: 0 },
        runs: [],
        snapshots: [],
        damagedSnapshots: 0,
        tornBytes: 0,
      });
      expect(storage.lastIndex).to.equal(0);
    });

    it('finds again what was synced, byte for byte', () => {
      const batches = [
        batchOf({ term: 1, votedFor: 0 }, { ...entry(1, 1, ''), kind: 'noop' }),
        batchOf(null, run(2, 3, 1, '\0\0\xff\0'), { ...entry(5, 1, '[0,1,2]'), kind: 'configuration' }),
        batchOf({ term: 2 ** 48 - 1, votedFor: 2 ** 48 - 1 }, run(6, 40, 2 ** 48 - 1, 'x'.repeat(70_000))),
      ];
      storage.recover();
      put(storage, ...batches);
      expect(storage.lastIndex).to.equal(45);
      expect(reopen()).to.deep.equal(modelOf(batches));
      expect(storage.lastIndex).to.equal(45);
    });

    it('tells a vote for node 0 from no vote', () => {
      storage.recover();
      put(storage, batchOf({ term: 3, votedFor: 0 }));
      expect(reopen().hardState).to.deep.equal({ term: 3, votedFor: 0 });
      put(storage, batchOf({ term: 4, votedFor: null }));
      expect(reopen().hardState).to.deep.equal({ term: 4, votedFor: null });
    });

    it('replaces the suffix when entries come for indexes it has (§5.3)', () => {
      const batches = [
        batchOf({ term: 1, votedFor: null }, entry(1, 1), entry(2, 1), entry(3, 1), entry(4, 1)),
        batchOf({ term: 2, votedFor: null }, entry(2, 2)),
      ];
      storage.recover();
      put(storage, ...batches);
      expect(storage.lastIndex).to.equal(2);
      expect(reopen().entries).to.deep.equal(modelOf(batches).entries);
      put(storage, batchOf(null, entry(1, 2)));
      expect(reopen().entries).to.have.length(1);
    });

    it('replaces the rest of a run when entries come for indexes within it', () => {
      for (let from = 1; from <= 9; from++) {
        medium.dispose();
        medium = makeMedium();
        storage = medium.open();
        const batches = [
          batchOf({ term: 1, votedFor: null }, run(1, 3, 1), run(4, 5, 1)),
          batchOf(null, run(from, 2, 2)),
          batchOf(null, run(from + 1, 1, 3)),
        ];
        storage.recover();
        put(storage, ...batches);
        expect(storage.lastIndex).to.equal(from + 1);
        expect(reopen(), `from ${from} on`).to.deep.equal(modelOf(batches));
      }
    });

    it('makes several batches durable with one sync', () => {
      storage.recover();
      storage.write(batchOf({ term: 1, votedFor: 1 }, entry(1, 1)));
      storage.write(batchOf(null, entry(2, 1)));
      storage.write(batchOf({ term: 2, votedFor: null }));
      expect(storage.lastIndex).to.equal(2);
      storage.sync();
      expect(reopen()).to.deep.include({ hardState: { term: 2, votedFor: null } });
      expect(storage.lastIndex).to.equal(2);
    });

    it('keeps its own copy of the order: the caller may go on with its arrays', () => {
      const runs = [entry(1, 1), entry(2, 1)];
      storage.recover();
      put(storage, { hardState: null, runs });
      runs.length = 0;
      expect(reopen().entries).to.have.length(2);
    });

    it('takes an empty batch and does nothing', () => {
      storage.recover();
      put(storage, batchOf(null));
      expect(reopen()).to.deep.equal({ hardState: { term: 0, votedFor: null }, entries: [] });
    });

    for (const [what, batch] of invalidBatches) {
      it(`refuses ${what}, and everything after that`, () => {
        storage.recover();
        put(storage, batchOf({ term: 1, votedFor: null }, entry(1, 1)));
        expect(() => storage.write(batch))
          .to.throw()
          .with.property('code', 'INVALID_BATCH');
        expect(() => storage.write(batchOf(null, entry(2, 1)))).to.throw();
        expect(() => storage.sync()).to.throw();
        expect(reopen().entries).to.have.length(1);
      });
    }

    it('takes nothing before it is recovered or after it is closed', () => {
      expect(() => storage.write(batchOf(null, entry(1, 1))))
        .to.throw()
        .with.property('code', 'NOT_RECOVERED');
      storage.recover();
      storage.close();
      expect(() => storage.write(batchOf(null, entry(1, 1))))
        .to.throw()
        .with.property('code', 'CLOSED');
      expect(() => storage.sync())
        .to.throw()
        .with.property('code', 'CLOSED');
      expect(() => storage.close()).not.to.throw();
    });

    it('agrees with a naive model over random batches, truncations and reopenings', () => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
          const random = makeMedium();
          let opened = random.open();
          try {
            opened.recover();
            const done: WriteBatch[] = [];
            for (const { back, sizes, hardState, reopens } of steps) {
              const runs: SealedRun[] = [];
              let next = Math.max(1, opened.lastIndex + 1 - back);
              for (const [count, size] of sizes) {
                runs.push(run(next, count, done.length + 1, 'e'.repeat(size)));
                next += count;
              }
              const batch = batchOf(hardState, ...runs);
              put(opened, batch);
              done.push(batch);
              if (!reopens) continue;
              opened.close();
              opened = random.open();
              expect(contentOf(opened.recover())).to.deep.equal(modelOf(done));
            }
          } finally {
            opened.close();
            random.dispose();
          }
        }),
        { numRuns: 25 },
      );
    });
  });
}

const invalidBatches: [string, WriteBatch][] = [
  ['a gap after the last index', batchOf(null, entry(3, 1))],
  ['an index before the first', batchOf(null, entry(0, 1))],
  ['a gap between runs', batchOf(null, run(2, 2, 1), entry(5, 1))],
  ['runs that overlap', batchOf(null, run(2, 2, 1), entry(3, 1))],
  ['a run without entries', batchOf(null, run(2, 0, 1))],
  ['more entries than a run has', batchOf(null, run(2, 2 ** 32, 1))],
  ['an entry without a term', batchOf(null, entry(2, 0))],
  ['a term that does not fit', batchOf({ term: 2 ** 48, votedFor: null })],
  ['a vote for no node', batchOf({ term: 2, votedFor: -1 })],
];

const step = fc.record({
  back: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(5) }),
  sizes: fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.oneof(fc.nat(40), fc.nat(6000))), {
    maxLength: 4,
  }),
  hardState: fc.option(fc.record({ term: fc.nat(1000), votedFor: fc.option(fc.nat(4), { nil: null }) }), {
    nil: null,
  }),
  reopens: fc.boolean(),
});
