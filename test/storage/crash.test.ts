import { isDeepStrictEqual } from 'node:util';
import { expect } from 'chai';
import { Random } from '../../src/ground/random.js';
import type { WriteBatch } from '../../src/storage/storage.js';
import { WriteAheadLog } from '../../src/storage/write-ahead-log.js';
import { batchOf, contentOf, entry, modelOf, put, run } from './entries.js';
import { MemoryDisk, type PowerCut } from './memory-disk.js';

/*
 * The power may go at any call the log makes of its file system, while it makes segments, writes, or repairs what
 * an earlier crash left. Whatever the disk then looks like, recovery must succeed, every batch whose sync had
 * returned must be there, and of the one under way all or nothing.
 */

const cuts: PowerCut[] = ['lost', 'kept', 'prefix', 'prefix', 'sectors', 'sectors', 'sectors'];

const batches: WriteBatch[] = [
  batchOf({ term: 1, votedFor: 0 }),
  batchOf({ term: 1, votedFor: 0 }, entry(1, 1), entry(2, 1, 'b'.repeat(1500))),
  batchOf(null, run(3, 3, 1, 'c'.repeat(1200)), entry(6, 1)),
  batchOf(null, run(7, 20, 1, '\0'.repeat(2000))),
  batchOf({ term: 2, votedFor: null }, entry(5, 2, 'd'.repeat(1900))),
  batchOf(null, run(6, 2, 2, 'e'.repeat(9000))),
  batchOf({ term: 3, votedFor: 4 }, entry(7, 3)),
];

/** When the disk has the file of the next segment ready that it was asked to prepare; it cannot when null. */
type Preparation = 'at once' | 'too late' | null;

function logOn(fileSystem: MemoryDisk, preparation: Preparation = null): WriteAheadLog {
  if (preparation !== null) fileSystem.preparesFiles(preparation);
  return new WriteAheadLog({
    fileSystem,
    directory: 'd',
    clusterId: 'c',
    nodeId: 0,
    segmentBytes: 4096,
    lock: null,
  });
}

/** Runs `work` until the given call, and says whether it came that far. */
function stopAt(disk: MemoryDisk, call: number, work: () => void): boolean {
  let calls = 0;
  let stopped = false;
  disk.before = () => {
    if (calls++ < call) return;
    stopped = true;
    throw new Error('the power is gone');
  };
  try {
    work();
  } catch (error) {
    if (!stopped) throw error;
  }
  return stopped;
}

/** Writes all batches and returns how many are durable when the power goes at that call, or null when it never does. */
function writeUntil(disk: MemoryDisk, call: number, preparation: Preparation): number | null {
  let durable = 0;
  const stopped = stopAt(disk, call, () => {
    const log = logOn(disk, preparation);
    log.recover();
    for (const batch of batches) {
      put(log, batch);
      durable++;
    }
  });
  return stopped ? durable : null;
}

/** What recovery may find when so many batches were durable. */
const outcomes = Array.from({ length: batches.length + 2 }, (_, durable) =>
  modelOf(batches.slice(0, durable)),
);

/** Recovers and checks; then goes on from there, and checks again. */
function expectRecovery(disk: MemoryDisk, durable: number): void {
  const log = logOn(disk);
  const found = contentOf(log.recover());
  const allowed = [outcomes[durable], outcomes[durable + 1]];
  // (Chai's own comparison is what most of the time went to; it is asked for its words alone.)
  if (!allowed.some((outcome) => isDeepStrictEqual(outcome, found))) expect(allowed).to.deep.include(found);
  put(log, batchOf({ term: 9, votedFor: 9 }, entry(log.lastIndex + 1, 9, 'f'.repeat(1000))));
  const again = logOn(disk.afterPowerCut('lost', new Random(0))).recover();
  expect(again.tornBytes).to.equal(0);
  const kept = contentOf(again).entries.slice(0, -1);
  if (!isDeepStrictEqual(kept, found.entries)) expect(kept).to.deep.equal(found.entries);
  expect(again.hardState.term).to.equal(9);
}

for (const preparation of [null, 'at once', 'too late'] as const) {
  const ahead = preparation === null ? 'nothing' : `segments ready ${preparation}`;
  describe(`WriteAheadLog, when the power goes, with ${ahead} prepared`, () => {
    it('recovers what was durable, at every call and after every kind of loss', () => {
      let call = 0;
      for (; ; call++) {
        const disk = new MemoryDisk();
        const durable = writeUntil(disk, call, preparation);
        if (durable === null) break;
        for (const [order, cut] of cuts.entries()) {
          expectRecovery(disk.afterPowerCut(cut, new Random(call * 100 + order)), durable);
        }
      }
      expect(call).to.be.above(40);
    });

    it('recovers also when the power goes again at every call of recovery', () => {
      // Recovery prepares nothing: it only meets what preparing left behind.
      const fewCuts: PowerCut[] = preparation === null ? cuts : ['kept', 'sectors'];
      let torn = 0;
      for (let call = 0; ; call++) {
        const disk = new MemoryDisk();
        const durable = writeUntil(disk, call, preparation);
        if (durable === null) break;
        for (const [order, cut] of fewCuts.entries()) {
          const files = disk.afterPowerCut(cut, new Random(call * 100 + order)).files();
          if (logOn(new MemoryDisk(files)).recover().tornBytes > 0) torn++;
          for (let recoveryCall = 0; ; recoveryCall++) {
            const second = new MemoryDisk(files);
            if (!stopAt(second, recoveryCall, () => logOn(second).recover())) break;
            for (const again of ['prefix', 'sectors', 'kept'] as const) {
              expectRecovery(second.afterPowerCut(again, new Random(recoveryCall)), durable);
            }
          }
        }
      }
      expect(torn).to.be.above(fewCuts.length);
    });

    it('loses nothing it found after its process was killed, when the power goes later', () => {
      for (let call = 0; ; call++) {
        const disk = new MemoryDisk();
        const durable = writeUntil(disk, call, preparation);
        if (durable === null) break;
        disk.before = () => {};
        const log = logOn(disk);
        const found = contentOf(log.recover());
        expect(contentOf(logOn(disk.afterPowerCut('lost', new Random(0))).recover())).to.deep.equal(found);
        put(log, batchOf({ term: 9, votedFor: 9 }));
        const { hardState } = logOn(disk.afterPowerCut('lost', new Random(0))).recover();
        expect(hardState.term).to.equal(9);
      }
    });
  });
}
