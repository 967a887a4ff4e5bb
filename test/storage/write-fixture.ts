import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { formatVersion } from '../../src/storage/header.js';
import { WriteAheadLog } from '../../src/storage/write-ahead-log.js';
import { fixtureOf, identity, writeFixture } from './fixture.js';
import { MemoryDisk } from './memory-disk.js';

/*
 * Writes the fixture of the disk's format as it is now: `npm run -s build && node dist/test/storage/write-fixture.js`.
 * For a format that nobody uses yet: once it is out, its fixture stays as it is for ever.
 */

const disk = new MemoryDisk();
const log = new WriteAheadLog({ fileSystem: disk, directory: 'd', lock: null, ...identity });
writeFixture(log);

const directory = fixtureOf(formatVersion);
rmSync(directory, { recursive: true, force: true });
mkdirSync(directory, { recursive: true });
for (const [name, bytes] of disk.files()) writeFileSync(`${directory}/${name.slice('d/'.length)}`, bytes);
