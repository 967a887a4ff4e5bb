import { crc32 } from 'node:zlib';
import { expect } from 'chai';
import { formatVersion } from '../../src/storage/header.js';
import { WriteAheadLog, type WriteAheadLogOptions } from '../../src/storage/write-ahead-log.js';
import { batchOf, contentOf, entry, put } from './entries.js';
import { MemoryDisk } from './memory-disk.js';

const path = 'd/0000000000000001.wal';

function logOn(fileSystem: MemoryDisk, options: Partial<WriteAheadLogOptions> = {}): WriteAheadLog {
  return new WriteAheadLog({
    fileSystem,
    directory: 'd',
    clusterId: 'mine',
    nodeId: 1,
    segmentBytes: 4096,
    lock: null,
    ...options,
  });
}

/** A directory with a log of node 1 of the cluster `mine` in it. */
function used(): Map<string, Buffer> {
  const disk = new MemoryDisk();
  const log = logOn(disk);
  log.recover();
  put(log, batchOf({ term: 1, votedFor: 1 }, entry(1, 1)));
  return disk.files();
}

describe('WriteAheadLog, whose directory it is', () => {
  function expectRefusal(
    files: Map<string, Buffer>,
    options: Partial<WriteAheadLogOptions>,
    code: string,
    says: RegExp,
  ) {
    const disk = new MemoryDisk(files);
    expect(() => logOn(disk, options).recover())
      .to.throw(says)
      .with.property('code', code);
    expect(disk.files()).to.deep.equal(files);
  }

  it('refuses an empty directory where its log was before', () => {
    expectRefusal(new Map(), { mustExist: true }, 'LOG_LOST', /node 1 was in d and is gone/);
    expect(contentOf(logOn(new MemoryDisk(used()), { mustExist: true }).recover()).entries).to.have.length(1);
  });

  it('refuses the directory of another node', () => {
    expectRefusal(used(), { nodeId: 2 }, 'WRONG_NODE', /belongs to node 1, not to node 2/);
  });

  it('refuses the directory of another cluster', () => {
    expectRefusal(
      used(),
      { clusterId: 'yours' },
      'WRONG_CLUSTER',
      /belongs to cluster "mine", not to "yours"/,
    );
  });

  it('refuses a format that it does not know, whatever else has changed in it', () => {
    const files = used();
    const file = files.get(path)!;
    file.writeUInt32LE(formatVersion + 1, 8);
    file.fill(0xee, 12, 508);
    file.writeUInt32LE(crc32(file.subarray(0, 508)), 508);
    expectRefusal(files, {}, 'UNKNOWN_FORMAT', /format version 4; this version reads 3 and those before/);
  });

  it('refuses a file that is no segment, or only the beginning of one', () => {
    expectRefusal(new Map([[path, Buffer.from('hello')]]), {}, 'WAL_DAMAGED', /header is cut off/);
    expectRefusal(new Map([[path, Buffer.alloc(4096, 'hello')]]), {}, 'WAL_DAMAGED', /does not begin/);
  });

  it('refuses a segment under the name of another', () => {
    const files = used();
    const renamed = new Map([...files, ['d/0000000000000002.wal', files.get(path)!]]);
    expectRefusal(renamed, {}, 'WAL_DAMAGED', /segment/);
  });

  it('leaves files alone that are none of its own', () => {
    const files = new Map([...used(), ['d/notes.txt', Buffer.from('mine')]]);
    const disk = new MemoryDisk(files);
    logOn(disk).recover();
    expect(disk.files()).to.deep.equal(files);
  });

  for (const [what, options] of [
    ['a segment too small', { segmentBytes: 512 }],
    ['a segment that is no number of sectors', { segmentBytes: 5000 }],
    ['a segment too large', { segmentBytes: 2 ** 31 }],
    ['an empty cluster id', { clusterId: '' }],
    ['a cluster id that does not fit', { clusterId: 'ü'.repeat(129) }],
    ['a negative node id', { nodeId: -1 }],
    ['half a node', { nodeId: 1.5 }],
  ] as const) {
    it(`refuses ${what} as an option`, () => {
      expect(() => logOn(new MemoryDisk(), options))
        .to.throw()
        .with.property('code', 'INVALID_OPTION');
    });
  }
});
