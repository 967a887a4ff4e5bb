import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { NodeFileSystem } from '../../src/storage/node-file-system.js';
import { removeDirectory, temporaryDirectory } from './temporary-directory.js';

/** Somebody without privileges, whom permissions bind. */
const nobody = 65_534;

/** Where a process has no user, nothing keeps it from reading a directory, and the test says so. */
function needsUsers(test: Mocha.Context): void {
  if (process.geteuid !== undefined) return;
  test.test!.title += ' (passed over: it takes a system whose processes have users)';
  test.skip();
}

describe('NodeFileSystem.makeDirectory', () => {
  const fileSystem = new NodeFileSystem();
  let directory: string;
  beforeEach(() => {
    directory = temporaryDirectory();
  });
  afterEach(() => removeDirectory(directory));

  /** Does it as one who may pass through `directory` and not read it. */
  function withoutReading(act: () => void): void {
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) chownSync(directory, nobody, nobody);
    chmodSync(directory, 0o311);
    if (isRoot) process.seteuid?.(nobody);
    try {
      act();
    } finally {
      if (isRoot) process.seteuid?.(0);
      chmodSync(directory, 0o700);
    }
  }

  it('makes what is missing', () => {
    const path = join(directory, 'a', 'b', 'c');
    fileSystem.makeDirectory(path);
    fileSystem.makeDirectory(path);
    expect(existsSync(path)).to.equal(true);
  });

  it('is content with a directory that is there, below one that it may not read', function () {
    needsUsers(this);
    const path = join(directory, 'node');
    mkdirSync(path, { mode: 0o777 });
    withoutReading(() => fileSystem.makeDirectory(path));
  });

  it('does not say that it has made one durably where it cannot know', function () {
    needsUsers(this);
    withoutReading(() => {
      expect(() => fileSystem.makeDirectory(join(directory, 'new')))
        .to.throw()
        .with.property('code', 'EACCES');
    });
  });
});

describe('NodeFileSystem.open', () => {
  const fileSystem = new NodeFileSystem();
  let directory: string;
  beforeEach(() => {
    directory = temporaryDirectory();
  });
  afterEach(() => removeDirectory(directory));

  it('reaches no file through a symbolic link, and makes none', () => {
    const [theirs, link] = [join(directory, 'theirs'), join(directory, 'link')];
    writeFileSync(theirs, 'precious');
    symlinkSync(theirs, link);
    expect(() => fileSystem.open(link, 'existing'))
      .to.throw()
      .with.property('code', 'ELOOP');
    expect(() => fileSystem.open(link, 'create'))
      .to.throw()
      .with.property('code', 'EEXIST');
    expect(() => fileSystem.prepare(link, 512))
      .to.throw()
      .with.property('code', 'EEXIST');
    expect(readFileSync(theirs, 'utf8')).to.equal('precious');
  });
});
