import { expect } from 'chai';
import { Random } from '../../src/ground/random.js';
import type { Change } from '../../src/raft/membership.js';
import { defaultSimulation } from '../../src/simulation/options.js';
import { simulate } from '../../src/simulation/simulation.js';
import type { World } from '../../src/simulation/world/world.js';

/*
 * Members go and come back, leadership is handed over, and all that goes wrong elsewhere goes wrong meanwhile. One voter
 * of five is out at most, so that a majority is three in every configuration, joint ones included, and the oracle holds
 * all that is committed and every election to three of the five disks.
 */

interface Tally {
  readonly asked: { changes: number; transfers: number };
  readonly done: { changes: number; transfers: number };
  joint: number;
  twice: number;
}

const betweenMs = 250;

/** Asks whoever leads for something, again and again. */
function disturb(world: World, random: Random, tally: Tally): void {
  world.time.after(betweenMs * (0.2 + random.next()), () => {
    ask(world, random, tally);
    disturb(world, random, tally);
  });
}

function ask(world: World, random: Random, tally: Tally): void {
  const leader = world.hosts.find(({ id, actor }) => actor?.replica.leaderId === id);
  if (leader === undefined) return;
  const answers = { count: 0 };
  const reply = (what: 'changes' | 'transfers') => (error: Error | null) => {
    if (++answers.count > 1) tally.twice++;
    if (error === null) tally.done[what]++;
  };
  const to = random.below(world.hosts.length);
  leader.ask((actor) => {
    if (actor.replica.configuration.isJoint) tally.joint++;
    if (random.chance(0.3)) {
      tally.asked.transfers++;
      actor.tell({ type: 'host.transfer', asked: { to, reply: reply('transfers') } });
      return;
    }
    tally.asked.changes++;
    const change = random.chance(0.1) ? 'abort' : changeOf(actor.replica.configuration.voters, to, random);
    actor.tell({ type: 'host.change', asked: { change, reply: reply('changes') } });
  });
}

/** One goes if all are there; if not, the one that is out comes back, in another's place or besides. */
function changeOf(voters: readonly number[], id: number, random: Random): Change {
  if (random.chance(0.2)) return [{ kind: 'prioritize', id: voters[0] as number, priority: random.below(3) }];
  const out = [0, 1, 2, 3, 4].find((each) => !voters.includes(each));
  if (out === undefined) return [{ kind: 'remove', id }];
  const back = { kind: 'add', id: out, address: '', learner: false } as const;
  return random.chance(0.8) && voters.includes(id) ? [{ kind: 'remove', id }, back] : [back];
}

describe('Simulated worlds whose members come and go', function () {
  this.timeout(240_000);

  it('keep every invariant, and answer each change and each transfer once', () => {
    const tally: Tally = {
      asked: { changes: 0, transfers: 0 },
      done: { changes: 0, transfers: 0 },
      joint: 0,
      twice: 0,
    };
    for (let seed = 1; seed <= 6; seed++) {
      const { finding } = simulate({ ...defaultSimulation, seed, virtualMs: 8_000 }, null, {
        begins: (world) => disturb(world, new Random(seed), tally),
        stepped: () => {},
      });
      expect(finding, `seed ${seed}`).equal(null);
    }
    expect(tally.twice).equal(0);
    expect(tally.done.changes, 'changes').above(0);
    expect(tally.done.transfers, 'transfers').above(0);
  });
});
