import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs, { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { DirectoryLock } from '../../src/storage/directory-lock.js';
import { NodeFileSystem } from '../../src/storage/node-file-system.js';
import { WriteAheadLog } from '../../src/storage/write-ahead-log.js';
import { filesOf, removeDirectory, temporaryDirectory } from './temporary-directory.js';

/** Where there is no /proc, nobody can tell when a process began, and the test says so. */
function needsLinux(test: Mocha.Context): void {
  if (process.platform === 'linux') return;
  test.test!.title += ' (passed over: it takes /proc, which only Linux has)';
  test.skip();
}

/*
 * Two processes that write one log destroy it, so the second is kept out; and a process that died must not keep its
 * own successor out.
 */
describe('DirectoryLock', () => {
  let directory: string;
  let children: ChildProcess[];

  beforeEach(() => {
    directory = temporaryDirectory();
    children = [];
  });

  afterEach(() => {
    for (const child of children) child.kill('SIGKILL');
    removeDirectory(directory);
  });

  it('leaves nothing behind on a disk that is full, however often it is tried', () => {
    const { writeFileSync: write } = fs;
    fs.writeFileSync = (path) => {
      write(path, '');
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    };
    syncBuiltinESMExports();
    try {
      for (let attempt = 0; attempt < 3; attempt++) {
        expect(() => new DirectoryLock(directory).acquire())
          .to.throw()
          .with.property('code', 'ENOSPC');
      }
    } finally {
      fs.writeFileSync = write;
      syncBuiltinESMExports();
    }
    expect(readdirSync(directory)).to.deep.equal([]);
  });

  /** Another process that takes the lock and says how it went: `held`, or the error's code and message. */
  async function contender(): Promise<{ said: string; child: ChildProcess }> {
    const module = new URL('../../src/storage/directory-lock.js', import.meta.url).href;
    const program = `
      import { DirectoryLock } from ${JSON.stringify(module)};
      try { new DirectoryLock(${JSON.stringify(directory)}, 'contender').acquire(); console.log('held'); }
      catch (error) { console.log(error.code + ' ' + error.message); }
      process.stdin.resume();`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    children.push(child);
    const [said] = await once(child.stdout!, 'data');
    return { said: String(said), child };
  }

  function holder(): Record<string, unknown> {
    return JSON.parse(readFileSync(`${directory}/LOCK`, 'utf8')) as Record<string, unknown>;
  }

  it('keeps a second process out and names the first', async () => {
    const { child } = await contender();
    expect(() => new DirectoryLock(directory).acquire())
      .to.throw(new RegExp(`in use by process ${child.pid} \\(contender\\)`))
      .with.property('pid', child.pid);
    expect(readdirSync(directory)).to.deep.equal(['LOCK']);
  });

  it('lets one win when several come at once', async () => {
    const outcomes = await Promise.all([contender(), contender(), contender(), contender()]);
    expect(outcomes.filter(({ said }) => said.startsWith('held'))).to.have.length(1);
    expect(outcomes.filter(({ said }) => said.startsWith('DIRECTORY_LOCKED'))).to.have.length(3);
  });

  it('lets at most one take over when several find it stale', async () => {
    for (let round = 0; round < 3; round++) {
      writeFileSync(`${directory}/LOCK`, JSON.stringify({ pid: process.pid, startTime: 'x', owner: 'gone' }));
      const outcomes = await Promise.all([contender(), contender(), contender()]);
      const winners = outcomes.filter(({ said }) => said.startsWith('held'));
      expect(winners.length).to.be.at.most(1);
      if (winners[0] !== undefined) expect(holder()).to.have.property('pid', winners[0].child.pid);
      for (const { child } of outcomes) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
    }
  });

  it('is taken over from a process that was killed', async () => {
    const { child } = await contender();
    child.kill('SIGKILL');
    await once(child, 'exit');
    new DirectoryLock(directory, 'successor').acquire();
    expect(holder()).to.include({ pid: process.pid, owner: 'successor' });
  });

  it('is taken over when another process has the number of the dead one', function () {
    needsLinux(this);
    writeFileSync(`${directory}/LOCK`, JSON.stringify({ pid: process.ppid, startTime: 'x', owner: 'gone' }));
    new DirectoryLock(directory).acquire();
    expect(holder()).to.include({ pid: process.pid });
  });

  it('is refused when the process lives and the system does not tell since when', () => {
    writeFileSync(
      `${directory}/LOCK`,
      JSON.stringify({ pid: process.ppid, startTime: null, owner: 'parent' }),
    );
    expect(() => new DirectoryLock(directory).acquire())
      .to.throw()
      .with.property('code', 'DIRECTORY_LOCKED');
  });

  it('is taken over when a power cut left the file empty', () => {
    writeFileSync(`${directory}/LOCK`, '');
    new DirectoryLock(directory).acquire();
    expect(holder()).to.include({ pid: process.pid });
  });

  it('may be retaken by the same owner in the same process, and by no other', () => {
    new DirectoryLock(directory, 'node 1').acquire();
    expect(() => new DirectoryLock(directory, 'node 2').acquire()).to.throw(/node 1/);
    expect(() => new DirectoryLock(directory).acquire()).to.throw(/node 1/);
    const again = new DirectoryLock(directory, 'node 1');
    again.acquire();
    again.release();
    expect(readdirSync(directory)).to.deep.equal([]);
    new DirectoryLock(directory).acquire();
    expect(() => new DirectoryLock(directory).acquire()).to.throw(/unnamed/);
  });

  it('is not removed by someone who does not hold it', () => {
    const first = new DirectoryLock(directory, 'first');
    first.acquire();
    new DirectoryLock(directory, 'second').release();
    expect(holder()).to.include({ owner: 'first' });
    first.release();
    first.release();
    expect(readdirSync(directory)).to.deep.equal([]);
  });

  it('keeps a second log out of a directory in use, and lets it in after', () => {
    const open = () =>
      new WriteAheadLog({
        fileSystem: new NodeFileSystem(),
        directory,
        clusterId: 'c',
        nodeId: 0,
        segmentBytes: 4096,
      });
    const first = open();
    first.recover();
    const files = filesOf(directory);
    const second = open();
    expect(() => second.recover())
      .to.throw()
      .with.property('code', 'DIRECTORY_LOCKED');
    second.close();
    expect(filesOf(directory)).to.deep.equal(files);
    expect(holder()).to.include({ pid: process.pid });
    first.close();
    const third = open();
    third.recover();
    third.close();
    expect(readdirSync(directory)).to.deep.equal(['0000000000000001.wal']);
  });

  it('reads the start of a process whose name has blanks and parentheses', function () {
    needsLinux(this);
    const module = fileURLToPath(new URL('../../src/storage/directory-lock.js', import.meta.url));
    const program = `
      process.title = 'a) R (b';
      const { DirectoryLock } = await import(${JSON.stringify(module)});
      new DirectoryLock(${JSON.stringify(directory)}, 'odd').acquire();`;
    execFileSync(process.execPath, ['--input-type=module', '-e', program]);
    expect(holder().startTime).to.match(/^[0-9a-f-]+\/\d+$/);
  });
});
