import { expect } from 'chai';
import { defaultSimulation, faultKinds } from '../../src/simulation/options.js';
import { rareStateNames } from '../../src/simulation/rare-states/rare-states.js';
import { type RunResult, simulate } from '../../src/simulation/simulation.js';

/** Worlds whose programs have no sessions, and whose leaders have no leases. */
const plain = { ...defaultSimulation, sessions: false, leases: false };

/** How often the worlds of this file have reached each rare state. */
const reached = new Map<string, number>();

function note({ rareStates }: RunResult): void {
  for (const [state, count] of Object.entries(rareStates))
    reached.set(state, (reached.get(state) ?? 0) + count);
}

describe('A simulated world without faults', () => {
  const quiet = { ...plain, virtualMs: 3000, faults: [] };

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

  it('has entries on a majority replaced, and loses none that was committed', () => {
    const options = { ...plain, seed: 16, virtualMs: 30_000 };
    const steered = simulate({ ...options, faults: ['figure8'] });
    note(steered);
    expect(steered.finding).to.equal(null);
    expect(steered.verdict).to.equal('linearizable');
    expect(steered.rareStates[replaced]).to.be.greaterThan(0);
    expect(simulate({ ...options, faults: [] }).rareStates).not.to.include.keys(replaced);
  });
});

describe('A simulated world whose leaders are cut off in the midst of a run', () => {
  const within = 'a run truncated within';
  const halfApplied = 'a batch half applied and half refused';

  it('has logs part within runs and batches half applied, as never by themselves, and loses nothing that was committed', () => {
    const options = { ...plain, seed: 3, nodes: 3, virtualMs: 15_000 };
    const steered = simulate({ ...options, faults: ['halfRuns'] });
    note(steered);
    expect(steered.finding).to.equal(null);
    expect(steered.verdict).to.equal('linearizable');
    expect(steered.rareStates[within]).to.be.greaterThan(0);
    expect(steered.rareStates[halfApplied]).to.be.greaterThan(0);
    expect(simulate({ ...options, faults: [] }).rareStates).not.to.include.any.keys(within, halfApplied);
  });
});

describe('A simulated world whose power fails before the name of a new segment is on the disk', () => {
  it('loses names, and nothing that was committed', () => {
    const faults = ['lostNames', 'powerLosses'] as const;
    const result = simulate({ ...plain, seed: 12, virtualMs: 12_000, faults });
    note(result);
    expect(result.finding).to.equal(null);
    expect(result.verdict).to.equal('linearizable');
    expect(result.rareStates['a name lost from a directory']).to.be.greaterThan(0);
  });
});

describe('Simulated worlds whose members come and go', () => {
  const faults = ['memberChanges', 'transfers', 'partitions', 'crashes', 'absences', 'cuts'] as const;
  const rare = [
    'a joint configuration inherited by the next leader',
    'a configuration rolled back',
    'a leader removed',
    'a learner promoted',
    'a member added again under its id',
    'a member that was removed and comes with an empty disk',
    'a message for the one who bore the id before',
    'a snapshot that carries a configuration',
    'a change refused',
    'a transfer refused',
    'a leader that hands over',
  ];

  it('come through all that a change can meet, and lose nothing that was committed', () => {
    const seen = new Set<string>();
    for (const seed of [13, 59, 132]) {
      const result = simulate({ ...plain, seed, virtualMs: 20_000, faults });
      note(result);
      expect(result.finding, `seed ${seed}`).to.equal(null);
      expect(result.verdict).to.equal('linearizable');
      for (const [state, count] of Object.entries(result.rareStates)) if (count > 0) seen.add(state);
    }
    expect(rare.filter((name) => !seen.has(name))).to.deep.equal([]);
  });
});

describe('A simulated world whose state machines are slow', () => {
  const behind = 'a leader that had entries to apply before it served';

  it('has leaders apply their logs before they serve, and answers all the same', () => {
    const options = { ...plain, seed: 2, nodes: 3, virtualMs: 15_000 };
    const steered = simulate({ ...options, faults: ['slowApplications'] });
    note(steered);
    expect(steered.finding).to.equal(null);
    expect(steered.verdict).to.equal('linearizable');
    expect(steered.rareStates[behind]).to.be.greaterThan(0);
    expect(simulate({ ...options, faults: [] }).rareStates).not.to.include.keys(behind);
  });
});

describe('A simulated world whose nodes are away until the others have given up what they lack', () => {
  it('sends them snapshots in its place, and loses nothing that was committed', () => {
    const options = { ...plain, seed: 4, nodes: 3, virtualMs: 12_000 };
    const steered = simulate({ ...options, faults: ['absences'] });
    note(steered);
    expect(steered.finding).to.equal(null);
    expect(steered.verdict).to.equal('linearizable');
    expect(steered.rareStates['a snapshot installed']).to.be.greaterThan(0);
  });
});

describe('Simulated worlds with all faults', () => {
  // The last two were chosen: together all worlds of this file reach every rare state.
  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 149, 105]) {
    it(`break no invariant, seed ${seed}`, function () {
      this.timeout(60_000);
      const result = simulate({ ...plain, seed, virtualMs: 12_000 });
      expect(result.finding).to.equal(null);
      note(result);
    });
  }

  for (let seed = 101; seed <= 115; seed++) {
    it(`let a healthy majority make progress once the faults are confined to the others, seed ${seed}`, function () {
      this.timeout(60_000);
      const result = simulate({ ...plain, seed, mode: 'liveness', virtualMs: 5000 });
      expect(result.finding).to.equal(null);
      note(result);
    });
  }

  // Of the last, clients hang for longer than their sessions last.
  for (const [seed, leases, faults] of [
    [201, false, faultKinds],
    [24, true, faultKinds],
    [38, true, ['clientHangs', 'cuts', 'stops']],
  ] as const) {
    it(`apply each command once, ${leases ? 'with' : 'without'} leases, seed ${seed}`, function () {
      this.timeout(60_000);
      const world = { ...defaultSimulation, nodes: 3, virtualMs: 12_000, sessions: true };
      const result = simulate({ ...world, seed, leases, faults });
      expect(result.finding).to.equal(null);
      expect(result.verdict).to.equal('linearizable');
      note(result);
    });
  }

  it('reach the states where bugs live', () => {
    expect(rareStateNames.filter((name) => !reached.has(name))).to.deep.equal([]);
  });
});
