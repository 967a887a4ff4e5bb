import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

/* Every build draws the charts, so drawing must cost nothing when nothing changed, and must never miss a change. */

const program = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

describe('npm run charts', () => {
  let out: string;

  before(async () => {
    out = await mkdtemp(join(tmpdir(), 'conclave-charts-'));
  });

  after(() => rm(out, { recursive: true, force: true }));

  it('writes each machine as SVG and JSON and prints the files', async () => {
    const { exitCode, stdout } = await run('--out', out);
    expect(exitCode).to.equal(0);
    const files = stdout.trimEnd().split('\n');
    expect(files).to.include.members(
      ['node', 'peer', 'session', 'cluster'].map((name) => join(out, `${name}.svg`)),
    );
    expect(files).to.include(join(out, 'node.json'));
    for (const file of files) expect((await stat(file)).size).to.be.above(0);
  });

  it('leaves unchanged charts alone, and draws those that are missing', async () => {
    const node = join(out, 'node.svg');
    await writeFile(node, 'as it was');
    expect(await run('--if-changed', '--out', out)).to.include({ exitCode: 0, stdout: '' });
    expect((await stat(node)).size).to.equal('as it was'.length);
    await rm(join(out, 'peer.svg'));
    expect(await run('--if-changed', '--out', out)).to.include({ exitCode: 0, stdout: '' });
    expect(await readdir(out)).to.include('peer.svg');
    expect((await stat(node)).size).to.be.above(1000);
  });

  it('refuses what it does not understand with exit code 2', async () => {
    expect(await run('--bogus')).to.include({ exitCode: 2, stdout: '' });
    expect(await run('superfluous')).to.include({ exitCode: 2, stdout: '' });
  });

  it('says what went wrong when it cannot write there', async () => {
    const places = [join(program, 'below-a-file'), program, ''];
    if (process.platform === 'linux') places.push('/proc', '/proc/conclave/charts');
    for (const place of places) {
      const { exitCode, stdout, stderr } = await run('--out', place);
      expect({ exitCode, stdout }, place).to.deep.equal({ exitCode: 2, stdout: '' });
      expect(stderr).to.match(
        /^error: --out (.* cannot be written: .* Choose another directory|needs the name)/,
      );
    }
  });
});

function run(...argv: string[]): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, 'charts', ...argv], (error, stdout, stderr) => {
      resolve({ exitCode: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}
