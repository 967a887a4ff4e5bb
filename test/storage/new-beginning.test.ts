import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { packBytes } from '../../src/ground/byte-strings.js';
import { Random } from '../../src/ground/random.js';
import { Configuration, type ConfigurationData } from '../../src/raft/configuration.js';
import type { EntryKind, LogIndex, Term } from '../../src/raft/entry.js';
import { WrongKeyError } from '../../src/storage/errors.js';
import { type Inspection, inspectDirectory } from '../../src/storage/inspection.js';
import { beginAnew, inheritanceOf } from '../../src/storage/new-beginning.js';
import { NodeFileSystem } from '../../src/storage/node-file-system.js';
import { snapshotName } from '../../src/storage/snapshots/snapshot-store.js';
import { WriteAheadLog } from '../../src/storage/write-ahead-log.js';
import type { CipherOptions } from '../../src/wire/cipher.js';
import { configurationBody } from '../../src/wire/configuration.js';
import { createCipher } from '../../src/wire/create-cipher.js';
import { logSealOf } from '../../src/wire/log-seal.js';
import type { SealedRun } from '../../src/wire/packed-runs.js';
import { RunSeals } from '../../src/wire/run-seals.js';
import { cipherOptions } from '../wire/arbitraries.js';
import { birth, chunksOf, markOf, take } from './snapshots.js';
import { filesOf, removeDirectory, temporaryDirectory } from './temporary-directory.js';

/*
 * Where a quorum is lost for good, one survivor's data becomes another cluster. No member of that may ever vote by what
 * the old one was configured with: two who still stood at its old entries could elect a leader without the others.
 */

const survivor = { clusterId: 'old', nodeId: 2 };
const heir = { clusterId: 'new', nodeId: 0 };
const members = Configuration.of([0]).data;
const hardState = { term: 8, votedFor: null };

