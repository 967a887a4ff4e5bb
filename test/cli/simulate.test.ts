import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { faultKinds } from '../../src/simulation/options.js';

const program = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
/** A bug that any world meets with its first commit. */
const bug = '--mutant quorum-over-an-unsorted-list';

/** `npm run simulate -- WORDS`, without the npm. */
function simulate(words: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [program, 'simulate', ...words.split(' ')]);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
}

/** Each line of the output, parsed. */
function linesOf(stdout: string): Record<string, unknown>[] {
  const lines = stdout.trim().split('\n');
  return lines.map((line) => JSON.parse(line));
}

describe('npm run simulate', function () {
  this.timeout(60_000);
  let directory: string;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'simulate-'));
  });

  after(() => rm(directory, { recursive: true }));

  const wrong = [
    '--seeds five',
    '--seeds 9-3',
    '--faults earthquakes',
    '--mode hope',
    '--nodes 0',
    '--shrink',
    '--mutant nosuch',
    '--seed 3 --seeds 5',
    '--seed 3 --minutes 1',
    '--seed 3 --threads 2',
    '--seeds 9007199254740993',
    '--nodes 1000000',
    '--clients 1000000000',
    '--virtual-seconds 1e300',
    '--seed 3 --trace one --recording ./one',
    '--seed 3 --trace=',
    '--seed 3 --tla-trace=',
    '--seed 3 --tla-trace one --recording ./one',
    '--tla-trace one',
  ];
  for (const words of [...wrong, '--trace file']) {
    it(`takes ${words} for a wrong option, says why, and exits with 2`, async () => {
      const { code, stdout, stderr } = await simulate(words);
      expect(code).to.equal(2);
      expect(stdout).to.equal('');
      expect(stderr).to.match(/^error: /);
    });
  }

  it('runs a range of seeds, and exits with 0 when nothing breaks', async () => {
    const { code, stdout } = await simulate('--seeds 3-4 --virtual-seconds 1 --nodes 3');
    expect(code).to.equal(0);
    expect(stdout).to.match(/^2 seeds in /);
    expect(stdout).to.match(/Rare states reached:\n +\d+ {2}a split vote\n/);
  });

  it('writes a line of JSON for each seed, and one of them all', async () => {
    const { code, stdout } = await simulate('--seeds 3-4 --virtual-seconds 1 --faults none --json');
    const lines = linesOf(stdout);
    const summary = lines.pop();
    expect(code).to.equal(0);
    expect(lines.map(({ seed }) => seed)).to.have.members([3, 4]);
    expect(lines[0]).to.include.keys('hash', 'finding', 'verdict', 'rareStates');
    expect(summary).to.include({ runs: 2, virtualSeconds: 2 });
  });

  it('names the first seed that fails and the command that repeats it, and exits with 1', async () => {
    const swept = await simulate(`--seeds 23-32 --threads 1 --virtual-seconds 6 --faults none ${bug}`);
    expect(swept.code).to.equal(1);
    expect(swept.stdout).to.include('Seed 23 breaks CommittedIsOnQuorumDisks');
    const replay = /Replay:\n {2}conclave simulate (.+)\n/.exec(swept.stdout)?.[1] ?? '';
    expect(replay).to.equal(`--seed 23 --virtual-seconds 6 --faults none ${bug}`);
    const replayed = await simulate(replay);
    expect(replayed.code).to.equal(1);
    expect(replayed.stdout).to.equal(swept.stdout.slice(swept.stdout.indexOf('Seed 23 breaks')));
  });

  it('shrinks a run that fails', async () => {
    const { code, stdout } = await simulate(`--seed 23 --shrink --json ${bug}`);
    const [, smallest] = linesOf(stdout) as [unknown, { shrunk: Record<string, unknown>; replay: string }];
    expect(code).to.equal(1);
    expect(smallest.shrunk).to.deep.include({ clients: 0, faults: [] });
    expect(smallest.shrunk.virtualMs).to.be.lessThan(6000);
    expect(smallest.replay).to.match(/^--seed 23 --virtual-seconds [\d.]+ --faults none --clients 0/);
    expect((await simulate(smallest.replay)).code).to.equal(1);
  });

  it('writes a run down, a line an event under the node it happened at', async () => {
    const file = join(directory, 'text');
    const { code } = await simulate(`--seed 3 --nodes 3 --virtual-seconds 2 --faults none --trace ${file}`);
    const lines = (await readFile(file, 'utf8')).trim().split('\n');
    expect(code).to.equal(0);
    expect(lines[0]).to.match(/^0\.000 n0 {2}· {3}· {3}start +life 1/);
    for (const line of lines) expect(line).to.match(/^ *\d+\.\d{3} (?:(?:n\d|· ) {2}){3}\w+/);
    expect(lines.some((line) => /n1 .*role .*alive\./.test(line))).to.equal(true);
    const times = lines.map((line) => Number.parseFloat(line));
    expect(times).to.deep.equal([...times].sort((a, b) => a - b));
  });

  it('writes it as lines of JSON, too', async () => {
    const file = join(directory, 'json');
    await simulate(`--seed 3 --nodes 3 --virtual-seconds 2 --json --trace ${file}`);
    const events = linesOf(await readFile(file, 'utf8'));
    expect(events[0]).to.deep.include({ timeMs: 0, node: 0, kind: 'start' });
    expect(new Set(events.map(({ kind }) => kind))).to.include.keys('send', 'receive', 'durable', 'apply');
  });

  it('writes a trace for TLC, and says how far it goes', async () => {
    const file = join(directory, 'tla');
    const words = `--seed 3 --nodes 3 --virtual-seconds 1 --faults none --tla-trace ${file}`;
    const { code, stdout } = await simulate(words);
    const lines = linesOf(await readFile(file, 'utf8'));
    expect(code).to.equal(0);
    expect(stdout).to.include(`\nTLA+ trace: ${lines.length} events, the whole run.\n`);
    for (const line of lines) expect(line).to.have.property('tag', 'trace');
    const [, told] = linesOf((await simulate(`${words} --json`)).stdout);
    expect(told).to.deep.equal({ tlaTrace: file, events: lines.length, end: null });
  });

  for (const [option, what] of [
    ['trace', 'trace'],
    ['recording', 'recording'],
    ['tla-trace', 'TLA\\+ trace'],
  ]) {
    it(`says at once when the file of --${option} cannot be written`, async () => {
      const { code, stdout, stderr } = await simulate(
        `--seed 3 --${option} ${join(directory, 'no', 'such')}`,
      );
      expect(stderr).to.match(new RegExp(`^error: The ${what} cannot be written: ENOENT.*Name another file`));
      expect(stdout).to.equal('');
      expect(code).to.equal(2);
    });
  }

  it('says so when the disk is full of its trace', async function () {
    if (!existsSync('/dev/full')) {
      console.log('        (skipped: there is no /dev/full here)');
      this.skip();
    }
    const { code, stderr } = await simulate('--seed 3 --virtual-seconds 2 --trace /dev/full');
    expect(stderr).to.match(/^error: The trace cannot be written: ENOSPC/);
    expect(code).to.equal(2);
  });

  it('runs the seeds that it was given, and for no longer than it was told', async () => {
    const few = await simulate('--seeds 2-3 --minutes 9 --nodes 3 --virtual-seconds 1 --json');
    expect(linesOf(few.stdout).at(-1)).to.include({ runs: 2 });
    const short = await simulate('--seeds 100000 --minutes 0.01 --nodes 3 --virtual-seconds 1 --json');
    expect(linesOf(short.stdout).at(-1)?.runs).to.be.within(1, 99_999);
  });

  it('lists its faults in its help', async () => {
    const { code, stdout } = await simulate('--help');
    expect(code).to.equal(0);
    expect(stdout).to.include(faultKinds.join(', '));
  });
});
