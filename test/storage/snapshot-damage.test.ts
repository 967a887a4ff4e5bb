import { crc32 } from 'node:zlib';
import { expect } from 'chai';
import { WriteAheadLog } from '../../src/storage/write-ahead-log.js';
import { batchOf, entry, put } from './entries.js';
import { MemoryDisk } from './memory-disk.js';
import { birth, chunksOf, markOf, take } from './snapshots.js';

/*
 * What no crash can leave of snapshots and of a log that begins after one. The bug this would catch: a state machine that
 * is restored from bytes that nobody wrote, or a log that goes on from a snapshot that is not there.
 */

const older = 'd/0000000000000006-1.snapshot';
const newer = 'd/0000000000000009-1.snapshot';
const chunks = ['first', 'second', 'third'];

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

/** A log from entry 4 or so to 18, and snapshots of 6 and 9. */
function filled(): Map<string, Buffer> {
  const disk = new MemoryDisk();
  const log = logOn(disk);
  log.recover(null, birth);
  for (let index = 1; index <= 18; index++) {
    put(log, batchOf({ term: 1, votedFor: 2 }, entry(index, 1, 'x'.repeat(900))));
  }
  take(log, markOf(6), ...chunks);
  take(log, markOf(9), ...chunks);
  log.dropThrough(6);
  log.close();
  return disk.files();
}

const whole = filled();

describe('WriteAheadLog and damaged snapshots', () => {
  it('falls back to the older one for any flipped bit of the newer, and never gives what nobody wrote', () => {
    const bytes = whole.get(newer) as Buffer;
    let passedOver = 0;
    let givenUp = 0;
    for (let at = 0; at < bytes.length; at++) {
      for (const bit of [0, 3, 7]) {
        const flipped = Buffer.from(bytes);
        flipped[at]! ^= 1 << bit;
        const storage = logOn(new MemoryDisk(new Map([...whole, [newer, flipped]])));
        const { snapshots, damagedSnapshots, base } = storage.recover();
        expect(base.index).to.be.below(7);
        if (snapshots.length === 2) {
          const read: string[] = [];
          expect(() => {
            for (let position: number | null = 0; position !== null; ) {
              const { chunk, next } = storage.readSnapshot(markOf(9), position);
              read.push(Buffer.from(chunk).toString());
              position = next;
            }
          }, `bit ${bit} of byte ${at}`)
            .to.throw(/0000000009-1\.snapshot is damaged/)
            .with.property('code', 'SNAPSHOT_DAMAGED');
          expect(read).to.deep.equal(chunks.slice(0, read.length));
          givenUp++;
        } else {
          expect(damagedSnapshots, `bit ${bit} of byte ${at}`).to.equal(1);
          passedOver++;
        }
        expect(storage.snapshots.map(({ mark }) => mark.index)).to.deep.equal([6]);
        expect(chunksOf(storage, markOf(6))).to.deep.equal(chunks);
      }
    }
    expect([passedOver > 100, givenUp > 100]).to.deep.equal([true, true]);
  });

  it('falls back also from one that is cut short anywhere, and goes on: the next one takes its place', () => {
    const bytes = whole.get(newer) as Buffer;
    for (let length = 0; length < bytes.length; length += 7) {
      const disk = new MemoryDisk(new Map([...whole, [newer, bytes.subarray(0, length)]]));
      const storage = logOn(disk);
      expect(storage.recover().snapshots.map(({ mark }) => mark.index)).to.deep.equal([6]);
      take(storage, markOf(9), 'again');
      take(storage, markOf(11), 'later');
      const again = logOn(disk);
      expect(again.recover().snapshots.map(({ mark }) => mark.index)).to.deep.equal([11, 9]);
      expect(chunksOf(again, markOf(9))).to.deep.equal(['again']);
    }
  });

  function expectRefusal(files: Map<string, Buffer>, says: RegExp, code = 'WAL_DAMAGED'): void {
    const disk = new MemoryDisk(files);
    expect(() => logOn(disk).recover())
      .to.throw(says)
      .with.property('code', code);
    expect(disk.files()).to.deep.equal(files);
  }

  it('refuses a log whose beginning was given up for snapshots that are damaged or gone', () => {
    const without = new Map([...whole].filter(([name]) => !name.endsWith('.snapshot')));
    expectRefusal(without, /begins after entry \d, and no snapshot reaches that far/);
    const broken = (whole.get(older) as Buffer).subarray(0, 100);
    const damaged = new Map([...without, [older, broken], [newer, broken]]);
    expectRefusal(damaged, /no snapshot reaches that far; 0+6-1\.snapshot: its end .*; 0+9-1/);
  });

  it('refuses a segment that is missing behind a snapshot, and a log that is missing beside one', () => {
    const segments = [...whole.keys()].filter((name) => name.endsWith('.wal'));
    expect(segments.length).to.be.above(2);
    for (const name of segments.slice(1)) {
      expectRefusal(new Map([...whole].filter(([other]) => other !== name)), /missing/);
    }
    const snapshots = new Map([...whole].filter(([name]) => name.endsWith('.snapshot')));
    expectRefusal(snapshots, /log of node 0 was in d and is gone/, 'LOG_LOST');
  });

  it('begins with a segment that is not the first where a snapshot reaches it, and says no more than it has', () => {
    const [first = ''] = [...whole.keys()].filter((name) => name.endsWith('.wal'));
    const storage = logOn(new MemoryDisk(new Map([...whole].filter(([name]) => name !== first))));
    const { base, snapshots, hardState } = storage.recover();
    expect(hardState).to.deep.equal({ term: 1, votedFor: 2 });
    expect(snapshots.every(({ mark }) => mark.index >= base.index)).to.equal(true);
  });

  it('does not begin its log anew for a snapshot that is not whole', () => {
    const disk = new MemoryDisk(whole);
    const storage = logOn(disk);
    storage.recover();
    take(storage, markOf(40, 3), ...chunks);
    storage.close();
    const installed = 'd/0000000000000040-3.snapshot';
    const bytes = disk.files().get(installed) as Buffer;
    bytes[bytes.length - 30]! ^= 1;
    const { snapshots, damagedSnapshots, runs } = logOn(
      new MemoryDisk(new Map([...disk.files(), [installed, bytes]])),
    ).recover();
    expect(damagedSnapshots).to.equal(1);
    expect(snapshots[0]?.mark.index).to.equal(9);
    expect(runs.at(-1)?.firstIndex).to.equal(18);
  });

  it('refuses a snapshot of a later format, which an older one must not stand for', () => {
    const bytes = Buffer.from(whole.get(newer) as Buffer);
    bytes.writeUInt32LE(2, 8);
    const headerBytes = bytes.readUInt32LE(12);
    bytes.writeUInt32LE(crc32(bytes.subarray(0, headerBytes - 4)), headerBytes - 4);
    expectRefusal(new Map([...whole, [newer, bytes]]), /format version 2/, 'UNKNOWN_FORMAT');
  });
});
