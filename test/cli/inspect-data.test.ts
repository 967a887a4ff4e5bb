import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { fixtureOf } from '../storage/fixture.js';
import { removeDirectory, temporaryDirectory } from '../storage/temporary-directory.js';
import { cipherOptions } from '../wire/arbitraries.js';

const program = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

describe('npm run inspect-data', () => {
  let directory: string;

  before(() => {
    directory = temporaryDirectory();
    for (const [name, from] of [
      ['whole', fixtureOf(3)],
      ['damaged', fixtureOf(3)],
      [
        'cluster/node-0',
        fileURLToPath(new URL('../../../test/node/fixtures/format-2-none', import.meta.url)),
      ],
      [
        'cluster/node-1',
        fileURLToPath(new URL('../../../test/node/fixtures/format-2-aes-256-gcm', import.meta.url)),
      ],
    ] as const) {
      cpSync(from, `${directory}/${name}`, { recursive: true });
    }
    const segment = `${directory}/damaged/0000000000000003.wal`;
    const bytes = readFileSync(segment);
    bytes[700]! ^= 1;
    writeFileSync(segment, bytes);
    const { key } = cipherOptions.find(({ kind }) => kind === 'aes-256-gcm') as { key: Uint8Array };
    writeFileSync(`${directory}/key`, Buffer.from(key).toString('hex'));
    writeFileSync(`${directory}/other-key`, '1'.repeat(64));
    mkdirSync(`${directory}/folder/0000000000000001.wal`, { recursive: true });
  });

  after(() => removeDirectory(directory));

  function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    return new Promise((resolve) => {
      execFile(
        process.execPath,
        [program, 'inspect-data', ...args],
        { cwd: directory },
        (error, stdout, stderr) => {
          resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
        },
      );
    });
  }

  it('prints what a directory holds, and exits 0 when it is whole', async () => {
    const { code, stdout, stderr } = await run('whole');
    expect(stderr).to.equal('');
    expect(stdout.split('\n')).to.deep.equal([
      'node 4 of cluster "fixture ü" in whole',
      '  term 4, vote for node 4',
      '  entries 4 to 212, after entry 3 of term 2',
      '  sealed with a cipher that the log does not name',
      '  made with voters 0, 1, 2; learners 3',
      '  no other configuration that can be read',
      '  segment 0000000000000002.wal  format 3, 5120 bytes, from entry 4 on',
      '  segment 0000000000000003.wal  format 3, 4096 bytes, from entry 7 on',
      '  snapshot 0000000000000209-5.snapshot  entry 209 of term 5, 11 bytes in 2 chunks',
      '  snapshot 0000000000000005-3.snapshot  entry 5 of term 3, 10 bytes in 1 chunks',
      '  no damage',
      '',
    ]);
    expect(code).to.equal(0);
  });

  it('exits 1 and says where the first damage is', async () => {
    const { code, stdout } = await run('damaged', '--json');
    const { damage, lastIndex, nodeId } = JSON.parse(stdout);
    expect([nodeId, lastIndex]).to.deep.equal([4, 6]);
    expect(damage).to.include({ file: 'damaged/0000000000000003.wal' });
    expect(code).to.equal(1);
  });

  it('prints entries of all nodes of a cluster, opened with the key', async () => {
    const { code, stdout } = await run('cluster', '--entries', '3-4', '--key-file', 'key');
    expect(stdout.match(/^ {2}3\/1 {2}command of node 0, .*value 2/gm)).to.have.length(2);
    expect(code).to.equal(0);
    const closed = await run('cluster', '--entries', '3-4');
    expect(closed.stdout).to.match(/value 2.*the entries are sealed: give --key-file/s);
  });

  it('exits 2 for what is no directory, or has no log, and for a range that is none', async () => {
    for (const [args, says] of [
      [['nowhere'], /There is no directory nowhere/],
      [['.'], /There is no log in \. that can be read/],
      [['whole', '--entries', 'a-b'], /names no entries/],
      [['whole', '--key-file', 'whole/0000000000000002.wal'], /neither 32 bytes nor 64/],
      [['cluster/node-1', '--key-file', 'other-key'], /^error: The entries in .* sealed under another key/],
      [['folder'], /^error: /],
    ] as const) {
      const { code, stderr, stdout } = await run(...args);
      expect(stderr, args.join(' ')).to.match(says);
      expect([code, stdout], args.join(' ')).to.deep.equal([2, '']);
      expect(stderr, 'no stack trace').not.to.match(/^ {4}at /m);
    }
  });
});
