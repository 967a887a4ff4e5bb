import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { defaultSimulation, type SimulationOptions } from '../../src/simulation/options.js';
import { simulate } from '../../src/simulation/simulation.js';
import { simulationOf } from '../mutants/mutated.js';

/** A run that once failed, and what was wrong. */
interface Regression {
  readonly bug: string;
  readonly invariant: string;
  /** The mutant that brings the bug back. */
  readonly mutant: string;
  readonly options: Partial<SimulationOptions>;
}

describe('Seeds that once failed', () => {
  // Data is not compiled: it lies beside this file's source.
  const directory = new URL('../../../test/simulation/regressions/', import.meta.url);

  for (const name of readdirSync(directory).filter((each) => each.endsWith('.json'))) {
    const regression: Regression = JSON.parse(readFileSync(new URL(name, directory), 'utf8'));
    const { bug, invariant, mutant } = regression;
    // Older than sessions and leases in simulated worlds.
    const options = { ...defaultSimulation, sessions: false, leases: false, ...regression.options };

    describe(`${name.slice(0, -'.json'.length)}: ${bug}`, () => {
      it('fails no more', () => {
        expect(simulate(options).finding).to.equal(null);
      });

      it('still fails when the bug is put back, so that it goes on guarding against it', async function () {
        this.timeout(60_000);
        const mutated = await simulationOf(mutant);
        expect(mutated(options).finding?.invariant).to.equal(invariant);
      });
    });
  }
});
