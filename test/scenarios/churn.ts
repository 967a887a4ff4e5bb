import { expect } from 'chai';
import type { NodeId } from '../../src/raft/entry.js';
import { electionTimeoutMs, fingerprint, Laboratory, reliable, unreliable } from './laboratory.js';
import type { Scenario, World } from './world.js';

/**
 * A busy network of datagrams: a tenth is lost, others come late, twice, or out of turn. Agreement is slower,
 * and that must be all. (Fifteen rounds of five commands at once; the lab has fifty.)
 */
export const unreliableAgree: Scenario = {
  name: 'UnreliableAgree',
  options: { nodes: 5, link: unreliable },
  async play(world) {
    const lab = new Laboratory(world);
    for (let round = 1; round <= 15; round++) {
      await Promise.all(Array.from({ length: 5 }, () => lab.one(1)));
    }
    await world.setLink(reliable);
    await lab.one(5);
    await lab.converged();
  },
};

/**
 * Three clients hand in commands without a pause while nodes lose their network, crash and come back, faster
 * than everything can settle. What a client has seen applied must be in everybody's log in the end.
 */
export const reliableChurn: Scenario = {
  name: 'ReliableChurn',
  options: { nodes: 5, disks: true },
  play: (world) => churn(world),
};

/** The same on the unreliable network, where a client also meets answers that never come. */
export const unreliableChurn: Scenario = {
  name: 'UnreliableChurn',
  options: { nodes: 5, disks: true, link: unreliable },
  play: (world) => churn(world),
};

async function churn(world: World): Promise<void> {
  const lab = new Laboratory(world);
  await lab.leader();
  let over = false;
  const clients = Promise.all([0, 1, 2].map((client) => handInUntil(lab, client, () => over)));
  // Heard below; until then a client's failure must not count as nobody's.
  clients.catch(() => {});
  try {
    await disturb(lab);
  } finally {
    over = true;
  }
  const seen = (await clients).flat();
  await world.setLink(reliable);
  await lab.one(5);
  const log = new Set((await lab.converged()).map((entry) => fingerprint(entry.command)));
  expect(seen.length, 'commands that the clients saw applied').to.be.at.least(1);
  expect(
    seen.filter((command) => !log.has(command)),
    'commands that were applied, and then were not',
  ).to.deep.equal([]);
}

/** Twelve moves, somewhat faster than an election; then everybody comes back. (The lab makes twenty.) */
async function disturb(lab: Laboratory): Promise<void> {
  const { world } = lab;
  const { random } = world;
  const crashed = new Set<NodeId>();
  const back = async (id: NodeId) => {
    if (crashed.delete(id)) await world.restart(id);
    await lab.connect(id);
  };
  for (let move = 1; move <= 12; move++) {
    if (random.chance(0.2)) await lab.disconnect(random.below(5));
    if (random.chance(0.5)) await back(random.below(5));
    if (random.chance(0.2)) {
      const id = random.below(5);
      if (!crashed.has(id)) await world.crash(id);
      crashed.add(id);
    }
    await world.sleep(electionTimeoutMs * 0.7);
  }
  for (const id of lab.ids) await back(id);
}

/** Hands in one command after the other, whoever leads, and returns those that it saw applied. */
async function handInUntil(lab: Laboratory, client: number, isOver: () => boolean): Promise<string[]> {
  const seen: string[] = [];
  while (!isOver()) {
    const command = lab.command();
    const place = await lab.startSomewhere(command);
    if (place === null) {
      await lab.world.sleep(23 + client * 17);
      continue;
    }
    // Perhaps it will be applied, perhaps not; nobody waits for ever.
    for (const pauseMs of [10, 20, 50, 100, 200]) {
      const found = await lab.committed(place.index);
      if (found.command === fingerprint(command)) seen.push(found.command);
      if (found.command !== null) break;
      await lab.world.sleep(pauseMs);
    }
  }
  return seen;
}
