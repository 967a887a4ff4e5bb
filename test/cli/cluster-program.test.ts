import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { answers, endPrograms, type JsonNode, Program, program, run } from './program.js';

/** A user with no rights, on most systems. */
const nobody = 65_534;

describe('npm run cluster', () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cluster-program-'));
  });

  after(() => rm(folder, { recursive: true }));

  afterEach(endPrograms);

  it('runs a script through the death and return of the leader, and ends with one digest', async () => {
    const script =
      'wait leader\nput colour blue\ncrash 0\nwait leader\nexpect value colour blue\nrestart 0\nwait converged\nstatus\nquit\n';
    const { code, stdout, stderr } = await run(['--script', '-', '--json', '--leader', '0'], script);
    const all = answers(stdout);
    expect(code, stderr).to.equal(0);
    expect(all.map(({ command }) => command)).to.deep.equal(
      script
        .trim()
        .split('\n')
        .map((line) => line.split(' ')[0]),
    );
    expect(all.every(({ ok }) => ok)).to.equal(true);
    const nodes = all.find(({ command }) => command === 'status')?.nodes as JsonNode[];
    expect(nodes.map(({ id }) => id)).to.deep.equal([0, 1, 2, 3, 4]);
    expect(new Set(nodes.map(({ digest }) => digest)).size).to.equal(1);
  });

  it('gives the chart library nothing to warn of, which it does under the condition "development"', async () => {
    const script =
      'wait leader\nput a b\nstop 0\nwait leader\ncrash 1\nrestart 1\nrevive 0\nwait converged\nquit\n';
    const program = new Program(['--script', '-', '--leader', '0'], {
      NODE_OPTIONS: '--conditions=development',
    });
    program.child.stdin?.end(script);
    const { code, stderr } = await program.ended;
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
  });

  it('goes on after a failed line and exits 1, with codes and messages', async () => {
    const script = 'wait leader\nexpect value colour red\nstop 7\nleader\n';
    const { code, stdout } = await run(['--script', '-', '--json', '--nodes', '3', '--memory'], script);
    const failed = answers(stdout).filter(({ ok }) => !ok);
    expect(failed.map(({ error }) => (error as { code: string }).code)).to.deep.equal([
      'EXPECTATION_FAILED',
      'USAGE',
    ]);
    expect(answers(stdout).at(-1)).to.include({ command: 'leader', ok: true });
    expect(code).to.equal(1);
  });

  it('tells people the same without --json, and leaves no directory behind', async () => {
    const { code, stdout } = await run(['--script', '-', '--nodes', '1'], 'wait leader\nput a b\nget a\n');
    expect(stdout).to.include('node 0 leads').and.to.include('  a = b\n');
    expect(code).to.equal(0);
    expect(existsSync(temporaryDirectory(stdout))).to.equal(false);
  });

  it('replicates 10,000 lines of any bytes, and recovers them from the directory', async () => {
    const data = join(folder, 'data');
    const file = join(folder, 'lines');
    const lines = Array.from({ length: 10_000 }, (_, at) =>
      Buffer.from([at & 0xff, at >> 8, 0, 255, 13].map((byte) => (byte === 10 ? 11 : byte))),
    );
    await writeFile(file, Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')])));

    const first = await run(['--input', file, '--json', '--data', data, '--nodes', '3']);
    expect(first.code, first.stderr).to.equal(0);
    const done = answers(first.stdout).at(-1);
    expect(done).to.include({ command: 'input', ok: true, done: true, acknowledged: 10_000 });
    const nodes = done?.nodes as JsonNode[];
    expect(new Set(nodes.map(({ height, digest }) => `${height} ${digest}`)).size).to.equal(1);

    const script = 'wait leader\nwait converged\nstatus\nlog 0 1 10000\n';
    const second = await run(
      ['--data', data, '--nodes', '3', '--block-interval', '0', '--script', '-', '--json'],
      script,
    );
    expect(second.code, second.stderr).to.equal(0);
    const [, , status, log] = answers(second.stdout);
    const recovered = status?.nodes as JsonNode[];
    expect(recovered.map(({ digest }) => digest)).to.deep.equal(nodes.map(({ digest }) => digest));
    expect(Math.min(...recovered.map(({ height }) => height))).to.be.at.least(nodes[0]?.height ?? Infinity);
    const entries = (log!.entries as { operation?: string; base64?: string; text?: string }[]).filter(
      ({ operation }) => operation === 'record',
    );
    expect(entries.slice(0, 5).map(bytesOf)).to.deep.equal(lines.slice(0, 5));
  }).timeout(40_000);

  it('keeps every acknowledged line through a kill -9', async () => {
    const data = join(folder, 'killed');
    const input = new Program(['--input', '-', '--json', '--data', data, '--nodes', '3']);
    input.child.stdin?.on('error', () => {});
    for (let line = 1; line <= 20_000; line++) input.type(`line ${line}\n`);
    const acknowledged = () =>
      Math.max(0, ...answersSoFar(input.stdout).map((one) => Number(one.acknowledged)));
    await input.until(() => acknowledged() > 1_000);
    input.child.kill('SIGKILL');
    await input.ended;

    const script = 'wait leader\nwait converged\nlog 0 1 30000\n';
    const again = await run(
      ['--data', data, '--nodes', '3', '--block-interval', '0', '--script', '-', '--json'],
      script,
    );
    expect(again.code, again.stderr).to.equal(0);
    const entries = answers(again.stdout).at(-1)?.entries as { operation?: string; text?: string }[];
    const found = entries.filter(({ operation }) => operation === 'record').map(({ text }) => text);
    const expected = Array.from({ length: acknowledged() }, (_, at) => `line ${at + 1}`);
    expect(found.slice(0, expected.length)).to.deep.equal(expected);
  }).timeout(40_000);

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`closes on ${signal} and removes its directory`, async () => {
      const cluster = new Program(['--nodes', '3']);
      await cluster.until(({ stdout }) => /is elected leader/.test(stdout));
      const directory = temporaryDirectory(cluster.stdout);
      expect((await readdir(directory)).length).to.be.above(0);
      cluster.child.kill(signal);
      const { code } = await cluster.ended;
      expect(code).to.equal(signal === 'SIGINT' ? 130 : 143);
      expect(existsSync(directory)).to.equal(false);
    });
  }

  it('leaves at once on a second Ctrl-C when closing takes long', async () => {
    const hang = join(folder, 'hang');
    const fault = join(folder, 'hang.mjs');
    await writeFile(
      fault,
      `import { existsSync } from 'node:fs';
      import { isMainThread } from 'node:worker_threads';
      const hang = () => { while (existsSync(${JSON.stringify(hang)})); };
      if (!isMainThread) setInterval(hang, 10).unref();`,
    );
    const cluster = new Program(['--nodes', '3'], { NODE_OPTIONS: `--import ${fault}` });
    await cluster.until(({ stdout }) => /is elected leader/.test(stdout));
    await writeFile(hang, '');
    // No thread answers any more: without a second one the program would take its ten seconds.
    await new Promise((resolve) => setTimeout(resolve, 200));
    const begun = performance.now();
    cluster.child.kill('SIGINT');
    // What comes sooner may be the first one again, passed on by npm.
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(cluster.child.exitCode).to.equal(null);
    cluster.child.kill('SIGINT');
    expect((await cluster.ended).code).to.equal(130);
    expect(performance.now() - begun).to.be.below(8_000);
    expect(existsSync(temporaryDirectory(cluster.stdout))).to.equal(false);
  });

  for (const [what, mount, message] of [
    ['full', 'mount -t tmpfs -o size=64k none', /disk is full/],
    ['read-only', 'mount -t tmpfs -o ro none', /EROFS|read-only/],
  ] as const) {
    it(`says at once that the disk is ${what}`, async function () {
      const disk = join(folder, what);
      await mkdir(disk);
      // In a mount namespace of its own, which ends with the program.
      const inside = (command: string) =>
        promisify(execFile)('unshare', ['--mount', 'sh', '-c', `${mount} ${disk} && ${command}`]);
      if (!(await inside('true').catch(() => null))) {
        console.log(`        (skipped: no file system can be mounted here, so that no disk is ${what})`);
        this.skip();
      }
      const command = `${process.execPath} ${program} cluster --nodes 1 --data ${disk} --script - < /dev/null`;
      const refusal = (await inside(command).catch((error) => error)) as {
        code: number;
        stdout: string;
        stderr: string;
      };
      expect(refusal.stdout + refusal.stderr).to.match(message);
      expect(refusal.code).to.be.oneOf([1, 2]);
    });
  }

  it('shows the state of the cluster when its input ends without a command', async () => {
    const { code, stdout } = await run(['--nodes', '3']);
    expect(stdout).to.match(/> status\n {2}node {2}role/);
    expect(code).to.equal(0);
  });

  it('says in a line which node cannot start and why, and goes on without it', async () => {
    const data = join(folder, 'reduced');
    await run(['--data', data, '--script', '-', '--nodes', '3'], 'wait leader\nput colour blue\n');
    await rm(join(data, 'node-1'), { recursive: true });
    const { code, stdout } = await run(
      ['--data', data, '--script', '-', '--nodes', '3'],
      'wait leader\nexpect value colour blue\n',
    );
    const lines = stdout.split('\n').filter((line) => line.includes('node 1'));
    expect(lines[0]).to.match(/^· node 1 cannot start: The log of node 1 was in .* restart 1\)$/);
    expect(code).to.equal(0);
    await rm(join(data, 'node-2'), { recursive: true });
    const refused = await run(['--data', data, '--script', '-', '--nodes', '3'], 'wait leader\n');
    expect(refused.stdout.split('\n').map((line) => line.trim().slice(0, 30))).to.deep.equal([
      'failed: Too few nodes can be s',
      'node 1: The log of node 1 was ',
      'node 2: The log of node 2 was ',
      '',
    ]);
    expect(refused.code).to.equal(1);
  });

  it('refuses a file for a directory, and says that it is one', async () => {
    const file = join(folder, 'plain-file');
    await writeFile(file, '');
    const { code, stdout, stderr } = await run(['--data', file, '--script', '-'], 'leader\n');
    expect({ code, stdout }).to.deep.equal({ code: 2, stdout: '' });
    expect(stderr.split('\n')[0]).to.match(/^error: --data: The directory .* cannot be had: .* is a file\./);
  });

  it('says that it may not remove a lock, and exits 1', async function () {
    if (process.geteuid === undefined) return this.skip();
    const data = join(folder, 'left');
    await mkdir(data);
    await chmod(folder, 0o755);
    const isRoot = process.geteuid() === 0;
    if (isRoot) await chown(data, nobody, nobody);
    if (isRoot) process.seteuid?.(nobody);
    const program = new Program(['--data', data, '--script', '-', '--nodes', '1']);
    if (isRoot) process.seteuid?.(0);
    program.type('wait leader\ncrash 0\n');
    await program.until(({ stdout }) => stdout.includes('> crash 0'));
    if (isRoot) await chown(join(data, 'node-0'), 0, 0);
    else await chmod(join(data, 'node-0'), 0o555);
    program.child.stdin?.end('quit\n');
    const { code, stdout, stderr } = await program.ended;
    if (!isRoot) await chmod(join(data, 'node-0'), 0o755);
    expect({ code, stderr }).to.deep.equal({ code: 1, stderr: '' });
    expect(stdout).to.match(/failed: The cluster is closed, but the lock in .* cannot be removed/);
  });

  it('refuses a directory of a cluster of another size', async () => {
    const data = join(folder, 'sized');
    await run(['--data', data, '--nodes', '1', '--script', '-'], 'wait leader\n');
    const { code, stderr } = await run(['--data', data, '--nodes', '3', '--script', '-'], 'wait leader\n');
    expect(stderr).to.include('holds a cluster of 1 node. Start it with --nodes 1');
    expect(code).to.equal(2);
  });

  it('warns of links that are slower than the election timeout, and not where one was chosen for them', async () => {
    const slow = ['--nodes', '3', '--memory', '--latency', '300-600'];
    const warned = await run([...slow, '--script', '-'], 'leader\nlatency 1-5\n');
    expect(warned.stdout).to.match(
      /· warning: An election timeout of 150 ms leaves little time for round trips of 1200 ms/,
    );
    expect(warned.stdout.match(/ warning: /g), 'said once').to.have.length(1);
    const advised = /Start the cluster with (--election-timeout \S+ --heartbeat \d+)\.$/m.exec(
      warned.stdout,
    )!;
    expect(warned.stderr).to.equal('');
    const heeded = await run([...slow, ...advised[1]!.split(' '), '--script', '-'], 'leader\n');
    expect(heeded.stdout).not.to.include('warning');
    const timings = ['--election-timeout', '12000-24000', '--heartbeat', '200'];
    const chosen = await run([...slow, ...timings, '--script', '-'], 'leader\nlatency 3000\n');
    expect(chosen.stdout).to.match(/nobody leads\n> latency 3000\n· warning: .*round trips of 6000 ms/);
  });

  it('says that there is no place for a temporary directory', async () => {
    const { ended } = new Program(['--script', '-'], { TMPDIR: join(folder, 'no', 'such') });
    const { code, stdout, stderr } = await ended;
    expect({ code, stdout }).to.deep.equal({ code: 2, stdout: '' });
    expect(stderr).to.match(/^error: No temporary directory can be made: ENOENT.*--data DIR/);
  });

  it('ends a script at a line without an end, and shows of a long one what can be read', async () => {
    const script = join(folder, 'long');
    await writeFile(script, `leader\r\n\u001b[2J${'x'.repeat(3_000_000)}\nput a b\n${'y'.repeat(5_000_000)}`);
    const { code, stdout, stderr } = await run(['--memory', '--nodes', '1', '--json', '--script', script]);
    expect(code).to.equal(1);
    expect([stdout, stderr].join().length).to.be.below(30_000);
    expect([stdout, stderr].join()).to.not.include('\u001b[2J');
    const outcomes = answers(stdout).map(({ command, ok, error }) => ({ command, ok, error }));
    expect(outcomes.map(({ ok }) => ok)).to.deep.equal([true, false, true, false]);
    expect(outcomes[3]).to.deep.include({ command: 'script' });
    expect(outcomes[3]?.error).to.include({ code: 'LINE_TOO_LONG' });
  });

  const mistakes: [args: string[], message: RegExp][] = [
    [['--nodes', 'many'], /--nodes must be a whole number from 1 to 31; "many" is not/],
    [['--nodes', '0'], /from 1 to 31/],
    [['--latency', '5-1'], /minimum is above the maximum/],
    [['--election-timeout', '300-150'], /minimum is above the maximum/],
    [['--election-timeout', '150'], /electionTimeoutMsMax \(150\) must be greater/],
    [['--heartbeat', '100'], /heartbeatMs \(100\) must be at most half/],
    [['--heartbeat', 'soon'], /--heartbeat must be a whole number/],
    [['--loss', '7'], /probability from 0 to 1/],
    [['--block-interval', '-1'], /whole milliseconds/],
    [['--leader', '5'], /--leader: "5" is no node/],
    [['--candidates', '0,9'], /--candidates: "9" is no node/],
    [['--leader', '1', '--candidates', '0,2'], /node 1 is not among --candidates 0,2/],
    [['--seed', 'x'], /--seed must be a whole number/],
    [['--data', '/proc/x'], /--data: .*\/proc\/x cannot be had: ENOENT.*Choose another/],
    [['--data', '/dev/null/x'], /--data: .*\/dev\/null\/x cannot be had: \/dev\/null is a file/],
    [['--data', 'x', '--memory'], /cannot be used with/],
    [['--script', 'a', '--input', 'b'], /cannot be used with/],
    [['--script', '/no/such/file'], /cannot be read: ENOENT/],
    [['--script', ''], /--script needs the name of a file/],
    [['--script', '/no/\u001b[2J'], /\/no\/\\u001b\[2J cannot be read/],
    [['--input', ''], /--input needs the name of a file/],
    [['--input', '/'], /cannot be read: it is a directory/],
    [['--verbose'], /unknown option '--verbose'/],
    [['start'], /too many arguments/],
  ];
  for (const [args, message] of mistakes) {
    it(`exits 2 and says what is wrong with ${args.join(' ')}`, async () => {
      const { code, stdout, stderr } = await run(args);
      expect(stderr).to.match(message).and.to.include('--help');
      expect(stdout).to.equal('');
      expect(code).to.equal(2);
    });
  }

  it('explains options, commands and exit statuses with --help, in 80 columns', async () => {
    const { code, stdout } = await run(['--help']);
    for (const word of ['--script', 'wait leader not N', 'Exit status', 'Examples']) {
      expect(stdout).to.include(word);
    }
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).to.be.at.most(80);
    expect(code).to.equal(0);
  });
});

/** Complete lines only: the last may still be on its way. */
function answersSoFar(stdout: string) {
  return answers(stdout.slice(0, stdout.lastIndexOf('\n') + 1));
}

function bytesOf({ base64, text }: { base64?: string; text?: string }): Buffer {
  return base64 === undefined ? Buffer.from(text ?? '') : Buffer.from(base64, 'base64');
}

function temporaryDirectory(stdout: string): string {
  const named = /logs in (\S+) \(removed at exit\)/.exec(stdout)?.[1];
  if (named === undefined) throw new Error(`No temporary directory is named in:\n${stdout}`);
  return named;
}
