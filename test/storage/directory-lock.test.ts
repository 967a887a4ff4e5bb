import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { DirectoryLock } from '../../src/storage/directory-lock.js';
import { thisMachine } from '../../src/storage/lock-host.js';
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
    const full = {
      ...thisMachine,
      createFile(path: string) {
        thisMachine.createFile(path, '');
        throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
      },
    };
    for (let attempt = 0; attempt < 3; attempt++) {
      expect(() => new DirectoryLock(directory, 'mine', full).acquire())
        .to.throw()
        .with.property('code', 'ENOSPC');
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
    const names = readdirSync(join(directory, 'LOCK'));
    expect(names).to.have.length(1);
    return JSON.parse(readFileSync(join(directory, 'LOCK', names[0]!), 'utf8')) as Record<string, unknown>;
  }

  /** A lock as its holder left it. */
  function plant(text: string): void {
    mkdirSync(join(directory, 'LOCK'));
    writeFileSync(join(directory, 'LOCK', '1.0'), text);
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

  it('lets one take over when several find it stale', async () => {
    for (let round = 0; round < 3; round++) {
      const { child: gone } = await contender();
      gone.kill('SIGKILL');
      await once(gone, 'exit');
      const outcomes = await Promise.all([contender(), contender(), contender()]);
      const winners = outcomes.filter(({ said }) => said.startsWith('held'));
      expect(winners).to.have.length(1);
      expect(holder()).to.have.property('pid', winners[0]?.child.pid);
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
    plant(JSON.stringify({ pid: process.ppid, startTime: 'x', owner: 'gone' }));
    new DirectoryLock(directory).acquire();
    expect(holder()).to.include({ pid: process.pid });
  });

  it('is refused when the process lives and the system does not tell since when', () => {
    plant(JSON.stringify({ pid: process.ppid, startTime: null, owner: 'parent' }));
    expect(() => new DirectoryLock(directory).acquire())
      .to.throw()
      .with.property('code', 'DIRECTORY_LOCKED');
  });

  it('is refused when the process lives and the system tells no longer since when', () => {
    plant(JSON.stringify({ pid: process.ppid, startTime: 'x', owner: 'parent' }));
    const silent = { ...thisMachine, lifeOf: () => ({ isAlive: true, startTime: null }) };
    expect(() => new DirectoryLock(directory, 'mine', silent).acquire())
      .to.throw()
      .with.property('code', 'DIRECTORY_LOCKED');
  });

  it('is taken over when a power cut left the file empty', () => {
    plant('');
    new DirectoryLock(directory).acquire();
    expect(holder()).to.include({ pid: process.pid });
  });

  it('is taken over from an earlier version, which made it a file, unless that one lives', () => {
    const text = JSON.stringify({ pid: process.ppid, startTime: null, owner: 'an earlier version' });
    writeFileSync(`${directory}/LOCK`, text);
    expect(() => new DirectoryLock(directory).acquire()).to.throw(/an earlier version/);
    expect(readFileSync(`${directory}/LOCK`, 'utf8')).to.equal(text);
    writeFileSync(`${directory}/LOCK`, '');
    writeFileSync(`${directory}/LOCK.claim.1.0.0`, '');
    new DirectoryLock(directory).acquire();
    expect(holder()).to.include({ pid: process.pid });
  });

  it('is for its owner’s eyes only', () => {
    new DirectoryLock(directory).acquire();
    const [name = ''] = readdirSync(join(directory, 'LOCK'));
    const modeOf = (path: string) => statSync(path).mode & 0o777;
    expect(modeOf(join(directory, 'LOCK'))).to.equal(0o700);
    expect(modeOf(join(directory, 'LOCK', name))).to.equal(0o600);
  });

  it('is made nowhere but in its directory, whatever links are planted there', () => {
    const elsewhere = temporaryDirectory();
    try {
      for (const [link, target] of [
        ['LOCK.claim.1.0', elsewhere],
        ['LOCK.claim.2.0', join(elsewhere, 'file')],
      ] as const) {
        symlinkSync(target, join(directory, link));
        const host = { ...thisMachine, pid: Number(link.at(-3)), unique: () => '0' };
        expect(() => new DirectoryLock(directory, 'mine', host).acquire())
          .to.throw()
          .with.property('code', 'EEXIST');
      }
      writeFileSync(join(elsewhere, 'theirs'), 'precious');
      symlinkSync(elsewhere, join(directory, 'LOCK'));
      expect(() => new DirectoryLock(directory).acquire()).to.throw(/holds what no lock does/);
      expect(filesOf(elsewhere)).to.have.all.keys('theirs');
    } finally {
      removeDirectory(elsewhere);
    }
  });

  it('tells of its holder in words that drive no terminal', () => {
    const owner = `\u001b[2J\u0007${'x'.repeat(1_000_000)}`;
    plant(JSON.stringify({ pid: process.ppid, startTime: null, owner }));
    expect(() => new DirectoryLock(directory).acquire())
      .to.throw()
      .with.property('message')
      .that.satisfies((text: string) => text.length < 1_000 && text.includes('(\\u001b[2J\\u0007xxx'));
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
