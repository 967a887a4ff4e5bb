import { expect } from 'chai';
import { defaultSimulation } from '../../src/simulation/options.js';
import { type RunResult, simulate } from '../../src/simulation/simulation.js';
import { type SweepOptions, sweep } from '../../src/simulation/sweep/sweep.js';

describe('A sweep', function () {
  this.timeout(60_000);
  const simulation = { ...defaultSimulation, virtualMs: 1500, nodes: 3 };
  const run = async (options: Partial<SweepOptions>) => {
    const finished: RunResult[] = [];
    const tally = await sweep({
      simulation,
      seedFrom: 1,
      seedTo: 3,
      mutant: null,
      threads: 2,
      isOver: () => false,
      finished: (result) => finished.push(result),
      ...options,
    });
    return { tally, finished };
  };

  it('runs every seed once, each as it would run alone, and adds them up', async () => {
    const { tally, finished } = await run({});
    const alone = [1, 2, 3].map((seed) => simulate({ ...simulation, seed }));
    expect(finished.sort((a, b) => a.seed - b.seed)).to.deep.equal(alone);
    const sum = (of: (result: RunResult) => number) => alone.reduce((total, each) => total + of(each), 0);
    expect(tally).to.include({
      runs: 3,
      failure: null,
      committed: sum(({ committed }) => committed),
      calls: sum(({ calls }) => calls),
    });
  });

  it('begins no more once a seed has failed, and tells of the lowest that did', async () => {
    const { tally, finished } = await run({ seedTo: 1000, mutant: 'self-vote-not-recorded' });
    const failed = finished.filter(({ finding }) => finding !== null).map(({ seed }) => seed);
    expect(tally.failure?.seed).to.equal(Math.min(...failed));
    expect(tally.runs).to.be.lessThan(20);
  });

  it('ends when it is told to, though there are more seeds', async () => {
    let runs = 0;
    const { tally } = await run({
      seedTo: Number.POSITIVE_INFINITY,
      isOver: () => runs >= 2,
      finished: () => runs++,
    });
    expect(tally.runs).to.be.within(2, 3);
  });
});
