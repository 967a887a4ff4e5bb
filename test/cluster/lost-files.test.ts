import { execFile } from 'node:child_process';
import { cpSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { removeDirectory, temporaryDirectory } from '../storage/temporary-directory.js';

const built = fileURLToPath(new URL('../..', import.meta.url));
const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url));

/** A package of its own whose files can be taken away, and programs that use it. */
describe('A program whose package loses its files', () => {
  let directory: string;
  beforeEach(() => {
    directory = temporaryDirectory();
    for (const folder of ['src', 'machines'])
      cpSync(join(built, folder), join(directory, folder), { recursive: true });
    writeFileSync(join(directory, 'package.json'), '{"type":"module"}');
    symlinkSync(modules, join(directory, 'node_modules'));
  });
  afterEach(() => removeDirectory(directory));

  /** What the program says. It may take as long as it likes to fail, and must not be ended by what it could not catch. */
  async function run(program: string): Promise<string[]> {
    const index = pathToFileURL(join(directory, 'src/index.js')).href;
    const text = `
      import { rmSync } from 'node:fs';
      const { RaftCluster } = await import(${JSON.stringify(index)});
      const storage = { kind: 'disk', directory: ${JSON.stringify(join(directory, 'data'))} };
      const lose = (file) => rmSync(${JSON.stringify(directory)} + '/' + file);
      const outcome = (promise) => promise.then(() => 'done', ({ code }) => code);
      ${program}
    `;
    const flags = ['--input-type=module', '-e', text];
    const { stdout } = await promisify(execFile)(process.execPath, flags, { timeout: 30_000 });
    return stdout.trim().split('\n');
  }

  for (const [what, file] of [
    ['a node', 'src/node/worker.js'],
    ['the network', 'src/router/worker.js'],
  ]) {
    it(`hears at start that ${what} has no program`, async () => {
      rmSync(join(directory, file as string));
      const said = await run(`
        const error = await RaftCluster.start({ nodes: 3, storage }).catch((error) => error);
        console.log(error.code);
        console.log(error.message);
      `);
      expect(said[0]).to.equal('THREAD_NOT_STARTED');
      expect(said[1]).to.match(/worker\.js.*install the package again/);
    });
  }

  it('hears at a restart that the node has no program, and can start it when it has', async () => {
    const said = await run(`
      const cluster = await RaftCluster.start({ nodes: 3, storage });
      await cluster.crash(1);
      const { readFileSync, writeFileSync } = await import('node:fs');
      const path = ${JSON.stringify(join(directory, 'src/node/worker.js'))};
      const program = readFileSync(path);
      lose('src/node/worker.js');
      console.log(await outcome(cluster.restart(1)));
      writeFileSync(path, program);
      console.log(await outcome(cluster.restart(1)));
      await cluster.close();
    `);
    expect(said).to.deep.equal(['THREAD_NOT_STARTED', 'done']);
  });
});
