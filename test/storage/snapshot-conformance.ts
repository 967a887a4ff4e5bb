import { expect } from 'chai';
import fc from 'fast-check';
import type { LogIndex } from '../../src/raft/entry.js';
import { lastIndexOf } from '../../src/raft/run.js';
import { chunkBytesMax, type Storage } from '../../src/storage/storage.js';
import type { StorageMedium } from './conformance.js';
import { batchOf, contentOf, entry, put, run } from './entries.js';
import { birth, chunksOf, markOf, take } from './snapshots.js';

/** What every storage promises of snapshots, and of a log that begins after one. */
export function snapshotConformance(name: string, makeMedium: () => StorageMedium): void {
  describe(`${name} keeps a storage's promises of snapshots`, () => {
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

    function reopen() {
      storage.close();
      storage = medium.open();
      return storage.recover();
    }

    /** `count` entries of term 1, each large enough that several segments are needed. */
    function fill(count: number): void {
      for (let index = storage.lastIndex + 1; count > 0; index++, count--) {
        put(storage, batchOf({ term: 1, votedFor: 0 }, entry(index, 1, `${index}`.padEnd(900, '.'))));
      }
    }

    it('keeps the configuration that it was made with, and no later one', () => {
      expect(storage.recover(null, birth).birth).to.deep.equal(birth);
      expect(reopen().birth).to.deep.equal(birth);
      storage.close();
      storage = medium.open();
      const other = { voters: birth.voters.slice(1), learners: [], outgoing: null };
      expect(storage.recover(null, other).birth).to.deep.equal(birth);
    });

    it('finds a snapshot again, chunk by chunk, with what it stands for', () => {
      storage.recover(null, birth);
      fill(3);
      const mark = { ...markOf(2), configurationIndex: 1 };
      const chunks = ['one', 'x'.repeat(chunkBytesMax), 'three'];
      expect(take(storage, mark, 'one', '', ...chunks.slice(1))).to.deep.equal({
        mark,
        bytes: chunkBytesMax + 8,
      });
      for (const found of [storage.snapshots, reopen().snapshots, storage.snapshots]) {
        expect(found).to.deep.equal([{ mark, bytes: chunkBytesMax + 8 }]);
        expect(chunksOf(storage, mark)).to.deep.equal(chunks);
      }
      // From anywhere on, and again: whoever was cut off goes on from what it has.
      expect(chunksOf(storage, mark, 1)).to.deep.equal(['ne', ...chunks.slice(1)]);
      expect(chunksOf(storage, mark, chunkBytesMax + 4)).to.deep.equal(['hree']);
      expect(chunksOf(storage, mark, 3)).to.deep.equal(chunks.slice(1));
      expect(storage.readSnapshot(mark, 3).next).to.equal(chunkBytesMax + 3);
    });

    it('keeps a snapshot without content', () => {
      storage.recover();
      fill(1);
      take(storage, markOf(1));
      expect(reopen().snapshots).to.deep.equal([{ mark: markOf(1), bytes: 0 }]);
      expect(chunksOf(storage, markOf(1))).to.deep.equal(['']);
    });

    it('has nothing of a snapshot that was given up, or not finished before it was closed', () => {
      storage.recover();
      fill(3);
      take(storage, markOf(1), 'first');
      const abandoned = storage.beginSnapshot(markOf(2));
      abandoned.write(Buffer.from('second'));
      abandoned.abandon();
      storage.beginSnapshot(markOf(3)).write(Buffer.from('third'));
      expect(reopen().snapshots.map(({ mark }) => mark.index)).to.deep.equal([1]);
      take(storage, markOf(3), 'third');
      expect(chunksOf(storage, markOf(3))).to.deep.equal(['third']);
    });

    it('keeps the two newest', () => {
      storage.recover();
      fill(5);
      for (const index of [1, 2, 3, 5]) take(storage, markOf(index), `state ${index}`);
      expect(storage.snapshots.map(({ mark }) => mark.index)).to.deep.equal([5, 3]);
      expect(reopen().snapshots.map(({ mark }) => mark.index)).to.deep.equal([5, 3]);
      expect(chunksOf(storage, markOf(3))).to.deep.equal(['state 3']);
    });

    it('takes a snapshot of the same entry once more in place of the first', () => {
      storage.recover();
      fill(2);
      take(storage, markOf(2), 'once', 'upon');
      // Whoever reads the first comes to the second in the midst of it.
      expect(storage.readSnapshot(markOf(2), 0).next).to.equal(4);
      take(storage, markOf(2), 'twice', 'told');
      expect(chunksOf(storage, markOf(2), 4)).to.deep.equal(['e', 'told']);
      expect(reopen().snapshots).to.have.length(1);
      expect(chunksOf(storage, markOf(2))).to.deep.equal(['twice', 'told']);
    });

    it('never puts an older snapshot in the place of a newer one', () => {
      storage.recover();
      fill(3);
      const older = storage.beginSnapshot(markOf(2));
      older.write(Buffer.from('older'));
      take(storage, markOf(3), 'newer');
      expect(() => older.commit())
        .to.throw()
        .with.property('code', 'INVALID_SNAPSHOT');
      expect(reopen().snapshots.map(({ mark }) => mark.index)).to.deep.equal([3]);
      expect(() => storage.beginSnapshot(markOf(2)))
        .to.throw()
        .with.property('code', 'INVALID_SNAPSHOT');
    });

    it('refuses a chunk that is too large, and everything after that', () => {
      storage.recover();
      fill(1);
      const writer = storage.beginSnapshot(markOf(1));
      expect(() => writer.write(new Uint8Array(chunkBytesMax + 1)))
        .to.throw()
        .with.property('code', 'INVALID_SNAPSHOT');
      expect(() => writer.commit()).to.throw();
      expect(() => storage.sync()).to.throw();
      expect(reopen().snapshots).to.deep.equal([]);
    });

    it('gives up the log through a snapshot, with what stands by itself, and keeps term and vote', () => {
      storage.recover(null, birth);
      fill(120);
      const before = contentOf({ hardState: { term: 1, votedFor: 0 }, runs: storage.read(1, 1e9) }).entries;
      take(storage, markOf(90), 'state');
      for (let round = 0; round < 20; round++) storage.dropThrough(90);
      const { firstIndex } = storage;
      expect(firstIndex).to.be.within(2, 91);
      for (const found of [reopen(), reopen()]) {
        expect(found.base).to.deep.equal({ index: firstIndex - 1, term: 1 });
        expect(found.hardState).to.deep.equal({ term: 1, votedFor: 0 });
        expect(found.birth).to.deep.equal(birth);
        expect(contentOf(found).entries).to.deep.equal(before.slice(firstIndex - 1));
        expect([storage.firstIndex, storage.lastIndex]).to.deep.equal([firstIndex, 120]);
      }
      fill(1);
      expect(reopen().runs.map(lastIndexOf).at(-1)).to.equal(121);
    });

    it('gives up no entry that a kept snapshot needs after it', () => {
      storage.recover();
      fill(20);
      expect(() => storage.dropThrough(5))
        .to.throw()
        .with.property('code', 'INVALID_SNAPSHOT');
      reopen();
      take(storage, markOf(10), 'older');
      take(storage, markOf(20), 'newer');
      storage.dropThrough(10);
      expect(storage.firstIndex).to.be.at.most(11);
      expect(() => storage.dropThrough(11))
        .to.throw()
        .with.property('code', 'INVALID_SNAPSHOT');
      expect(reopen().snapshots).to.have.length(2);
    });

    it('refuses a batch for entries that were given up', () => {
      storage.recover();
      fill(20);
      take(storage, markOf(20), 'state');
      for (let round = 0; round < 20; round++) storage.dropThrough(20);
      const { firstIndex } = storage;
      expect(() => storage.write(batchOf(null, entry(firstIndex - 1, 2))))
        .to.throw()
        .with.property('code', 'INVALID_BATCH');
      expect(reopen().base.index).to.equal(firstIndex - 1);
    });

    for (const [what, ahead] of [
      ['ahead of the log', 50],
      ['in conflict with the log', 8],
    ] as const) {
      it(`starts the log again after a snapshot that is ${what}`, () => {
        storage.recover(null, birth);
        fill(12);
        take(storage, markOf(4), 'own');
        storage.write(batchOf({ term: 9, votedFor: 2 }));
        take(storage, markOf(ahead, 7), 'installed');
        storage.restartAt({ index: ahead, term: 7 });
        expect([storage.firstIndex, storage.lastIndex]).to.deep.equal([ahead + 1, ahead]);
        put(storage, batchOf(null, entry(ahead + 1, 9)));
        for (const found of [reopen(), reopen()]) {
          expect(found.base).to.deep.equal({ index: ahead, term: 7 });
          expect(found.hardState).to.deep.equal({ term: 9, votedFor: 2 });
          expect(found.birth).to.deep.equal(birth);
          expect(found.runs.map(({ firstIndex, term }) => [firstIndex, term])).to.deep.equal([
            [ahead + 1, 9],
          ]);
          expect(found.snapshots.map(({ mark }) => mark)).to.deep.equal([markOf(ahead, 7)]);
          expect(chunksOf(storage, markOf(ahead, 7))).to.deep.equal(['installed']);
        }
      });

      it(`does so at recovery, when it was closed after a snapshot ${what} and before that`, () => {
        storage.recover();
        fill(12);
        put(storage, batchOf({ term: 9, votedFor: 2 }));
        take(storage, markOf(ahead, 7), 'installed');
        for (const found of [reopen(), reopen()]) {
          expect(found.base).to.deep.equal({ index: ahead, term: 7 });
          expect(found.hardState).to.deep.equal({ term: 9, votedFor: 2 });
          expect(found.runs).to.deep.equal([]);
          expect(found.snapshots.map(({ mark }) => mark.index)).to.deep.equal([ahead]);
          expect(storage.lastIndex).to.equal(ahead);
        }
      });
    }

    it('keeps the log after a snapshot that it agrees with', () => {
      storage.recover();
      fill(12);
      take(storage, markOf(12), 'state');
      expect(reopen().runs.map(lastIndexOf).at(-1)).to.equal(12);
    });

    it('does not start the log again where no snapshot is', () => {
      storage.recover();
      fill(3);
      take(storage, markOf(2), 'state');
      for (const base of [
        { index: 3, term: 1 },
        { index: 2, term: 2 },
      ]) {
        expect(() => storage.restartAt(base))
          .to.throw()
          .with.property('code', 'INVALID_SNAPSHOT');
        expect(reopen().base.index).to.equal(0);
      }
    });

    it('reads entries back, whole runs of about as many bytes as are asked for, one at least', () => {
      storage.recover();
      let next = 1;
      for (let round = 1; next < 200; next += 7 + round++) {
        put(
          storage,
          batchOf(null, run(next, 7, round, 'a'.repeat(100 * round)), run(next + 7, round, round)),
        );
      }
      // Twice a suffix is replaced, also within a run and within what was read before.
      put(storage, batchOf(null, run(120, 30, 90, 'b'.repeat(2000))), batchOf(null, run(133, 40, 91, 'c')));
      const { runs } = reopen();
      expect(storage.lastIndex).to.equal(172);
      for (const bytesMax of [0, 500, 5000, 1e9]) {
        for (let from = 1; from <= storage.lastIndex; from += 3) {
          const read = storage.read(from, bytesMax);
          const [first] = read;
          if (first === undefined) throw new Error(`nothing at ${from}`);
          expect(first.firstIndex <= from && lastIndexOf(first) >= from, `${from}`).to.equal(true);
          const start = runs.findIndex(({ firstIndex }) => firstIndex === first.firstIndex);
          expect(plain(read)).to.deep.equal(plain(runs.slice(start, start + read.length)));
          const bytes = read.reduce((sum, { sealed }) => sum + sealed.length, 0);
          if (read.length > 1) expect(bytes).to.be.at.most(bytesMax);
        }
      }
      expect(storage.read(173, 100)).to.deep.equal([]);
      expect(storage.read(0, 100)).to.deep.equal([]);
    });

    it('agrees with a naive model over random writes, snapshots, cuts, restarts and reopenings', () => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
          const random = makeMedium();
          let opened = random.open();
          try {
            opened.recover();
            // An entry's term by its index; those that were given up may still be there.
            let terms: number[] = [0];
            let committed = 0;
            let kept: LogIndex[] = [];
            let term = 1;
            for (const { kind, amount } of steps) {
              if (kind === 'write') {
                const first = Math.max(committed + 1, terms.length - (amount % 4));
                const count = 1 + (amount % 5);
                term += amount % 2;
                put(
                  opened,
                  batchOf({ term, votedFor: null }, run(first, count, term, 'e'.repeat(amount * 20))),
                );
                terms = [...terms.slice(0, first), ...Array.from({ length: count }, () => term)];
              } else if (kind === 'snapshot' && terms.length - 1 > committed) {
                committed += 1 + (amount % (terms.length - 1 - committed));
                take(opened, markOf(committed, terms[committed]), `state ${committed}`);
                kept = [committed, ...kept].slice(0, 2);
              } else if (kind === 'drop' && kept.length > 0) opened.dropThrough(kept.at(-1) ?? 0);
              else if (kind === 'restart') {
                committed = terms.length + (amount % 3);
                term++;
                take(opened, markOf(committed, term), `state ${committed}`);
                opened.restartAt({ index: committed, term });
                terms = Array.from({ length: committed + 1 }, () => term);
                kept = [committed];
              } else if (kind === 'reopen') {
                opened.close();
                opened = random.open();
                const { base, runs, snapshots } = opened.recover();
                expect(snapshots.map(({ mark }) => mark.index)).to.deep.equal(kept);
                expect(base.index).to.be.at.most(kept.at(-1) ?? 0);
                expect(base.term).to.equal(terms[base.index]);
                const found = runs.flatMap((each) => Array.from({ length: each.count }, () => each.term));
                expect(found).to.deep.equal(terms.slice(base.index + 1));
              }
              expect(opened.lastIndex).to.equal(terms.length - 1);
              for (const index of kept) {
                expect(chunksOf(opened, markOf(index, terms[index]))).to.deep.equal([`state ${index}`]);
              }
              if (opened.firstIndex <= opened.lastIndex) {
                const from = opened.firstIndex + (amount % (opened.lastIndex - opened.firstIndex + 1));
                const [read] = opened.read(from, 0);
                expect(read !== undefined && read.firstIndex <= from && lastIndexOf(read) >= from).to.equal(
                  true,
                );
                expect(read?.term).to.equal(terms[from]);
              }
            }
          } finally {
            opened.close();
            random.dispose();
          }
        }),
        { numRuns: 40 },
      );
    });
  });
}

const step = fc.record({
  kind: fc.constantFrom('write', 'write', 'write', 'snapshot', 'drop', 'restart', 'reopen'),
  amount: fc.nat(60),
});

function plain(runs: Iterable<ReturnType<typeof run>>): unknown[] {
  return [...runs].map(({ firstIndex, count, term, sealed }) => [
    firstIndex,
    count,
    term,
    Buffer.from(sealed).toString('latin1'),
  ]);
}
