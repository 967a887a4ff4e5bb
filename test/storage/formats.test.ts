import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { Random } from '../../src/ground/random.js';
import { formatVersion } from '../../src/storage/header.js';
import { NodeFileSystem } from '../../src/storage/node-file-system.js';
import type { Recovered, WriteBatch } from '../../src/storage/storage.js';
import { WriteAheadLog } from '../../src/storage/write-ahead-log.js';
import { batchOf, contentOf, modelOf, put, run } from './entries.js';
import { fixtureBatches, fixtureOf, identity, writeFixture } from './fixture.js';
import { MemoryDisk } from './memory-disk.js';
import { birth, chunksOf, markOf } from './snapshots.js';
import { filesOf, removeDirectory, temporaryDirectory } from './temporary-directory.js';

/*
 * The fixtures were written by the versions that had these formats, and stay as they are for ever: a version that
 * cannot read them takes people's logs away.
 */

function logOn(fileSystem: MemoryDisk): WriteAheadLog {
  return new WriteAheadLog({ fileSystem, directory: 'd', lock: null, ...identity });
}

/** What was found, where the log may begin after a snapshot. */
function expectContent(found: Recovered, batches: readonly WriteBatch[]): void {
  const { hardState, entries } = modelOf(batches);
  expect(contentOf(found)).to.deep.equal({ hardState, entries: entries.slice(found.base.index) });
}

/** As one text: two of them are compared many times. */
function textOf({ hardState, entries }: ReturnType<typeof contentOf>, base: number): string {
  return JSON.stringify([hardState.term, hardState.votedFor, ...entries.slice(base)]);
}

function diskOf(version: number): MemoryDisk {
  const directory = fixtureOf(version);
  const names = readdirSync(directory);
  return new MemoryDisk(new Map(names.map((name) => [`d/${name}`, readFileSync(`${directory}/${name}`)])));
}

for (let version = 1; version <= formatVersion; version++) {
  const batches = fixtureBatches.get(version) ?? [];
  // What a snapshot holds is replaced no more.
  const from = version < 3 ? 5 : 211;

  describe(`WriteAheadLog and format version ${version}`, () => {
    it('reads the fixture, and changes nothing in it', () => {
      const directory = temporaryDirectory();
      try {
        cpSync(fixtureOf(version), directory, { recursive: true });
        const log = new WriteAheadLog({ fileSystem: new NodeFileSystem(), directory, ...identity });
        expectContent(log.recover(), batches);
        log.close();
        expect(filesOf(directory)).to.deep.equal(filesOf(fixtureOf(version)));
      } finally {
        removeDirectory(directory);
      }
    });

    it('goes on from it, also within what was there, and finds all of it again', () => {
      const next = [
        batchOf({ term: 8, votedFor: 1 }, run(from, 9, 8, 'replaces')),
        batchOf(null, run(from + 4, 3, 9, 'within')),
      ];
      const disk = diskOf(version);
      const before = disk.files();
      const last = [...before.keys()].at(-1);
      const log = logOn(disk);
      log.recover();
      put(log, ...next);
      log.close();
      expectContent(logOn(disk).recover(), [...batches, ...next]);
      if (version === formatVersion) return;
      // A segment has one format.
      const after = disk.files();
      for (const [name, bytes] of before) {
        const [found, was] = [after.get(name), bytes].map((file) => file?.subarray(0, -32));
        expect(Buffer.compare(found!, was!), name).to.equal(0);
        // Of format 2 it says that it has a successor.
        expect(after.get(name)?.equals(bytes) === false, name).to.equal(version === 2 && name === last);
      }
      expect([...after].at(-1)?.[1].readUInt32LE(8)).to.equal(formatVersion);
      expect(after.size).to.equal(before.size + 1);
    });

    it('loses nothing when the power goes while it is gone on from', () => {
      const next = batchOf({ term: 8, votedFor: 1 }, run(from, 9, 8));
      const base = version < 3 ? 0 : logOn(diskOf(version)).recover().base.index;
      const [before, after] = [batches, [...batches, next]].map((all) => textOf(modelOf(all), base));
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
          const found = textOf(contentOf(logOn(disk.afterPowerCut(cut, new Random(call))).recover()), 0);
          expect(found === after || (!isDone && found === before), `${cut} at ${call}`).to.equal(true);
        }
        if (isDone) break;
      }
    });

    if (version < formatVersion) return;
    it('has the snapshots and the first configuration, and a log that begins later', () => {
      const log = logOn(diskOf(version));
      const { base, birth: found, snapshots } = log.recover();
      expect(found).to.deep.equal(birth);
      expect(base).to.deep.equal({ index: 3, term: 2 });
      expect(snapshots.map(({ mark }) => mark)).to.deep.equal([markOf(209, 5), markOf(5, 3)]);
      expect(chunksOf(log, markOf(209, 5))).to.deep.equal(['state', 'of 209']);
      expect(chunksOf(log, markOf(5, 3))).to.deep.equal(['state of 5']);
    });

    it('still writes the same bytes', () => {
      const disk = new MemoryDisk();
      const log = logOn(disk);
      writeFixture(log);
      expect(disk.files()).to.deep.equal(diskOf(version).files());
    });
  });
}
