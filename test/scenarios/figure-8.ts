import type { NodeId } from '../../src/raft/entry.js';
import { Laboratory, longReordering, reliable, unreliable } from './laboratory.js';
import { until } from './waiting.js';
import type { Scenario, World } from './world.js';

/**
 * Figure 8 of the paper: leaders take a command and crash, mostly before it is agreed on, sometimes after, and
 * the next one finds entries of earlier terms on a majority. Whoever counts those as committed will see them
 * overwritten. As the lab does, every node is asked to take a command, the leader that did crashes soon, and a
 * crashed node comes back when less than a majority lives. (Twelve leaders' lives; the lab goes round 1,000
 * times, mostly without one.)
 */
export const figure8: Scenario = {
  name: 'Figure8',
  options: { nodes: 5, disks: true },
  async play(world) {
    const lab = new Laboratory(world);
    await lab.one(1);
    const crashed = new Set<NodeId>();
    for (let lives = 1; lives <= 12; lives++) {
      const taker = await until(world, 'a leader to take a command', () => handIn(lab));
      await lingers(world);
      await world.crash(taker.id);
      crashed.add(taker.id);
      if (lab.ids.length - crashed.size < lab.majority) {
        const back = anyOf(world, [...crashed]);
        await world.restart(back);
        crashed.delete(back);
      }
      // What anybody has applied so far is held against what the others have.
      await lab.committed(await lowestHeight(lab));
    }
    await lab.restartAll([...crashed]);
    await lab.one(5);
    await lab.converged();
  },
};

/**
 * Figure 8 on a network that loses, doubles and delays, and in its second half hardly keeps the order of two
 * messages; leaders lose their links instead of their lives, and with links they also get their stale messages
 * back. (200 rounds, the last 100 with long reordering; the lab has 1,000 and 800.)
 */
export const figure8Unreliable: Scenario = {
  name: 'Figure8Unreliable',
  options: { nodes: 5, link: unreliable },
  async play(world) {
    const lab = new Laboratory(world);
    await lab.one(1);
    const lost = new Set<NodeId>();
    for (let round = 1; round <= 200; round++) {
      if (round === 100) await world.setLink(longReordering);
      const taker = await handIn(lab);
      await lingers(world);
      if (taker !== null && world.random.chance(0.5)) {
        await lab.disconnect(taker.id);
        lost.add(taker.id);
      }
      if (lab.ids.length - lost.size < lab.majority) {
        const back = anyOf(world, [...lost]);
        await lab.connect(back);
        lost.delete(back);
      }
      await lab.committed(await lowestHeight(lab));
    }
    await lab.connect(...lost);
    await lab.one(5);
    await world.setLink(reliable);
    await lab.converged();
  },
};

/** Asks every node to take a command of its own. Returns a connected one that did, if any. */
async function handIn(lab: Laboratory): Promise<{ readonly id: NodeId } | null> {
  const leaders = (await lab.infos()).filter((node) => node.role === 'leader');
  const started = await Promise.all(leaders.map(({ id }) => lab.world.start(id, lab.command())));
  return leaders.find(({ id }, at) => started[at] !== null && lab.isConnected(id)) ?? null;
}

/** Mostly a few milliseconds, in which an agreement may or may not come about; sometimes much longer. */
async function lingers(world: World): Promise<void> {
  await world.sleep(world.random.chance(0.1) ? world.random.below(500) : world.random.below(13));
}

function anyOf(world: World, ids: readonly NodeId[]): NodeId {
  return ids[world.random.below(ids.length)] as NodeId;
}

/** The last index that all living nodes have applied, and at least the first. */
async function lowestHeight(lab: Laboratory): Promise<number> {
  const heights = (await lab.infos()).filter((node) => node.role !== 'dead').map((node) => node.height);
  return Math.max(1, Math.min(...heights));
}
