import fs, { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect } from 'chai';
import type { FileHandle, FileInPreparation } from '../../src/storage/file-system.js';
import { NodeFileSystem } from '../../src/storage/node-file-system.js';
import { WriteAheadLog } from '../../src/storage/write-ahead-log.js';
import { batchOf, contentOf, entry, modelOf, put } from './entries.js';
import { type DiskCall, MemoryDisk } from './memory-disk.js';
import { filesOf, removeDirectory, temporaryDirectory } from './temporary-directory.js';

/*
 * A segment is made of zeros that are durable before it is used, and making one takes as long as a hundred writes. A
 * leader that did it in the middle of a turn would hold up a whole cluster; so it is done ahead, and never waited for.
 */

const first = batchOf({ term: 1, votedFor: 0 }, entry(1, 1, 'a'.repeat(2000)));
const second = batchOf(null, entry(2, 1, 'b'.repeat(2000)));
const large = batchOf(null, entry(2, 1, 'c'.repeat(9000)));

function logOn(fileSystem: MemoryDisk): WriteAheadLog {
  const options = { directory: 'd', clusterId: 'c', nodeId: 0, segmentBytes: 4096, lock: null };
  return new WriteAheadLog({ fileSystem, ...options });
}

describe('WriteAheadLog and the segment ahead', () => {
  it('goes on in a file that is ready, without filling one', () => {
    const disk = new MemoryDisk();
    disk.preparesFiles('at once');
    const log = logOn(disk);
    log.recover();
    put(log, first);
    const calls: DiskCall[] = [];
    disk.before = (call) => calls.push(call);
    put(log, second);
    const roll = ['write', 'sync', 'rename', 'syncDirectory', 'open'];
    const mark = ['write', 'sync'];
    const preparation = ['create', 'write', 'sync'];
    expect(calls).to.deep.equal([...roll, ...mark, 'write', ...preparation, 'sync']);
    expect(contentOf(logOn(disk).recover())).to.deep.equal(modelOf([first, second]));
  });

  it('prepares none while there is room enough, and each once', () => {
    const disk = new MemoryDisk();
    disk.preparesFiles('too late');
    const log = logOn(disk);
    log.recover();
    put(log, batchOf({ term: 1, votedFor: 0 }));
    expect([...disk.files().keys()]).to.deep.equal(['d/0000000000000001.wal']);
    put(log, first);
    put(log, batchOf({ term: 2, votedFor: 0 }));
    expect([...disk.files().keys()]).to.deep.equal(['d/0000000000000001.wal', 'd/0000000000000002.wal.new']);
  });

  it('makes a segment on the spot for a record that fits none, and when nothing is ready', () => {
    for (const when of ['at once', 'too late'] as const) {
      const disk = new MemoryDisk();
      disk.preparesFiles(when);
      const log = logOn(disk);
      log.recover();
      put(log, first, large, second);
      // Whole sectors, as every segment is laid out: the large one was not squeezed into a file of the usual length.
      for (const [name, { length }] of disk.files()) expect(length % 512, name).to.equal(0);
      expect(contentOf(logOn(disk).recover()), when).to.deep.equal(modelOf([first, large, second]));
    }
  });

  it('leaves nothing behind when it is closed', () => {
    const disk = new MemoryDisk();
    disk.preparesFiles('too late');
    const log = logOn(disk);
    log.recover();
    put(log, first);
    log.close();
    expect([...disk.files().keys()]).to.deep.equal(['d/0000000000000001.wal']);
  });
});

describe('NodeFileSystem.prepare', () => {
  let directory: string;
  let path: string;
  const fileSystem = new NodeFileSystem();
  const length = 700 * 1024;
  beforeEach(() => {
    directory = temporaryDirectory();
    path = join(directory, 'file');
  });
  afterEach(() => removeDirectory(directory));

  async function ready(file: FileInPreparation): Promise<FileHandle> {
    for (;;) {
      const handle = file.take();
      if (handle !== null) return handle;
      await setImmediate();
    }
  }

  it('makes a file of zeros while the caller goes on, and hands it over once', async () => {
    const file = fileSystem.prepare(path, length);
    expect(file.take()).to.equal(null);
    const handle = await ready(file);
    expect(handle.size()).to.equal(length);
    expect(readFileSync(path).every((byte) => byte === 0)).to.equal(true);
    expect(file.take()).to.equal(null);
    file.abandon();
    handle.write(0, new Uint8Array([1]));
    handle.close();
    expect(readFileSync(path)[0]).to.equal(1);
  });

  it('hands it over durable, so that nobody waits for the disk to write the zeros', async () => {
    const { fdatasync } = fs;
    let syncs = 0;
    fs.fdatasync = ((descriptor, done) => {
      fdatasync(descriptor, (error) => {
        syncs++;
        done(error);
      });
    }) as typeof fdatasync;
    syncBuiltinESMExports();
    try {
      (await ready(fileSystem.prepare(path, length))).close();
    } finally {
      fs.fdatasync = fdatasync;
      syncBuiltinESMExports();
    }
    // One for each of its pieces: the log's own syncs wait for no more than one.
    expect(syncs).to.equal(3);
  });

  it('takes the name away at once when it is given up, and touches no file that has it afterwards', async () => {
    const given = fileSystem.prepare(path, length);
    given.abandon();
    expect(existsSync(path)).to.equal(false);
    const file = fileSystem.prepare(path, length);
    const handle = await ready(file);
    handle.write(0, new Uint8Array(length).fill(1));
    for (let turn = 0; turn < 50; turn++) await setImmediate();
    expect(readFileSync(path).every((byte) => byte === 1)).to.equal(true);
    handle.close();
    const late = fileSystem.prepare(`${path}2`, 10);
    await ready(late).then((taken) => taken.close());
  });

  it('removes a file that was ready and is given up', async () => {
    const file = fileSystem.prepare(path, 10);
    while (readFileSync(path).length < 10) await setImmediate();
    for (let turn = 0; turn < 50; turn++) await setImmediate();
    file.abandon();
    file.abandon();
    expect(existsSync(path)).to.equal(false);
    expect(file.take()).to.equal(null);
  });

  it('makes no second file of a name', () => {
    writeFileSync(path, 'here first');
    expect(() => fileSystem.prepare(path, 10))
      .to.throw()
      .with.property('code', 'EEXIST');
    expect(readFileSync(path, 'utf8')).to.equal('here first');
  });

  it('is what a log on the real file system goes on in', async () => {
    let taken = 0;
    class Watched extends NodeFileSystem {
      override prepare(name: string, bytes: number): FileInPreparation {
        const file = super.prepare(name, bytes);
        const take = () => {
          const handle = file.take();
          if (handle !== null) taken++;
          return handle;
        };
        return { take, abandon: () => file.abandon() };
      }
    }
    const open = () =>
      new WriteAheadLog({
        fileSystem: new Watched(),
        directory,
        clusterId: 'c',
        nodeId: 0,
        segmentBytes: 16 * 1024,
      });
    const log = open();
    log.recover();
    const batches = [];
    while (taken < 3) {
      const batch = batchOf(null, entry(batches.length + 1, 1));
      put(log, batch);
      batches.push(batch);
      await setImmediate();
    }
    log.close();
    expect(Object.keys(filesOf(directory)).every((name) => name.endsWith('.wal'))).to.equal(true);
    const again = open();
    expect(contentOf(again.recover())).to.deep.equal(modelOf(batches));
    again.close();
  });
});
