import { spawn } from 'node:child_process';
import { existsSync, openSync } from 'node:fs';
import { Writable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { paintFor } from '../../src/cli/live/paint.js';
import { PlainOutput } from '../../src/cli/output.js';
import { answers, endPrograms, Program, program } from './program.js';

describe('standard streams of the programs', () => {
  afterEach(endPrograms);

  /** So many answers that no pipe holds them. */
  const script = `wait leader\n${'status\n'.repeat(2_000)}quit\n`;

  it('lose no answer to a reader that takes its time', async () => {
    const cluster = new Program(['--script', '-', '--json', '--nodes', '1', '--memory']);
    cluster.child.stdout?.pause();
    cluster.child.stdin?.end(script);
    // A program that did not wait for its reader would have left long before.
    await Promise.race([cluster.ended, pause(2_000)]);
    cluster.child.stdout?.resume();
    const { code, stdout } = await cluster.ended;
    expect(answers(stdout)).to.have.length(2_002);
    expect(code).to.equal(0);
  });

  it('keep through a Ctrl-C the answer that was given before it', async () => {
    const value = 'v'.repeat(1_000);
    const puts = Array.from({ length: 500 }, (_, at) => `put ${at} ${value}\n`).join('');
    const cluster = new Program(['--script', '-', '--json', '--nodes', '1', '--memory']);
    const log = new Promise<void>((resolve) => {
      cluster.child.stderr?.on('data', () => /> log/.test(cluster.stderr) && resolve());
    });
    cluster.child.stdin?.write(`wait leader\n${puts}log 0 1 1000\n`);
    await log;
    cluster.child.stdout?.pause();
    await pause(500);
    cluster.child.kill('SIGINT');
    await Promise.race([cluster.ended, pause(1_000)]);
    cluster.child.stdout?.resume();
    const { code, stdout } = await cluster.ended;
    expect(answers(stdout).at(-1)?.entries).to.have.length.above(500);
    expect(code).to.equal(130);
  });

  it('end the program with 141, quietly and cleanly, when their reader has gone', async () => {
    const cluster = new Program(['--script', '-', '--json', '--nodes', '3']);
    cluster.child.stdin?.on('error', () => {}).end(script);
    cluster.child.stdout?.once('data', () => cluster.child.stdout?.destroy());
    const { code, stderr } = await cluster.ended;
    expect(code).to.equal(141);
    expect(stderr).not.to.match(/error|EPIPE/i);
    const [, directory = ''] = /logs in (\S+) \(removed at exit\)/.exec(stderr) ?? [];
    expect(directory).not.to.equal('');
    expect(existsSync(directory)).to.equal(false);
  });

  it('end the program with 1 and the reason when they cannot be written', async function () {
    if (!existsSync('/dev/full')) {
      console.log('        (skipped: there is no /dev/full here)');
      this.skip();
    }
    const child = spawn(process.execPath, [program, 'cluster', '--script', '-', '--nodes', '1'], {
      stdio: ['pipe', openSync('/dev/full', 'w'), 'pipe'],
    });
    child.stdin?.on('error', () => {}).end('wait leader\n');
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(stderr).to.equal(
      'error: Standard output cannot be written: ENOSPC: no space left on device, write\n',
    );
    expect(code).to.equal(1);
  });
});

describe('plain output', () => {
  /** Takes nothing until it is asked to. */
  class SlowReader extends Writable {
    readonly lines: string[] = [];
    #waiting: (() => void)[] = [];

    constructor() {
      super({ highWaterMark: 100, decodeStrings: false });
    }

    override _write(line: string, _: string, done: () => void): void {
      this.lines.push(line.trim());
      this.#waiting.push(done);
    }

    async readAll(): Promise<void> {
      while (this.#waiting.length > 0) {
        for (const done of this.#waiting.splice(0)) done();
        await pause(0);
      }
    }
  }
  const paint = paintFor({ isTTY: false, environment: {} });

  it('leaves out news that come while nobody reads, and says how many', async () => {
    const reader = new SlowReader();
    const output = new PlainOutput({ people: reader, programs: null, paint });
    for (let at = 1; at <= 1_000; at++) output.news(`something of note, number ${at}`);
    expect(reader.writableLength).to.be.below(200);
    await reader.readAll();
    output.news('something else');
    await reader.readAll();
    const [last, told] = reader.lines.toReversed();
    const heard = reader.lines.length - 2;
    expect(told).to.equal(`· ${1_000 - heard} news left out: nobody read them in time`);
    expect(last).to.equal('· something else');
  });

  it('is ready when both readers are', async () => {
    const people = new SlowReader();
    const programs = new SlowReader();
    const output = new PlainOutput({ people, programs, paint });
    await output.ready();
    output.answer('get', { fields: { value: 'v'.repeat(200) }, lines: ['v'.repeat(200)] });
    let isReady = false;
    const ready = output.ready().then(() => {
      isReady = true;
    });
    await people.readAll();
    expect(isReady).to.equal(false);
    await programs.readAll();
    await ready;
  });
});
