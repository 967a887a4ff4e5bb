import { expect } from 'chai';
import { put } from '../../src/application/key-value/commands.js';
import { get } from '../../src/application/key-value/queries.js';
import { decodeValue } from '../../src/application/key-value/results.js';
import type { NodeId } from '../../src/raft/entry.js';
import { Laboratory } from './laboratory.js';
import { inCalm, Unsettled } from './waiting.js';
import type { Scenario, World } from './world.js';

/*
 * Reads that a leader answers by itself, while its clock goes wrong (thesis §6.4.1; LeaseGuard): it is cut off with
 * a lease, and another is elected and commits.
 */

const clockDriftMax = 0.05;
/** Long, so that a busy machine's pauses are short beside them; and alike, so that the next leader comes soon. */
const timings = { electionTimeoutMsMin: 500, electionTimeoutMsMax: 560, heartbeatMs: 50 };
const options = { nodes: 3, timings, leases: { clockDriftMax } };
/** How long a read waits for a leader that may not answer by itself. */
const readMs = 100;

async function read(world: World, id: NodeId, timeoutMs = readMs): Promise<string | null> {
  const answer = await world.readByLease(id, get('colour'), timeoutMs);
  if (typeof answer === 'string') return null;
  const value = decodeValue(answer);
  return value.ok ? String(value.value) : null;
}

/**
 * What a leader answers that is cut off: before, and after, another has committed a change.
 * @param rates of its clock, and of those of all others
 * @throws {Unsettled} a machine that paused cost it its office, or its lease, before
 */
async function answersOfTheCutOff(world: World, rates: { readonly own: number; readonly others: number }) {
  const lab = new Laboratory(world);
  await world.heal();
  const { id } = await lab.settled();
  const setRates = (own: number, others: number) =>
    Promise.all(lab.ids.map((each) => world.setClockRate(each, each === id ? own : others)));
  await setRates(rates.own, rates.others);
  await world.propose(put('colour', 'blue'));
  await read(world, id);
  await world.partition([[id]]);
  const cutOff = await read(world, id);
  let isChanged = false;
  const change = world.propose(put('colour', 'green')).then(() => {
    isChanged = true;
  });
  const after: (string | null)[] = [];
  while (after.length < 3) {
    const wasChanged = isChanged;
    const answer = await read(world, id);
    if (wasChanged) after.push(answer);
    await world.sleep(5);
  }
  await change;
  await setRates(1, 1);
  if (cutOff !== 'blue') throw new Unsettled('It had no lease any more when it was cut off.');
  await world.heal();
  const { id: next } = await lab.settled();
  expect(await read(world, next, 20_000), 'all is well again').to.equal('green');
  return after;
}

/**
 * A slow clock lets a leader believe in its lease for too long, and fast ones let the others miss it too soon. As long as
 * they are no more wrong than they are believed to be, nobody has committed anything before the lease is over: not so if a
 * lease lasted as long as an election timeout (mutant lease-ignoring-drift).
 */
export const insideTheBound: Scenario = {
  name: 'Lease reads with clocks that are wrong by as much as is allowed',
  options,
  async play(world) {
    const rates = { own: 1 - clockDriftMax, others: 1 + clockDriftMax };
    const after = await inCalm(() => answersOfTheCutOff(world, rates));
    expect(after, 'answered after the change').to.deep.equal([null, null, null]);
  },
};

/**
 * Beyond the bound it may answer what is no longer so, and does: this is what the bound is for, and what shows that the
 * scenario above looks at a lease at all.
 */
export const outsideTheBound: Scenario = {
  name: 'Lease reads with a clock that all but stands still',
  options,
  async play(world) {
    const rates = { own: 0.01, others: 1 };
    const after = await inCalm(() => answersOfTheCutOff(world, rates));
    expect(after).to.include('blue');
  },
};