for (const cipher of cipherOptions) {
  describe(`A new beginning from a survivor’s log under the cipher ${cipher.kind}`, () => {
    const entries = createCipher(cipher, new Random(3));
    const seals = new RunSeals(entries);
    const seal = logSealOf(cipher, entries);
    let directory: string;
    let to: string;

    beforeEach(() => {
      directory = temporaryDirectory();
      to = temporaryDirectory();
    });

    afterEach(() => {
      removeDirectory(directory);
      removeDirectory(to);
    });

    function run(firstIndex: LogIndex, term: Term, kind: EntryKind, body: Uint8Array, count = 1): SealedRun {
      return seals.sealed({ firstIndex, count, term, kind, leaderId: 1, body });
    }

    function commands(firstIndex: LogIndex, term: Term, ...texts: string[]): SealedRun {
      const body = packBytes(texts.map((text) => Buffer.from(text)));
      return run(firstIndex, term, 'command', body, texts.length);
    }

    /** Entries 1 to 8, one of them a configuration that nobody is to vote by. */
    function survive(prepare: (log: WriteAheadLog) => void = () => {}): void {
      const log = new WriteAheadLog({ fileSystem: new NodeFileSystem(), directory, ...survivor });
      log.recover(seal, birth);
      const wider: ConfigurationData = Configuration.of([0, 1, 2, 3]).data;
      log.write({
        hardState: { term: 7, votedFor: 1 },
        runs: [
          run(1, 1, 'noop', packBytes([new Uint8Array(0)])),
          commands(2, 1, 'two', 'three', 'four', 'five'),
          run(6, 2, 'configuration', configurationBody(wider)),
          commands(7, 5, 'seven', 'eight'),
        ],
      });
      log.sync();
      prepare(log);
      log.close();
    }

    function begin(options: CipherOptions = cipher): Inspection {
      const before = filesOf(directory);
      const from = inheritanceOf(new NodeFileSystem('read'), directory, survivor, options);
      const log = new WriteAheadLog({ fileSystem: new NodeFileSystem(), directory: to, ...heir });
      try {
        beginAnew(log, from, hardState, members);
      } finally {
        log.close();
      }
      expect(filesOf(directory)).to.deep.equal(before);
      const key = options.kind === 'aes-256-gcm' ? options.key : null;
      return inspectDirectory(new NodeFileSystem('read'), to, key) as Inspection;
    }

    function textsOf(found: Inspection): string[] {
      const listed = found.entries(1, 100) ?? [];
      return listed.map(({ index, term, kind, command }) =>
        kind === 'command' ? `${index}/${term} ${Buffer.from(command)}` : `${index}/${term} ${kind}`,
      );
    }

    function contentOf(found: Inspection, at: LogIndex): string[] {
      const log = new WriteAheadLog({ fileSystem: new NodeFileSystem(), directory: to, ...heir });
      log.recover(seal);
      const chunks = chunksOf(
        log,
        found.snapshots.find(({ mark }) => mark?.index === at)?.mark ?? markOf(at),
      );
      log.close();
      return chunks;
    }

    it('takes all entries over, under another name, without the vote', () => {
      survive();
      const found = begin();
      expect(found).to.deep.include({
        identity: heir,
        hardState,
        birth: members,
        damage: null,
        lastIndex: 8,
      });
      expect(found.cipher).to.equal(cipher.kind);
      expect(textsOf(found)).to.deep.equal([
        '1/1 noop',
        '2/1 two',
        '3/1 three',
        '4/1 four',
        '5/1 five',
        '6/2 configuration',
        '7/5 seven',
        '8/5 eight',
      ]);
    });

    it('has the new members in force at every entry, in place of those that the log and the snapshot named', () => {
      survive((log) => take(log, markOf(4), 'state'));
      const found = begin();
      expect(found.configuration).to.deep.equal({ index: 6, data: members });
      expect(found.snapshots.map(({ mark }) => mark)).to.deep.equal([
        { index: 4, term: 1, configuration: members, configurationIndex: 0 },
      ]);
    });

    it('begins with the newest snapshot, though that ends within what one leader appended together', () => {
      survive((log) => take(log, markOf(4), 'sta', 'te'));
      const found = begin();
      expect(found.base).to.deep.equal({ index: 4, term: 1 });
      expect(textsOf(found)).to.deep.equal(['5/1 five', '6/2 configuration', '7/5 seven', '8/5 eight']);
      expect(contentOf(found, 4)).to.deep.equal(['sta', 'te']);
    });

    it('takes an installed snapshot for the log that it is ahead of', () => {
      survive((log) => take(log, markOf(20, 6), 'state'));
      const found = begin();
      expect(found).to.deep.include({ base: { index: 20, term: 6 }, lastIndex: 20, damage: null });
      expect(contentOf(found, 20)).to.deep.equal(['state']);
    });

    it('leaves entries behind that an installed snapshot conflicts with', () => {
      survive((log) => take(log, markOf(7, 6), 'state'));
      const found = begin();
      expect(found).to.deep.include({ base: { index: 7, term: 6 }, lastIndex: 7, damage: null });
    });

    it('takes the snapshot before one that is damaged, with the entries after it', () => {
      survive((log) => {
        take(log, markOf(2), 'older');
        take(log, markOf(5), 'newer');
      });
      const path = `${directory}/${snapshotName({ index: 5, term: 1 })}`;
      const bytes = readFileSync(path);
      bytes[bytes.length - 1]! ^= 1;
      writeFileSync(path, bytes);
      const found = begin();
      expect(found.base).to.deep.equal({ index: 2, term: 1 });
      expect(textsOf(found)[0]).to.equal('3/1 three');
      expect(contentOf(found, 2)).to.deep.equal(['older']);
    });

    if (cipher.kind !== 'aes-256-gcm') return;
    it('refuses a log under another key', () => {
      survive();
      const key = new Uint8Array(32).fill(9);
      expect(() => begin({ kind: 'aes-256-gcm', key })).to.throw(WrongKeyError);
    });
  });
}
