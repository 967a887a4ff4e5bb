import { appendFileSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { DirectoryLock } from '../../src/storage/directory-lock.js';
import { type Inspection, inspectDirectory } from '../../src/storage/inspection.js';
import { NodeFileSystem } from '../../src/storage/node-file-system.js';
import { cipherOptions } from '../wire/arbitraries.js';
import { fixtureOf } from './fixture.js';
import { birth } from './snapshots.js';
import { filesOf, removeDirectory, temporaryDirectory } from './temporary-directory.js';

/* What people are told of a directory that they cannot start a node on, or dare not. */

describe('A look into a node’s directory', () => {
  let directory: string;

  beforeEach(() => {
    directory = temporaryDirectory();
  });

  afterEach(() => removeDirectory(directory));

  function look(key: Uint8Array | null = null): Inspection {
    const before = filesOf(directory);
    const found = inspectDirectory(new NodeFileSystem('read'), directory, key);
    expect(filesOf(directory)).to.deep.equal(before);
    return found as Inspection;
  }

  it('shows term, vote, members, segments, snapshots and where the log begins, and changes nothing', () => {
    cpSync(fixtureOf(3), directory, { recursive: true });
    const found = look();
    expect(found.identity).to.deep.equal({ clusterId: 'fixture ü', nodeId: 4 });
    expect(found).to.deep.include({ birth, damage: null, holder: null, tornBytes: 0, lastIndex: 212 });
    expect([found.hardState, found.base]).to.deep.equal([
      { term: 4, votedFor: 4 },
      { index: 3, term: 2 },
    ]);
    expect(found.segments.map(({ name, firstIndex }) => [name.slice(-5), firstIndex])).to.deep.equal([
      ['2.wal', 4],
      ['3.wal', 7],
    ]);
    expect(found.snapshots.map(({ mark, chunks, flaw }) => [mark?.index, chunks, flaw])).to.deep.equal([
      [209, 2, null],
      [5, 1, null],
    ]);
  });

  it('shows the first damage, all before it, and which snapshot is damaged', () => {
    cpSync(fixtureOf(3), directory, { recursive: true });
    const segment = `${directory}/0000000000000003.wal`;
    const bytes = readFileSync(segment);
    bytes[700]! ^= 1;
    writeFileSync(segment, bytes);
    appendFileSync(`${directory}/0000000000000209-5.snapshot`, 'x');
    const { damage, snapshots, lastIndex } = look();
    expect(damage?.file).to.equal(segment);
    expect(damage?.reason).to.match(/does not match its checksum|does not check/);
    expect(lastIndex).to.be.within(5, 6);
    expect(snapshots.map(({ flaw }) => flaw)).to.deep.equal([null, 'its end does not match its checksum']);
    rmSync(segment);
    expect(look().damage?.reason).to.match(/0003, which was made after it, is missing|segment 3/);
  });

  it('says who has the directory', () => {
    cpSync(fixtureOf(2), directory, { recursive: true });
    const lock = new DirectoryLock(directory, 'the test');
    lock.acquire();
    expect(look().holder).to.deep.equal({ pid: process.pid, owner: 'the test' });
    lock.release();
    expect(look().holder).to.equal(null);
  });

  it('finds no log where there is none', () => {
    expect(look()).to.equal(null);
  });

  for (const options of cipherOptions) {
    it(`opens single entries (${options.kind})`, () => {
      const fixture = `../../../test/node/fixtures/format-2-${options.kind}`;
      cpSync(fileURLToPath(new URL(fixture, import.meta.url)), directory, { recursive: true });
      const key = options.kind === 'aes-256-gcm' ? options.key : null;
      const found = look(key);
      expect(found.cipher).to.equal(options.kind);
      const entries = found.entries(2, 3);
      expect(entries?.map(({ index, kind }) => [index, kind])).to.deep.equal([
        [2, 'command'],
        [3, 'command'],
      ]);
      expect(Buffer.from(entries?.[1]?.command ?? []).toString('latin1')).to.include('value 2');
      if (key === null) return;
      expect(look().entries(2, 3)).to.equal(null);
      expect(() => look(new Uint8Array(32)))
        .to.throw()
        .with.property('code', 'WRONG_KEY');
    });
  }
});
