import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { Random } from '../../src/ground/random.js';
import { NodeFileSystem } from '../../src/storage/node-file-system.js';
import type { WriteBatch } from '../../src/storage/storage.js';
import { WriteAheadLog } from '../../src/storage/write-ahead-log.js';
import { batchOf, contentOf, entry, modelOf, put } from './entries.js';
import { MemoryDisk } from './memory-disk.js';
import { removeDirectory, temporaryDirectory } from './temporary-directory.js';

/*
 * A torn tail is cut, and damage is refused. The two must never be mistaken for each other: to refuse a torn tail
 * costs a node its life after any crash, and to cut damage forgets what the node promised.
 */

const before = [
  batchOf({ term: 1, votedFor: 0 }, entry(1, 1), entry(2, 1, 'b'.repeat(300))),
  batchOf({ term: 2, votedFor: null }, entry(2, 2), entry(3, 2)),
  batchOf(null, entry(4, 2, '\0'.repeat(1400))),
];
const last = batchOf(
  { term: 5, votedFor: 3 },
  entry(5, 5),
  entry(6, 5, `${'x'.repeat(500)}${'\0'.repeat(1100)}y`),
);
const path = 'd/0000000000000001.wal';

function logOn(fileSystem: MemoryDisk, segmentBytes = 8192): WriteAheadLog {
  return new WriteAheadLog({
    fileSystem,
    directory: 'd',
    clusterId: 'c',
    nodeId: 0,
    segmentBytes,
    lock: null,
  });
}

function logWith(...batches: WriteBatch[]): Buffer {
  const disk = new MemoryDisk();
  const log = logOn(disk);
  log.recover();
  put(log, ...batches);
  return disk.files().get(path)!;
}

function diskWith(file: Buffer): MemoryDisk {
  return new MemoryDisk(new Map([[path, file]]));
}

function endOf(file: Buffer): number {
  return file.findLastIndex((byte) => byte !== 0) + 1;
}

/** Recovers, expects all before the last record, and that the cut left no trace. */
function expectCut(file: Buffer): number {
  const disk = diskWith(file);
  const { tornBytes, ...found } = logOn(disk).recover();
  expect(contentOf(found)).to.deep.equal(modelOf(before));
  expect(disk.files().get(path)!.equals(shorter)).to.equal(true);
  return tornBytes;
}

/** Where the preamble ends that a segment begins with. */
const firstRecordAt = endOf(logWith());

function expectRefusal(file: Buffer, what: string): void {
  const disk = diskWith(file);
  expect(() => logOn(disk).recover(), what)
    .to.throw()
    .with.property('code', 'WAL_DAMAGED');
  const files = disk.files();
  expect([...files.keys()], what).to.deep.equal([path]);
  // Compared as bytes at once: a deep equality goes through them one by one, thousands of times here.
  expect(files.get(path)?.equals(file), what).to.equal(true);
}

const shorter = logWith(...before);
const whole = logWith(...before, last);
const start = endOf(shorter);
const end = endOf(whole);

