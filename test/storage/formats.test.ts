import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { Random } from '../../src/ground/random.js';
import { formatVersion } from '../../src/storage/header.js';
import { NodeFileSystem } from '../../src/storage/node-file-system.js';
import { WriteAheadLog } from '../../src/storage/write-ahead-log.js';
import { batchOf, contentOf, modelOf, put, run } from './entries.js';
import { fixtureBatches, fixtureOf, identity } from './fixture.js';
import { MemoryDisk } from './memory-disk.js';
import { filesOf, removeDirectory, temporaryDirectory } from './temporary-directory.js';

/*
 * The fixtures were written by the versions that had these formats, and stay as they are for ever: a version that
 * cannot read them takes people's logs away.
 */

function logOn(fileSystem: MemoryDisk): WriteAheadLog {
  return new WriteAheadLog({ fileSystem, directory: 'd', lock: null, ...identity });
}

function diskOf(version: number): MemoryDisk {
  const directory = fixtureOf(version);
  const names = readdirSync(directory);
  return new MemoryDisk(new Map(names.map((name) => [`d/${name}`, readFileSync(`${directory}/${name}`)])));
}

for (let version = 1; version <= formatVersion; version++) {
  const batches = fixtureBatches.get(version) ?? [];

  describe(`WriteAheadLog and format version ${version}`, () => {
    it('reads the fixture, and changes nothing in it', () => {
      const directory = temporaryDirectory();
      try {
        cpSync(fixtureOf(version), directory, { recursive: true });
        const log = new WriteAheadLog({ fileSystem: new NodeFileSystem(), directory, ...identity });
        expect(contentOf(log.recover())).to.deep.equal(modelOf(batches));
        log.close();
        expect(filesOf(directory)).to.deep.equal(filesOf(fixtureOf(version)));
      } finally {
        removeDirectory(directory);
      }
    });

    it('goes on from it, also within what was there, and finds all of it again', () => {
      const next = [
        batchOf({ term: 8, votedFor: 1 }, run(5, 9, 8, 'replaces')),
        batchOf(null, run(9, 3, 9, 'within')),
      ];
      const disk = diskOf(version);
      const before = disk.files();
      const log = logOn(disk);
      log.recover();
      put(log, ...next);
      log.close();
      expect(contentOf(logOn(disk).recover())).to.deep.equal(modelOf([...batches, ...next]));
      if (version === formatVersion) return;
      // A segment has one format.
      const after = disk.files();
      for (const [name, bytes] of before) expect(after.get(name)?.equals(bytes), name).to.equal(true);
      expect([...after].at(-1)?.[1].readUInt32LE(8)).to.equal(formatVersion);
      expect(after.size).to.equal(before.size + 1);
    });

    it('loses nothing when the power goes while it is gone on from', () => {
      const next = batchOf({ term: 8, votedFor: 1 }, run(5, 9, 8));
      for (let call = 0; ; call++) {
        const disk = diskOf(version);
        let calls = 0;
        disk.before = () => {
          if (calls++ === call) throw new Error('the power is gone');
        };
        let isDone = false;
        try {
          const log = logOn(disk);
          log.recover();
          put(log, next);
          isDone = true;
        } catch {}
        for (const cut of ['lost', 'kept', 'prefix', 'sectors'] as const) {
          const found = contentOf(logOn(disk.afterPowerCut(cut, new Random(call))).recover());
          const outcomes = [modelOf(batches), modelOf([...batches, next])];
          expect(isDone ? outcomes.slice(1) : outcomes).to.deep.include(found);
        }
        if (isDone) break;
      }
    });

    if (version < formatVersion) return;
    it('still writes the same bytes', () => {
      const disk = new MemoryDisk();
      const log = logOn(disk);
      log.recover();
      put(log, ...batches);
      expect(disk.files()).to.deep.equal(diskOf(version).files());
    });
  });
}
