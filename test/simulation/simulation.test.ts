import { expect } from 'chai';
import { defaultSimulation } from '../../src/simulation/options.js';
import type { RareState } from '../../src/simulation/rare-states/rare-states.js';
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

describe('Simulated worlds with all faults', () => {
  const reached = new Map<string, number>();

  for (let seed = 1; seed <= 12; seed++) {
    it(`break no invariant, seed ${seed}`, function () {
      this.timeout(60_000);
      const result = simulate({ ...defaultSimulation, seed, virtualMs: 12_000 });
      expect(result.finding).to.equal(null);
      for (const [state, count] of Object.entries(result.rareStates)) {
        reached.set(state, (reached.get(state) ?? 0) + count);
      }
    });
  }

  for (let seed = 101; seed <= 110; seed++) {
    it(`let a healthy majority make progress once the faults are confined to the others, seed ${seed}`, function () {
      this.timeout(60_000);
      const result = simulate({ ...defaultSimulation, seed, mode: 'liveness', virtualMs: 3000 });
      expect(result.finding).to.equal(null);
    });
  }

  it('reach the states where bugs live', () => {
    const needed: RareState[] = [
      'a split vote',
      'a pre-vote refused',
      'a leader deposed with a proposal in flight',
      'a truncated suffix',
      'a torn tail repaired',
      'a node that died of its disk',
      'a linearizable read served by a follower',
      'an outcome unknown to the client',
    ];
    expect([...reached.keys()]).to.include.members(needed);
  });
});
