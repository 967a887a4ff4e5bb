import { expect } from 'chai';
import { defaultSimulation } from '../../src/simulation/options.js';
import { simulate } from '../../src/simulation/simulation.js';

describe('A simulated world without faults', () => {
  const quiet = { ...defaultSimulation, virtualMs: 3000, faults: [] };

  it('elects a leader, serves its clients, and breaks no invariant', () => {
    const result = simulate({ ...quiet, seed: 7, clients: 4 });
    expect(result.finding).to.equal(null);
    expect(result.verdict).to.equal('linearizable');
    expect(result.committed).to.be.greaterThan(10);
    expect(result.calls).to.be.greaterThan(20);
  });

  it('runs the same for the same seed, event by event, and otherwise for another', () => {
    const events = (seed: number) => {
      const lines: string[] = [];
      const { hash } = simulate({ ...quiet, seed }, (event) => lines.push(JSON.stringify(event)));
      return { hash, lines };
    };
    const first = events(11);
    expect(events(11)).to.deep.equal(first);
    expect(events(12).hash).not.to.equal(first.hash);
  });
});
