import { expect } from 'chai';
import { Random } from '../../src/ground/random.js';
import { StorageFailedError } from '../../src/storage/errors.js';
import { WriteAheadLog } from '../../src/storage/write-ahead-log.js';
import { batchOf, contentOf, entry, modelOf, put } from './entries.js';
import { type DiskCall, failure, MemoryDisk } from './memory-disk.js';
import { chunksOf, markOf, take } from './snapshots.js';

/*
 * A call that failed leaves what is durable in doubt: after a failed fsync the kernel may have dropped the pages and
 * report success the next time. So the first failure is the last word, and the truth is what recovery finds.
 */

const first = batchOf({ term: 1, votedFor: 0 }, entry(1, 1), entry(2, 1));
const second = batchOf({ term: 2, votedFor: 1 }, entry(3, 2, 'x'.repeat(3000)));
const large = batchOf(null, entry(4, 2, 'y'.repeat(3000)));

function logOn(fileSystem: MemoryDisk): WriteAheadLog {
  return new WriteAheadLog({
    fileSystem,
    directory: 'd',
    clusterId: 'c',
    nodeId: 0,
    segmentBytes: 4096,
    lock: null,
  });
}

/** Lets the next call of that kind fail, and counts all calls after it. */
function failNext(disk: MemoryDisk, kind: DiskCall, code: string): { callsAfter: number } {
  const seen = { callsAfter: 0 };
  let failed = false;
  disk.before = (call, path) => {
    if (failed) seen.callsAfter++;
    else if (call === kind) {
      failed = true;
      throw failure(code, path);
    }
  };
  return seen;
}

describe('WriteAheadLog, when the disk fails', () => {
  const cases: [string, DiskCall, string, RegExp][] = [
    ['a full disk', 'write', 'ENOSPC', /^Writing to d\/0+1\.wal failed: the disk is full .*Free some space/],
    ['a used-up quota', 'write', 'EDQUOT', /quota/],
    ['a failed write', 'write', 'EIO', /input\/output error .*Check the medium/],
    ['a failed fsync', 'sync', 'EIO', /^Syncing d\/0+1\.wal failed: .*restart the node/],
    ['a full disk at the fsync', 'sync', 'ENOSPC', /disk is full/],
  ];
  for (const [what, kind, code, message] of cases) {
    it(`is failed for good by ${what}, asks nothing more of it, and recovers what was durable`, () => {
      const disk = new MemoryDisk();
      const log = logOn(disk);
      log.recover();
      put(log, first);
      const seen = failNext(disk, kind, code);
      expect(() => put(log, second))
        .to.throw(StorageFailedError, message)
        .with.nested.property('cause.code', code);
      expect(() => log.write(second)).to.throw(StorageFailedError);
      expect(() => log.sync()).to.throw(StorageFailedError);
      expect(() => log.recover()).to.throw(StorageFailedError);
      log.close();
      expect(seen.callsAfter).to.equal(0);
      for (let seed = 0; seed < 20; seed++) {
        const found = contentOf(logOn(disk.afterPowerCut('sectors', new Random(seed))).recover());
        expect([modelOf([first]), modelOf([first, second])]).to.deep.include(found);
      }
      const lost = logOn(disk.afterPowerCut('lost', new Random(0))).recover();
      expect(contentOf(lost)).to.deep.equal(modelOf([first]));
    });
  }

  for (const kind of ['create', 'write', 'sync', 'rename', 'syncDirectory'] as const) {
    it(`survives a full disk when a new segment is made: ${kind}`, () => {
      const disk = new MemoryDisk();
      const log = logOn(disk);
      log.recover();
      put(log, first, second);
      failNext(disk, kind, 'ENOSPC');
      expect(() => put(log, large)).to.throw(StorageFailedError, /disk is full/);
      log.close();
      for (const cut of ['kept', 'lost', 'sectors', 'prefix'] as const) {
        const again = disk.afterPowerCut(cut, new Random(1));
        const next = logOn(again);
        expect(contentOf(next.recover())).to.deep.equal(modelOf([first, second]));
        put(next, large);
        expect([...again.files().keys()]).to.deep.equal(['d/0000000000000001.wal', 'd/0000000000000002.wal']);
      }
    });
  }

  it('goes on when the next segment cannot be prepared, and says so when it is needed', () => {
    const disk = new MemoryDisk();
    disk.preparesFiles('at once');
    const log = logOn(disk);
    log.recover();
    disk.before = (call, path) => {
      if (call === 'create') throw failure('ENOSPC', path);
    };
    put(log, first, second);
    expect(() => put(log, large)).to.throw(StorageFailedError, /disk is full/);
    disk.before = () => {};
    expect(contentOf(logOn(disk).recover())).to.deep.equal(modelOf([first, second]));
  });

  for (const kind of ['open', 'create', 'write', 'sync', 'rename', 'syncDirectory'] as const) {
    it(`says so when it cannot recover for a failed ${kind}`, () => {
      const disk = new MemoryDisk();
      failNext(disk, kind, 'EACCES');
      expect(() => logOn(disk).recover()).to.throw(StorageFailedError, /^Recovering d failed: .*permissions/);
    });
  }

  it('writes a snapshot anew that was given up when its file could not be removed', () => {
    const disk = new MemoryDisk();
    const log = logOn(disk);
    log.recover();
    put(log, first);
    disk.before = (call, path) => {
      if (call === 'remove') throw failure('EIO', path);
    };
    log.beginSnapshot(markOf(1)).abandon();
    disk.before = () => {};
    take(log, markOf(1), 'all');
    expect(chunksOf(log, markOf(1))).to.deep.equal(['all']);
    log.close();
  });

  it('does not trust what it reads after a failed fsync: what recovery finds, it makes durable', () => {
    const disk = new MemoryDisk();
    disk.forgetsAfterFailedSync = true;
    const log = logOn(disk);
    log.recover();
    put(log, first);
    failNext(disk, 'sync', 'EIO');
    expect(() => put(log, second)).to.throw(StorageFailedError);
    log.close();
    disk.before = () => {};
    const found = contentOf(logOn(disk).recover());
    expect(contentOf(logOn(disk.afterPowerCut('lost', new Random(0))).recover())).to.deep.equal(found);
  });

  it('waits for the record before to be durable, so that a torn one never has a good one after it', () => {
    const disk = new MemoryDisk();
    const log = logOn(disk);
    log.recover();
    log.write(first);
    log.write(second);
    const found = logOn(disk.afterPowerCut('lost', new Random(0))).recover();
    expect(contentOf(found)).to.deep.equal(modelOf([first]));
  });

  it('hands each batch to the disk in one write, and each sync in one call', () => {
    const disk = new MemoryDisk();
    const log = logOn(disk);
    log.recover();
    const calls: DiskCall[] = [];
    disk.before = (call) => calls.push(call);
    put(log, first, second);
    log.sync();
    expect(calls).to.deep.equal(['write', 'sync', 'write', 'sync']);
  });
});
