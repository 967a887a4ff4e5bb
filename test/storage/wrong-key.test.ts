import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { packBytes } from '../../src/ground/byte-strings.js';
import { Random } from '../../src/ground/random.js';
import { MemoryStorage } from '../../src/storage/memory-storage.js';
import type { Storage } from '../../src/storage/storage.js';
import { WriteAheadLog } from '../../src/storage/write-ahead-log.js';
import type { CipherOptions } from '../../src/wire/cipher.js';
import { createCiphers } from '../../src/wire/create-cipher.js';
import { logSealOf } from '../../src/wire/log-seal.js';
import type { SealedRun } from '../../src/wire/packed-runs.js';
import { RunSeals } from '../../src/wire/run-seals.js';
import { batchOf, lastIndexIn, put } from './entries.js';
import { fixtureOf, identity } from './fixture.js';
import { MemoryDisk } from './memory-disk.js';

/*
 * A node that starts under another cipher or key than it had would seal what it writes with that, and no key opens
 * such a log any more. So it is refused before it has written a byte, whichever way round.
 */

function aes(byte: number, ...oldKeys: number[]): CipherOptions {
  const key = (each: number) => new Uint8Array(32).fill(each);
  return { kind: 'aes-256-gcm', key: key(byte), oldKeys: oldKeys.map(key) };
}

function nameOf(options: CipherOptions): string {
  return options.kind === 'aes-256-gcm' ? `${options.kind} with key ${options.key[0]}` : options.kind;
}

const ciphers: readonly CipherOptions[] = [{ kind: 'none' }, { kind: 'pseudo' }, aes(1), aes(2)];

function logOn(fileSystem: MemoryDisk): WriteAheadLog {
  return new WriteAheadLog({ fileSystem, directory: 'd', lock: null, ...identity });
}

/** Recovers under a cipher and puts an entry that it seals, or none. Returns how many entries there are then. */
function use(storage: Storage, options: CipherOptions, putsEntry = true): number {
  const { entries } = createCiphers(options, new Random(1));
  const { runs } = storage.recover(logSealOf(options, entries));
  for (const run of runs) expect(new RunSeals(entries).openStored(run)).to.not.equal(null);
  const next = lastIndexIn(runs) + 1;
  if (putsEntry) put(storage, batchOf({ term: next, votedFor: null }, sealedEntry(next, entries)));
  else put(storage, batchOf({ term: 1, votedFor: 0 }));
  storage.close();
  return storage.lastIndex;
}

function sealedEntry(index: number, entries: ReturnType<typeof createCiphers>['entries']): SealedRun {
  const body = packBytes([new Uint8Array(900)]);
  const run = { firstIndex: index, count: 1, term: index, leaderId: 0, kind: 'command', body } as const;
  const { firstIndex, count, term, kind, sealed } = new RunSeals(entries).sealed(run);
  return { firstIndex, count, term, kind, sealed };
}

function expectRefusal(disk: MemoryDisk, options: CipherOptions, code: string): void {
  const before = disk.files();
  expect(() => use(logOn(disk), options), nameOf(options))
    .to.throw()
    .with.property('code', code);
  expect(disk.files()).to.deep.equal(before);
}

describe('A storage and the cipher that it was written under', () => {
  for (const options of ciphers) {
    it(`refuses every other than ${nameOf(options)}, with entries and without, and changes nothing`, () => {
      for (const putsEntry of [true, false]) {
        const disk = new MemoryDisk();
        use(logOn(disk), options, putsEntry);
        for (const other of ciphers) if (other !== options) expectRefusal(disk, other, 'WRONG_KEY');
        expect(use(logOn(disk), options)).to.equal(putsEntry ? 2 : 1);
      }
    });

    it(`refuses every other than ${nameOf(options)} in memory`, () => {
      const storage = new MemoryStorage();
      use(storage, options);
      for (const other of ciphers) {
        if (other === options) continue;
        expect(() => use(storage, other))
          .to.throw()
          .with.property('code', 'WRONG_KEY');
      }
      expect(use(storage, options)).to.equal(2);
    });
  }

  it('says which cipher was meant', () => {
    const disk = new MemoryDisk();
    use(logOn(disk), aes(1));
    expect(() => use(logOn(disk), { kind: 'pseudo' })).to.throw(
      /0001\.wal are sealed under the cipher "aes-256-gcm", and "pseudo" was given\. Start the node with/,
    );
    expect(() => use(logOn(disk), aes(2))).to.throw(/another key than any that was given/);
  });

  it('tells by the first of several segments under several keys, and by the last', () => {
    const disk = new MemoryDisk();
    use(logOn(disk), aes(1));
    expect(use(logOn(disk), aes(2, 1)), 'the key was changed').to.equal(2);
    expect(use(logOn(disk), aes(2, 1))).to.equal(3);
    // A segment is sealed under one key.
    expect(disk.files().size).to.equal(2);
    expectRefusal(disk, aes(1), 'WRONG_KEY');
    expectRefusal(disk, aes(2), 'WRONG_KEY');
    expectRefusal(disk, aes(3), 'WRONG_KEY');
    expect(use(logOn(disk), aes(3, 1, 2))).to.equal(4);
  });

  it('tries the first entry and the last, which a follower stores as leaders sealed them, under a key that is new', () => {
    for (const keys of [
      [1, 2],
      [2, 1],
    ]) {
      const disk = new MemoryDisk();
      const given = aes(1, 2);
      const log = logOn(disk);
      log.recover(logSealOf(given, createCiphers(given, new Random(1)).entries));
      for (const [index, key] of keys.entries()) {
        const { entries } = createCiphers(aes(key), new Random(1));
        put(log, batchOf(null, sealedEntry(index + 1, entries)));
      }
      expectRefusal(disk, aes(1), 'UNREADABLE_LOG');
      expect(use(logOn(disk), given)).to.equal(3);
    }
  });

  it('tries the entries of a log of format 1, which says nothing of its cipher', () => {
    const directory = fixtureOf(1);
    const names = readdirSync(directory);
    const files = new Map(names.map((name) => [`d/${name}`, readFileSync(`${directory}/${name}`)]));
    // What a recovery would have to repair is left as it is, too.
    files.set('d/0000000000000003.wal.new', Buffer.alloc(100));
    for (const options of ciphers) expectRefusal(new MemoryDisk(files), options, 'UNREADABLE_LOG');
  });
});
