import { expect } from 'chai';
import { defaultSimulation, type SimulationOptions } from '../../src/simulation/options.js';
import type { RunResult } from '../../src/simulation/simulation.js';
import { argumentsOf } from '../../src/simulation/sweep/command-line.js';
import { shrink } from '../../src/simulation/sweep/shrink.js';

/** A run that ended so; what it did before is of no interest. */
function ended(options: SimulationOptions, invariant: string | null, atMs = 900): RunResult {
  const finding = invariant === null ? null : { invariant, text: '', atMs };
  return {
    seed: options.seed,
    hash: '',
    finding,
    virtualMs: options.virtualMs,
    steps: 0,
    committed: 0,
    calls: 0,
    verdict: 'linearizable',
    rareStates: {},
  };
}

describe('Shrinking a run', () => {
  const failing = ended(defaultSimulation, 'ElectionSafety', 41_000.2);

  it('takes away all that the failure does not need', async () => {
    const needs = async (options: SimulationOptions) =>
      ended(
        options,
        options.faults.includes('crashes') && (options.clients ?? 6) >= 2 ? 'ElectionSafety' : null,
      );
    const { options } = await shrink(defaultSimulation, failing, needs);
    expect(options).to.deep.equal({
      ...defaultSimulation,
      nodes: 3,
      clients: 2,
      faults: ['crashes'],
      virtualMs: 901,
    });
  });

  it('does not take another failure for this one', async () => {
    const { options } = await shrink(defaultSimulation, failing, async (each) => ended(each, 'LogMatching'));
    expect(options).to.deep.equal({ ...defaultSimulation, virtualMs: 41_002 });
  });

  it('ends, though every run fails', async () => {
    let runs = 0;
    const shrunk = await shrink(defaultSimulation, failing, async (options) => {
      runs++;
      return ended(options, 'ElectionSafety');
    });
    expect(shrunk.runs).to.equal(runs);
    expect(runs).to.be.at.most(200);
    expect(argumentsOf(shrunk.options)).to.equal(
      '--seed 1 --nodes 3 --virtual-seconds 0.901 --faults none --clients 0',
    );
  });
});
