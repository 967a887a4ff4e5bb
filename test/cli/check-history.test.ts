import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const program = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

describe('npm run check-history', () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'conclave-histories-'));
    await Promise.all(Object.entries(histories()).map(([name, text]) => writeFile(join(folder, name), text)));
  });

  after(() => rm(folder, { recursive: true }));

  function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    return new Promise((resolve) => {
      execFile(
        process.execPath,
        [program, 'check-history', ...args],
        { cwd: folder },
        (error, stdout, stderr) => {
          resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
        },
      );
    });
  }

  it('prints a verdict a file and exits 0 when all are linearizable, whatever their format', async () => {
    const { code, stdout, stderr } = await run('good.log', 'good.txt');
    expect(stdout).to.equal('good.log linearizable\ngood.txt linearizable\n');
    expect(stderr).to.equal('');
    expect(code).to.equal(0);
  });

  it('exits 1 and draws the fault on standard error when one is not', async () => {
    const { code, stdout, stderr } = await run('bad.log', 'good.log', 'bad.txt');
    expect(stdout).to.equal('bad.log not linearizable\ngood.log linearizable\nbad.txt not linearizable\n');
    expect(stderr).to.include('╞═ read → 1 ═╡').and.to.include('bad.txt, key "k":');
    expect(code).to.equal(1);
  });

  it('exits 1 when the time is over, and says unknown', async () => {
    const { code, stdout, stderr } = await run('--seconds', '0.05', 'hard.log');
    expect(stdout).to.equal('hard.log unknown\n');
    expect(stderr).to.include('in 0.05 seconds').and.to.include('--seconds');
    expect(code).to.equal(1);
  });

  const mistakes: [what: string, args: string[], message: RegExp][] = [
    ['no file', [], /missing required argument 'FILE'/],
    ['a model that does not exist', ['--model', 'queue', 'good.log'], /'queue' is invalid.*register, kv/],
    ['a time that is none', ['--seconds', 'soon', 'good.log'], /number above 0/],
    ['a file that does not exist', ['good.log', 'missing.log'], /missing\.log: there is no such file/],
    ['a folder', ['.'], /cannot be read/],
    ['a name that would drive a terminal', ['\u001b[2J'], /^error: \\u001b\[2J: there is no such file/],
    ['a file that would drive a terminal', ['--model', 'kv', 'hostile.txt'], /^error: .*found ".*\\u009b/],
    ['a damaged file', ['cut.log'], /cut\.log: Line 2: expected/],
    ['a file of another model', ['--model', 'kv', 'good.log'], /good\.log: Line 1: expected \{:process P/],
    ['a file that is no history', ['tale.txt'], /tale\.txt: looks like neither.*--model/],
    ['a file without an operation', ['--model', 'kv', 'empty.txt'], /holds no operation/],
  ];
  for (const [what, args, message] of mistakes) {
    it(`exits 2, says why and checks nothing for ${what}`, async () => {
      const { code, stdout, stderr } = await run(...args);
      expect(stderr).to.match(message);
      expect(stdout).to.equal('');
      expect(code).to.equal(2);
    });
  }

  it('explains itself with --help', async () => {
    const { code, stdout } = await run('--help');
    expect(stdout).to.include('--model').and.to.include('--seconds').and.to.include('Exit status');
    expect(code).to.equal(0);
  });
});

function histories(): Record<string, string> {
  const log = (...calls: string[]) => calls.map((call) => `INFO  jepsen.util - ${call}\n`).join('');
  const write = (process: number, value: number) => [
    `${process}\t:invoke\t:write\t${value}`,
    `${process}\t:ok\t:write\t${value}`,
  ];
  const read = (process: number, value: number) => [
    `${process}\t:invoke\t:read\tnil`,
    `${process}\t:ok\t:read\t${value}`,
  ];
  const keyValue = (type: string, call: string, value: string) =>
    `{:process 0, :type :${type}, :f :${call}, :key "k", :value ${value}}\n`;
  const append = keyValue('invoke', 'append', '"x"') + keyValue('ok', 'append', '"x"');
  const writers = Array.from({ length: 40 }, (_, process) => process);
  return {
    'good.log': log(...write(0, 1), ...read(1, 1)),
    'bad.log': log(...write(0, 1), ...write(0, 2), ...read(1, 1)),
    'hard.log': log(
      ...writers.map((process) => `${process}\t:invoke\t:write\t${process}`),
      ...writers.map((process) => `${process}\t:ok\t:write\t${process}`),
      ...read(0, -1),
    ),
    'cut.log': log('0\t:invoke\t:read\tnil', '0\t:ok'),
    'good.txt': append + keyValue('invoke', 'get', 'nil') + keyValue('ok', 'get', '"x"'),
    'bad.txt': append + keyValue('invoke', 'get', 'nil') + keyValue('ok', 'get', '""'),
    'tale.txt': 'once upon a time\n',
    'hostile.txt': 'it \u009b2J is not\n',
    'empty.txt': '\n',
  };
}
