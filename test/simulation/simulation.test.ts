import { expect } from 'chai';
import { defaultSimulation } from '../../src/simulation/options.js';
import { rareStateNames } from '../../src/simulation/rare-states/rare-states.js';
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

describe('A simulated world that is steered towards Figure 8', () => {
  const replaced = 'an entry that was on a majority and was replaced (Figure 8)';

  it('has entries on a majority replaced again and again, and loses none that was committed', () => {
    const options = { ...defaultSimulation, seed: 54, virtualMs: 30_000 };
    const steered = simulate({ ...options, faults: ['figure8'] });
    expect(steered.finding).to.equal(null);
    expect(steered.verdict).to.equal('linearizable');
    expect(steered.rareStates[replaced]).to.be.greaterThan(2);
    expect(simulate({ ...options, faults: [] }).rareStates).not.to.include.keys(replaced);
  });
});

describe('A simulated world whose leaders are cut off in the midst of a run', () => {
  const within = 'a run truncated within';

  it('has logs part within runs, as they never do by themselves, and loses nothing that was committed', () => {
    const options = { ...defaultSimulation, seed: 4, nodes: 3, virtualMs: 15_000 };
    const steered = simulate({ ...options, faults: ['halfRuns'] });
    expect(steered.finding).to.equal(null);
    expect(steered.verdict).to.equal('linearizable');
    expect(steered.rareStates[within]).to.be.greaterThan(1);
    expect(simulate({ ...options, faults: [] }).rareStates).not.to.include.keys(within);
  });
});

/** The rare states that the worlds of this suite came to. */
const reached = new Map<string, number>();

describe('A simulated world whose state machines are slow', () => {
  const behind = 'a leader that had entries to apply before it served';

  it('has leaders apply their logs before they serve, and answers all the same', () => {
    const options = { ...defaultSimulation, seed: 2, nodes: 3, virtualMs: 15_000 };
    const steered = simulate({ ...options, faults: ['slowApplications'] });
    expect(steered.finding).to.equal(null);
    expect(steered.verdict).to.equal('linearizable');
    expect(steered.rareStates[behind]).to.be.greaterThan(0);
    reached.set(behind, steered.rareStates[behind] ?? 0);
    expect(simulate({ ...options, faults: [] }).rareStates).not.to.include.keys(behind);
  });
});

describe('Simulated worlds with all faults', () => {
  // The last six were chosen: together with the world above they reach every rare state.
  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 17, 20, 30, 51, 80, 235]) {
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
    expect([...reached.keys()]).to.include.members([...rareStateNames]);
  });
});
