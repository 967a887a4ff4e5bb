import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const program = fileURLToPath(new URL('./run.js', import.meta.url));

describe('npm run mutants', () => {
  const wrong: [words: string[], message: RegExp][] = [
    [['--only', 'nope'], /^error: .*There is no mutant "nope"\. There are: [^\n]+\.\n$/],
    [['--only'], /^error: .*argument missing/],
    [['--seeds-max', '0'], /^error: .*number from 1 on/],
    [['--bogus'], /^error: unknown option '--bogus'/],
    [['superfluous'], /^error: too many arguments/],
  ];
  for (const [words, message] of wrong) {
    it(`takes ${words.join(' ')} for wrong, says so in a line, and exits with 2`, async () => {
      const { code, stdout, stderr } = await run(...words);
      expect(stderr).to.match(message);
      expect({ code, stdout }).to.deep.equal({ code: 2, stdout: '' });
    });
  }

  it('hunts each that is named once, and exits with 1 only when one survives', async () => {
    const name = 'self-vote-not-recorded';
    const { code, stdout } = await run('--only', name, name, '--seeds-max', '1', '--json');
    const lines = stdout.trim().split('\n');
    expect(lines).to.have.length(1);
    expect(code).to.equal(JSON.parse(lines[0] as string).invariant === null ? 1 : 0);
  });
});

function run(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...words], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}
