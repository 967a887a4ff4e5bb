import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { Piscina } from 'piscina';
import { defaultSimulation } from '../../src/simulation/options.js';
import type { RunResult } from '../../src/simulation/simulation.js';
import { simulate } from '../../src/simulation/simulation.js';

describe('One seed', () => {
  const options = { ...defaultSimulation, seed: 4, virtualMs: 4000 };

  it('gives one trace in this process, in another, and on two worker threads', async function () {
    this.timeout(60_000);
    const here = simulate(options).hash;
    const pool = new Piscina<unknown, RunResult>({
      filename: fileURLToPath(new URL('../../src/simulation/sweep/sweep-worker.js', import.meta.url)),
      name: 'run',
      minThreads: 2,
      maxThreads: 2,
      concurrentTasksPerWorker: 1,
    });
    const cli = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
    try {
      const [one, other, { stdout }] = await Promise.all([
        pool.run({ options, mutant: null }),
        pool.run({ options, mutant: null }),
        promisify(execFile)(process.execPath, [
          cli,
          'simulate',
          '--seed',
          '4',
          '--virtual-seconds',
          '4',
          '--json',
        ]),
      ]);
      const elsewhere: RunResult = JSON.parse(stdout);
      expect([one.hash, other.hash, elsewhere.hash]).to.deep.equal([here, here, here]);
    } finally {
      await pool.destroy();
    }
  });
});
