import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import type { Goal } from '../../bench/figures/figure.js';
import { allFigures } from '../../bench/figures/figures.js';
import { figureLineOf, figureText, resultOf } from '../../bench/report.js';
import { allRows, chooseRows, type Row } from '../../bench/rows.js';

const main = fileURLToPath(new URL('../../bench/main.js', import.meta.url));
const run = (...options: string[]) => promisify(execFile)(process.execPath, [main, ...options]);

describe('the benchmark', () => {
  it('has a row for each storage, size, load and number of nodes', () => {
    expect(allRows).to.have.length(28);
    expect(chooseRows(['memory-3-16-1024'], allRows)).to.deep.equal([
      { name: 'memory-3-16-1024', storage: 'memory', nodes: 3, bytes: 16, inFlight: 1024 },
    ]);
  });

  it('takes * for any part of a name', () => {
    expect(chooseRows(['disk-*-16-64'], allRows).map(({ name }) => name)).to.deep.equal([
      'disk-3-16-64',
      'disk-5-16-64',
    ]);
  });

  it('takes * for several parts, but not for half of one', () => {
    expect(chooseRows(['memory-*'], allRows)).to.have.length(15);
    expect(chooseRows(['*-64'], allRows)).to.deep.equal(allRows.filter(({ inFlight }) => inFlight === 64));
    expect(chooseRows(['*'], allRows)).to.deep.equal(allRows);
    expect(() => chooseRows(['disk-3-*4'], allRows)).to.throw('No row is called');
  });

  it('takes the median of ratios that were measured side by side', () => {
    const measured = (committedPerSecond: number) => ({ committedPerSecond, p50Ms: 1, p99Ms: 2 });
    const rounds = [
      { ours: measured(100), floor: measured(200), other: measured(50) },
      { ours: measured(10), floor: measured(100), other: measured(20) },
      { ours: measured(300), floor: measured(400), other: measured(100) },
    ];
    const line = resultOf(chooseRows(['memory-3-16-1'], allRows)[0] as Row, rounds);
    expect(line).to.include({
      committedPerSecond: 100,
      ratioToFloor: 0.5,
      ratioToOther: 2,
      otherPerSecond: 50,
    });
  });

  it('judges a figure by its ratio to what was measured beside it, or by itself', () => {
    const pairs = [
      { figure: 2, beside: 1 },
      { figure: 30, beside: 10 },
      { figure: 4, beside: 1 },
    ];
    const figure = { name: 'sleep-1', unit: 'ms', beside: 'a nap', measure: async () => pairs } as const;
    const isReached = (goal: Goal) => figureLineOf({ ...figure, goal }, pairs).isReached;
    expect(figureLineOf(figure, pairs)).to.deep.equal({
      row: 'sleep-1',
      unit: 'ms',
      figure: 4,
      beside: 1,
      ratio: 3,
      isReached: null,
    });
    expect(isReached({ of: 'ratio', atLeast: 3 })).to.equal(true);
    expect(isReached({ of: 'ratio', atLeast: 3.1 })).to.equal(false);
    expect(isReached({ of: 'ratio', atMost: 3 })).to.equal(true);
    expect(isReached({ of: 'figure', atMost: 3 })).to.equal(false);
    const judged = { ...figure, goal: { of: 'ratio', atMost: 2 } } as const;
    expect(figureText(judged, figureLineOf(judged, pairs))).to.match(
      /^sleep-1 +4 ms: 3 of 1 \(a nap\); ratio to be at most 2: missed$/,
    );
  });

  it('measures what is no rate beside what belongs to it', async () => {
    const names = 'failover-5,idle-5';
    const { stdout } = await run('--json', '--rows', names, '--seconds', '0.1');
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ row }) => row)).to.deep.equal(names.split(','));
    for (const { row, figure, beside, ratio } of lines) {
      for (const value of [figure, beside, ratio]) expect(value, row).to.be.greaterThan(0);
    }
    expect(allFigures.map(({ name }) => name)).to.include.members(names.split(','));
  });

  it('measures ours, the floor and another program, and prints a line of JSON a row', async () => {
    const other = `echo '{"ops_per_s": 10, "p50_ms": 1, "p99_ms": 2}' #`;
    const options = ['--json', '--rows', 'disk-3-16-64', '--seconds', '0.5', '--rounds', '1', '--vs', other];
    const { stdout } = await run(...options);
    const line = JSON.parse(stdout);
    expect(line.row).to.equal('disk-3-16-64');
    for (const name of [
      'committedPerSecond',
      'p50Ms',
      'p99Ms',
      'floorPerSecond',
      'ratioToFloor',
      'ratioToOther',
    ]) {
      expect(line[name], name).to.be.greaterThan(0);
    }
  });

  it('says so, with status 1, when a row is slower than it should be beside its floor', async () => {
    const options = ['--rows', 'memory-3-16-64', '--seconds', '0.1', '--at-least', '1'];
    const failure = await run(...options).catch((error: { code: number; stderr: string }) => error);
    expect(failure).to.have.property('code', 1);
    expect(failure.stderr).to.match(
      /^error: memory-3-16-64 is at 0\.\d+ of its floor, and should be at 1 at least\.$/m,
    );
  });

  it('says what each thread takes for a command, and leaves a profile of each', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'conclave-profile-'));
    const options = ['--profile', directory, '--json', '--rows', 'memory-3-16-64', '--seconds', '0.2'];
    const { stdout } = await run(...options);
    const { row, usPerCommand } = JSON.parse(stdout);
    expect(row).to.equal('memory-3-16-64');
    expect(usPerCommand).to.have.all.keys('clients', 'router', 'node 0', 'node 1', 'node 2', 'engine');
    for (const node of ['node 0', 'node 1', 'node 2']) expect(usPerCommand[node], node).to.be.greaterThan(0);
    const files = await readdir(directory);
    const roles = files.map((file) => /^memory-3-16-64\.\d+-(\w+)\.cpuprofile$/.exec(file)?.[1]);
    expect(roles).to.have.members(['clients', 'router', 'node', 'node', 'node']);
    for (const file of files) {
      expect(JSON.parse(await readFile(join(directory, file), 'utf8'))).to.include.keys('nodes', 'samples');
    }
    await rm(directory, { recursive: true });
  });

  it('refuses rows and values that make no sense with status 2', async () => {
    const wrong: [options: string[], message: RegExp][] = [
      [['--rows', 'memory-4-16-1'], /^error: No row is called/],
      [['--seconds', '0'], /^error: .*between/],
      [['--seconds', '1s'], /^error: .*between/],
      [['--at-least', '2'], /^error: .*between 0 and 1/],
      [['--rounds', '1.5'], /^error: .*whole number/],
      [['--inspected', '--vs', 'echo'], /^error: .*'--inspected' cannot be used with option '--vs/],
      [
        ['--profile', 'there', '--vs', 'echo'],
        /^error: .*'--profile <directory>' cannot be used with option '--vs/,
      ],
      [['--profile', 'there', '--rows', 'nope'], /^error: No row is called/],
      [['--vs', ' '], /^error: --vs needs a command/],
      [['--rows', 'memory-3-16-1', '--vs', '/no/such'], /^error: The other program failed: \/no\/such /],
      [['--nonsense'], /^error: unknown option/],
      [['superfluous'], /^error: too many arguments/],
    ];
    for (const [options, message] of wrong) {
      const failure = await run(...options).catch((error: { code: number; stderr: string }) => error);
      expect(failure, options.join(' ')).to.have.property('code', 2);
      expect(failure.stderr).to.match(message);
    }
  });
});
