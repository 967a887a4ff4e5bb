import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { expect } from 'chai';
import { Members } from '../../src/cluster/nodes/members.js';
import { resolveOptions } from '../../src/cluster/options.js';
import { fixtureOf } from '../storage/fixture.js';
import { removeDirectory, temporaryDirectory } from '../storage/temporary-directory.js';

/*
 * What a cluster promises lies in its directory, and is lost with it. A name that was not synced may be gone after the
 * power was, however well the files below it were.
 */
describe('The directory of a cluster', () => {
  const { fsyncSync, openSync } = fs;
  let outermost: string;
  let synced: string[];

  beforeEach(() => {
    outermost = temporaryDirectory();
    synced = [];
    const paths = new Map<number, string>();
    fs.openSync = (path, ...rest) => {
      const descriptor = openSync(path, ...rest);
      paths.set(descriptor, String(path));
      return descriptor;
    };
    fs.fsyncSync = (descriptor) => {
      synced.push(paths.get(descriptor)!);
      fsyncSync(descriptor);
    };
    syncBuiltinESMExports();
  });

  afterEach(() => {
    Object.assign(fs, { fsyncSync, openSync });
    syncBuiltinESMExports();
    removeDirectory(outermost);
  });

  function claim(directory: string, clusterId = 'conclave'): Members {
    return Members.claim(resolveOptions({ nodes: 3, clusterId, storage: { kind: 'disk', directory } }));
  }

  it('is made durably, with all that is above it and with the names of its voters', () => {
    const above = join(outermost, 'a');
    const directory = join(above, 'b');
    claim(directory);
    const members = join(directory, 'members.json.new');
    expect(synced).to.deep.equal([outermost, above, members, directory, above]);
  });

  it('is made durable also when one who was killed had made it', () => {
    const directory = join(outermost, 'a');
    fs.mkdirSync(directory);
    claim(directory);
    expect(synced).to.include.members([directory, outermost]);
    synced = [];
    claim(directory);
    expect(synced).to.deep.equal([]);
  });

  it('is written to and nowhere else, whatever one who died left under the new file’s name, or others planted', () => {
    const theirs = join(outermost, 'theirs');
    fs.writeFileSync(theirs, 'precious');
    for (const leave of [
      (name: string) => fs.symlinkSync(theirs, name),
      (name: string) => fs.writeFileSync(name, 'half of'),
    ]) {
      const directory = fs.mkdtempSync(join(outermost, 'a-'));
      leave(join(directory, 'members.json.new'));
      claim(directory);
      expect(fs.readdirSync(directory)).to.deep.equal(['members.json']);
      expect(fs.readFileSync(join(directory, 'members.json'), 'utf8')).to.include('[0,1,2]');
    }
    expect(fs.readFileSync(theirs, 'utf8')).to.equal('precious');
  });

  it('remembers which voters have had a log, but for those that have left', () => {
    const directory = join(outermost, 'a');
    claim(directory).haveLogs([1, 2]);
    const members = claim(directory);
    expect([0, 1, 2].map((id) => members.hadLog(id))).to.deep.equal([false, true, true]);
    members.forget(2);
    expect([0, 1, 2].map((id) => claim(directory).hadLog(id))).to.deep.equal([false, true, false]);
  });

  it('takes each log of an earlier format for a voter’s, which does not say who voted', () => {
    const directory = join(outermost, 'a');
    fs.cpSync(fixtureOf(2), join(directory, 'node-4'), { recursive: true });
    expect(() => claim(directory, 'fixture ü'))
      .to.throw(/bring back members\.json.*node 4 never voted/)
      .with.property('code', 'WRONG_MEMBERS');
    fs.cpSync(fixtureOf(3), join(directory, 'node-4'), { recursive: true });
    // It was none of the voters that the cluster was made with: it came later.
    expect(claim(directory, 'fixture ü').joined).to.deep.equal([4]);
    expect(claim(directory, 'fixture ü').joined, 'with the list of voters').to.deep.equal([4]);
  });
});
