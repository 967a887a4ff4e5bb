import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { program } from './program.js';

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const packageFile = new URL('../../../package.json', import.meta.url);
const { version, bin } = JSON.parse(readFileSync(packageFile, 'utf8')) as {
  version: string;
  bin: Record<string, string>;
};

function conclave(words: readonly string[], environment: Record<string, string> = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const env = { ...process.env, npm_lifecycle_event: '', ...environment };
    execFile(process.execPath, [program, ...words], { env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

describe('conclave', () => {
  it('is what the package installs as a program', () => {
    const file = new URL(bin.conclave ?? '', packageFile);
    expect(readFileSync(file, 'utf8').startsWith('#!/usr/bin/env node\n')).to.equal(true);
  });

  it('lists its subcommands, each of which has a help of its own', async () => {
    const { stdout, code } = await conclave(['--help']);
    expect(code).to.equal(0);
    for (const name of ['cluster', 'simulate', 'check-history', 'recover', 'charts']) {
      expect(stdout).to.match(new RegExp(`^  ${name} `, 'm'));
      const asked = await conclave([name, '--help']);
      expect(asked.stdout).to.match(new RegExp(`^Usage: conclave ${name} \\[options\\]`));
      expect((await conclave(['help', name])).stdout).to.equal(asked.stdout);
    }
  });

  it('names the command that called it', async () => {
    const byNpm = { npm_lifecycle_event: 'cluster' };
    expect((await conclave(['cluster', '--help'], byNpm)).stdout).to.include(
      'Usage: npm run -s cluster -- [options]',
    );
    expect((await conclave(['cluster', '--data', ''], byNpm)).stderr).to.include(
      'Run npm run -s cluster -- --help',
    );
    expect((await conclave(['cluster', '--data', ''])).stderr).to.include('Run conclave cluster --help');
  });

  it('tells its version, wherever it is asked', async () => {
    for (const words of [['--version'], ['cluster', '--version'], ['simulate', '-V']]) {
      expect(await conclave(words)).to.deep.equal({ code: 0, stdout: `${version}\n`, stderr: '' });
    }
  });

  for (const words of [[], ['fly'], ['cluster', '--fly'], ['simulate', '--seed', 'x'], ['check-history']]) {
    it(`exits 2 and writes nothing to standard output for: conclave ${words.join(' ')}`, async () => {
      const { code, stdout, stderr } = await conclave(words);
      expect(code).to.equal(2);
      expect(stdout).to.equal('');
      expect(stderr).to.match(/error: |Usage: /);
    });
  }

  it('ends quietly when nobody reads its help', async () => {
    const piped = `${process.execPath} ${program} cluster --help | head -1; exit \${PIPESTATUS[0]}`;
    const ended = await new Promise<Ended>((resolve) => {
      execFile('bash', ['-c', piped], (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      });
    });
    expect(ended.stderr).to.equal('');
    expect(ended.code).to.be.oneOf([0, 141]);
  });
});