describe('WriteAheadLog and its torn tail', () => {
  it('recovers all before the last record when it is zeros from any byte on', () => {
    for (let cut = start; cut < end; cut++) {
      const file = Buffer.from(whole);
      file.fill(0, cut);
      const tornBytes = expectCut(file);
      expect(tornBytes).to.be.at.most(cut - start);
      if (cut > start + 32) expect(tornBytes).to.be.above(0);
    }
  });

  it('recovers all before the last record when the disk wrote any of its sectors and not the others', () => {
    const edges = [start];
    for (let at = start - (start % 512) + 512; at < end; at += 512) edges.push(at);
    edges.push(end);
    const sectors = edges.length - 1;
    let lost = 0;
    for (let written = 0; written < 2 ** sectors; written++) {
      const file = Buffer.from(whole);
      let isWhole = true;
      for (let sector = 0; sector < sectors; sector++) {
        if ((written & (1 << sector)) !== 0) continue;
        const [from, to] = [edges[sector]!, edges[sector + 1]!];
        if (!whole.subarray(from, to).equals(Buffer.alloc(to - from))) isWhole = false;
        file.fill(0, from, to);
      }
      if (isWhole) continue;
      expectCut(file);
      lost++;
    }
    expect(lost).to.be.above(8);
  });

  it('refuses a file of another length than it was made with: no crash cuts what was filled before', () => {
    for (let length = 0; length < whole.length; length += length < end ? 1 : 512) {
      expectRefusal(whole.subarray(0, length), `${length} bytes`);
    }
    expectRefusal(Buffer.concat([whole, Buffer.alloc(512)]), 'a sector more');
  });

  it('refuses any flipped bit of a complete record, also of the last, and changes nothing', () => {
    for (let at = 512; at < end; at++) {
      // Every bit of the headers and of a sample; elsewhere one bit of each byte, a different one each time.
      const bits =
        at < 700 || (at >= start && at < start + 200) || at >= end - 60 ? [0, 1, 2, 3, 4, 5, 6, 7] : [at % 8];
      for (const bit of bits) {
        const file = Buffer.from(whole);
        file[at] = file[at]! ^ (1 << bit);
        expectRefusal(file, `bit ${bit} of byte ${at}`);
      }
    }
  });

  it('refuses any byte of an earlier record set to zero or turned over, and changes nothing', () => {
    for (let at = 512; at < start; at++) {
      for (const value of [0, 0xff, whole[at]! ^ 0xff]) {
        if (value === whole[at]) continue;
        const file = Buffer.from(whole);
        file[at] = value;
        expectRefusal(file, `byte ${at} as ${value}`);
      }
    }
  });

  it('refuses any flipped bit of a segment header', () => {
    for (let at = 0; at < 512; at++) {
      const file = Buffer.from(whole);
      file[at] = file[at]! ^ (1 << (at % 8));
      expectRefusal(file, `byte ${at}`);
    }
  });

  it('refuses an earlier record that is gone in whole or to the end of a sector, with good ones after it', () => {
    const first = endOf(logWith(before[0]!));
    const second = endOf(logWith(before[0]!, before[1]!));
    for (const [from, to] of [
      [first, second],
      [512, first],
      [512, 1024],
      [512, second],
      [512, start],
    ] as const) {
      const file = Buffer.from(whole);
      file.fill(0, from, to);
      expectRefusal(file, `${from} to ${to}`);
    }
  });

  it('refuses an earlier record that lost a sector, which would be a torn tail at the end', () => {
    const file = logWith(batchOf(null, entry(1, 1, 'x'.repeat(2000))), batchOf(null, entry(2, 1)));
    file.fill(0, 1024, 1536);
    expectRefusal(file, 'a sector of the first record');
  });

  it('refuses when the end of the log is missing before a segment that was made after it', () => {
    const disk = new MemoryDisk();
    const log = logOn(disk, 4096);
    log.recover();
    put(log, batchOf(null, entry(1, 1, 'z'.repeat(3000))));
    disk.before = (call, name) => {
      if (call === 'write' && name.endsWith('2.wal')) throw new Error('the power is gone');
    };
    expect(() => log.write(batchOf(null, entry(2, 1, 'z'.repeat(3000))))).to.throw();
    const files = disk.afterPowerCut('lost', new Random(0)).files();
    expect([...files.keys()]).to.have.length(2);
    expect(logOn(new MemoryDisk(files), 4096).recover().runs).to.have.length(1);
    files.get(path)!.fill(0, firstRecordAt);
    const damaged = new MemoryDisk(files);
    expect(() => logOn(damaged, 4096).recover()).to.throw(/begins with record 3, .* end with record 1/);
    expect(damaged.files()).to.deep.equal(files);
  });

  it('refuses a torn record in a segment that is not the last', () => {
    const disk = new MemoryDisk();
    const log = logOn(disk, 4096);
    log.recover();
    put(log, batchOf(null, entry(1, 1, 'z'.repeat(3000))), batchOf(null, entry(2, 1, 'z'.repeat(3000))));
    const files = disk.files();
    files.get(path)!.fill(0, 2000);
    expect(() => logOn(new MemoryDisk(files), 4096).recover()).to.throw(/finished segment/);
  });

  it('refuses a damaged record before a torn one', () => {
    const file = Buffer.from(whole);
    file.fill(0, end - 100);
    file[start - 50] = file[start - 50]! ^ 4;
    expectRefusal(file, 'damage before a torn tail');
  });

  it('refuses a stale record where a new one is due, though it checks by itself', () => {
    const file = Buffer.from(shorter);
    const first = endOf(logWith(before[0]!));
    whole.copy(file, start, 512, first);
    expectRefusal(file, 'a copy of the first record');
  });

  it('refuses a whole segment taken from another log of the same node', () => {
    const other = logWith(batchOf({ term: 7, votedFor: 7 }, entry(1, 7)));
    const file = Buffer.from(whole);
    other.copy(file, 512, 512, endOf(other));
    expectRefusal(file, 'records of another log');
  });

  it('refuses when a segment in the middle, or the end of one before the last, is missing', () => {
    const disk = new MemoryDisk();
    const log = logOn(disk, 4096);
    log.recover();
    for (let index = 1; index <= 9; index++) put(log, batchOf(null, entry(index, 1, 'z'.repeat(1500))));
    const names = [...disk.files().keys()];
    expect(names.length).to.be.above(3);
    for (const name of names.slice(0, -1)) {
      const files = disk.files();
      files.delete(name);
      const damaged = new MemoryDisk(files);
      expect(() => logOn(damaged, 4096).recover(), name)
        .to.throw(/missing|no snapshot reaches/)
        .with.property('code', 'WAL_DAMAGED');
      expect(damaged.files()).to.deep.equal(files);

      const shortened = disk.files();
      shortened.get(name)!.fill(0, 2100);
      const other = new MemoryDisk(shortened);
      expect(() => logOn(other, 4096).recover(), name)
        .to.throw()
        .with.property('code', 'WAL_DAMAGED');
      expect(other.files()).to.deep.equal(shortened);
      shortened.get(name)!.fill(0, firstRecordAt);
      expect(() => logOn(new MemoryDisk(shortened), 4096).recover()).to.throw(/record/);
    }
  });

  it('refuses when the last segment is missing, also beside an unfinished one', () => {
    for (const preparation of [null, 'at once', 'too late'] as const) {
      const disk = new MemoryDisk();
      if (preparation !== null) disk.preparesFiles(preparation);
      const log = logOn(disk, 4096);
      log.recover();
      for (let index = 1; index <= 9; index++) put(log, batchOf(null, entry(index, 1, 'z'.repeat(1500))));
      const files = disk.files();
      const names = [...files.keys()].filter((name) => name.endsWith('.wal'));
      expect(names.length).to.be.above(3);
      // From one segment short to one segment left, and none at all where a later one had been begun.
      while (names.length > (files.size > 1 && preparation !== null ? 0 : 1)) {
        files.delete(names.pop()!);
        if (files.size === 0) break;
        const damaged = new MemoryDisk(files);
        expect(() => logOn(damaged, 4096).recover(), `${preparation}: ${names}`)
          .to.throw(/is missing/)
          .with.property('code', 'WAL_DAMAGED');
        expect(damaged.files()).to.deep.equal(files);
      }
    }
  });

  it('refuses any flipped bit of the mark that another segment follows, and a mark where none follows', () => {
    const disk = new MemoryDisk();
    const log = logOn(disk, 4096);
    log.recover();
    put(log, batchOf(null, entry(1, 1, 'z'.repeat(3000))), batchOf(null, entry(2, 1, 'z'.repeat(3000))));
    const second = 'd/0000000000000002.wal';
    for (let at = 4096 - 32; at < 4096; at++) {
      for (let bit = 0; bit < 8; bit++) {
        for (const name of [path, second]) {
          const files = disk.files();
          files.get(name)![at]! ^= 1 << bit;
          const damaged = new MemoryDisk(files);
          expect(() => logOn(damaged, 4096).recover(), `bit ${bit} of byte ${at} of ${name}`)
            .to.throw()
            .with.property('code', 'WAL_DAMAGED');
          expect(damaged.files()).to.deep.equal(files);
        }
      }
    }
    const files = disk.files();
    files.get(path)!.fill(0, 4096 - 32);
    expect(() => logOn(new MemoryDisk(files), 4096).recover()).to.throw(/not marked/);
    // Before a segment that holds nothing yet the mark may be missing or torn, and nothing else.
    files.get(second)!.fill(0, firstRecordAt);
    expect(logOn(new MemoryDisk(files), 4096).recover().runs).to.have.length(1);
    files.get(path)![4096 - 1]! ^= 1;
    expect(() => logOn(new MemoryDisk(files), 4096).recover()).to.throw(/not marked/);
  });

  it('names the file, the place and the way out', () => {
    const file = Buffer.from(whole);
    file[600] = file[600]! ^ 1;
    expect(() => logOn(diskWith(file)).recover())
      .to.throw(
        /0000000000000001\.wal is damaged at byte 512.*nothing was changed.*Restore .* made since the node last ran/,
      )
      .with.property('offset', 512);
  });

  it('cuts a torn tail and refuses damage on the real file system as well', () => {
    const directory = temporaryDirectory();
    const open = () =>
      new WriteAheadLog({
        fileSystem: new NodeFileSystem(),
        directory,
        clusterId: 'c',
        nodeId: 0,
        segmentBytes: 8192,
        lock: null,
      });
    try {
      const real = `${directory}/0000000000000001.wal`;
      for (let cut = start + 1; cut < end; cut += 97) {
        writeFileSync(real, Buffer.from(whole).fill(0, cut));
        const log = open();
        expect(contentOf(log.recover())).to.deep.equal(modelOf(before));
        log.close();
        expect(readFileSync(real).equals(shorter)).to.equal(true);
        const damaged = Buffer.from(whole);
        damaged[cut] = damaged[cut]! ^ 16;
        writeFileSync(real, damaged);
        expect(() => open().recover())
          .to.throw()
          .with.property('code', 'WAL_DAMAGED');
        expect(readFileSync(real).equals(damaged)).to.equal(true);
      }
    } finally {
      removeDirectory(directory);
    }
  });
});
