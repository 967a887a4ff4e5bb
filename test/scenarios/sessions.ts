import { expect } from 'chai';
import { increment } from '../../src/application/key-value/commands.js';
import { decodeSum } from '../../src/application/key-value/results.js';
import { Laboratory } from './laboratory.js';
import type { Scenario, World } from './world.js';

/* Exactly once (thesis §6.3): what a client does not know the outcome of it sends again, and it is applied once. */

/** Longer than leaders take to be elected, for only silence of the client is to end its session. */
const sessionTimeoutMs = 4000;

/** So many increments at once, under way together; what the sums came to. */
async function sums(
  world: World,
  count: number,
  meanwhile: () => Promise<void> = async () => {},
): Promise<number[]> {
  const calls = Array.from({ length: count }, () => world.propose(increment('sum', 1)));
  await meanwhile();
  const outcomes = await Promise.all(calls);
  return outcomes.map((outcome) => {
    if (typeof outcome === 'string') throw new Error(`An increment ended with ${outcome}.`);
    const sum = decodeSum(outcome);
    return sum.ok ? sum.value : Number.NaN;
  });
}

/**
 * A sum counts what is applied, and each result says how far it had come: one that is applied twice, or answered with
 * another's result, leaves a gap or a pair. Leaders die with commands in flight; every node forgets all that is not on disk
 * and comes back from a snapshot, and the client goes on; and it is silent for so long that its session expires.
 */
export const retry: Scenario = {
  name: 'Session retry across leader death, snapshot and expiry',
  options: { nodes: 3, disks: true, snapshotEvery: 10, limits: { sessionTimeoutMs } },
  async play(world) {
    const lab = new Laboratory(world);
    const all = await sums(world, 5);
    for (let round = 0; round < 2; round++) {
      const { id } = await lab.settled();
      all.push(...(await sums(world, 15, () => world.crash(id))));
      await world.restart(id);
      await lab.settled();
    }
    await Promise.all(lab.ids.map((id) => world.crash(id)));
    await lab.restartAll(lab.ids);
    all.push(...(await sums(world, 5)));

    await world.stall(sessionTimeoutMs + 1000);
    all.push(...(await sums(world, 5)));

    all.sort((a, b) => a - b);
    expect(all).to.deep.equal(Array.from({ length: 45 }, (_, at) => at + 1));
  },
};
