import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { ThreadStartError } from '../../src/ground/errors.js';
import { TaskThread } from '../../src/router/task-thread.js';
import { removeDirectory, temporaryDirectory } from '../storage/temporary-directory.js';

/*
 * A thread can fail in more ways than its task can: packages are replaced under a running service, bundlers move files,
 * a process runs out of handles. Each has to reach whoever waits for the thread, and nobody else: an error that no
 * `catch` can meet ends the process, and one that nobody is told of lets a start wait for ever.
 */
describe('A thread with one task', () => {
  let directory: string;
  beforeEach(() => {
    directory = temporaryDirectory();
  });
  afterEach(() => removeDirectory(directory));

  function launch(program: string | null): TaskThread<number> {
    const path = join(directory, 'program.mjs');
    if (program !== null) writeFileSync(path, program);
    return new TaskThread({ name: 'node 7', file: pathToFileURL(path), task: 1, transfer: [] });
  }

  it('ends with its task', async () => {
    expect(await launch('export async function run(task) {}').ended).to.equal(null);
  });

  const unstartable: [string, string | null, RegExp][] = [
    ['is not there', null, /Cannot find module .*program\.mjs/],
    ['imports what is not there', 'import "./gone.mjs"; export function run() {}', /gone\.mjs/],
    ['throws when it is read', 'throw new RangeError("too old");', /started: too old\./],
    ['leaves when it is read', 'process.exit(3);', /it exited with status 3/],
    ['is half written', 'export function run( {', /Unexpected end of input/],
  ];
  for (const [what, program, reason] of unstartable) {
    it(`says so when its file ${what}`, async () => {
      const error = await launch(program).ended;
      expect(error).to.be.instanceOf(ThreadStartError).and.include({ code: 'THREAD_NOT_STARTED' });
      expect((error as Error).message).to.match(/^The thread of node 7 could not be started: /);
      expect((error as Error).message).to.match(reason);
      expect((error as Error).message).to.match(/install the package again if not/);
    });
  }

  const failing: [string, string, RegExp][] = [
    ['throws', 'export function run() { throw new RangeError("no"); }', /^no$/],
    ['leaves', 'export function run() { process.exit(3); }', /exited with code: 3/],
    [
      'is thrown at from aside',
      'export function run() { setTimeout(() => { throw new RangeError("aside"); }); return new Promise(() => setInterval(() => {}, 1000)); }',
      /^aside$/,
    ],
  ];
  for (const [what, program, reason] of failing) {
    it(`ends with the reason when its task ${what}`, async () => {
      const error = await launch(program).ended;
      expect(error).to.be.instanceOf(Error).and.not.instanceOf(ThreadStartError);
      expect((error as Error).message).to.match(reason);
    });
  }

  it('can be killed before it has begun, and is not said to have failed then', async () => {
    const thread = launch('while (true);');
    thread.terminate();
    expect(await thread.ended)
      .to.be.instanceOf(Error)
      .and.not.instanceOf(ThreadStartError);
  });
});
