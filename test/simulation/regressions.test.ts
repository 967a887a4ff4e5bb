import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { defaultSimulation, type SimulationOptions } from '../../src/simulation/options.js';
import { simulate } from '../../src/simulation/simulation.js';

/** A run that once failed, and what was wrong. */
interface Regression {
  readonly bug: string;
  readonly invariant: string;
  readonly options: Partial<SimulationOptions>;
}

describe('Seeds that once failed', () => {
  // Data is not compiled: it lies beside this file's source.
  const directory = new URL('../../../test/simulation/regressions/', import.meta.url);

  for (const name of readdirSync(directory).filter((each) => each.endsWith('.json'))) {
    const { bug, options }: Regression = JSON.parse(readFileSync(new URL(name, directory), 'utf8'));

    it(`${name.slice(0, -'.json'.length)}: ${bug}`, () => {
      expect(simulate({ ...defaultSimulation, ...options }).finding).to.equal(null);
    });
  }
});
