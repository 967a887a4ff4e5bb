import { expect } from 'chai';
import { electionTimeoutMs, Laboratory } from './laboratory.js';
import { inCalm, throughout, Unsettled } from './waiting.js';
import type { Scenario } from './world.js';

/**
 * The least that can be asked: a cluster that starts finds one leader in a term of at least 1, all nodes hear of
 * it, and as long as nothing fails it stays, for elections without a cause cost availability.
 */
export const initialElection: Scenario = {
  name: 'InitialElection',
  options: { nodes: 3 },
  async play(world) {
    const lab = new Laboratory(world);
    await inCalm(async () => {
      const leader = await lab.settled();
      expect(leader.term).to.be.at.least(1);
      await throughout(world, 4 * electionTimeoutMs, async () => {
        const terms = (await lab.infos()).map((node) => node.term);
        if (terms.some((term) => term !== leader.term))
          throw new Unsettled(`Terms ${terms} without a failure.`);
      });
      expect(await lab.settled()).to.deep.equal(leader);
    });
  },
};

/**
 * The leader loses its network: the others replace it. It returns: it must not disturb its successor. The quorum
 * goes: nobody may lead. The quorum returns: somebody must; and the last node to come back changes nothing.
 */
export const reElection: Scenario = {
  name: 'ReElection',
  options: { nodes: 3 },
  async play(world) {
    const lab = new Laboratory(world);
    const first = await lab.leader();
    await lab.disconnect(first.id);
    const second = await lab.leader({ otherThan: [first.id] });
    expect(second.term).to.be.greaterThan(first.term);

    await lab.connect(first.id);
    const together = await lab.settled();

    const lone = lab.after(together.id);
    await lab.disconnect(together.id, lone);
    await lab.staysLeaderless();

    await lab.connect(lone);
    await lab.leader({ otherThan: [together.id] });
    await lab.connect(together.id);
    await lab.settled();
  },
};

/**
 * Seven nodes of which any three vanish, again and again: the four that are left must have a leader each time,
 * whether the old one is among them or not. (Six rounds; the lab has nine.)
 */
export const manyElections: Scenario = {
  name: 'ManyElections',
  options: { nodes: 7 },
  async play(world) {
    const lab = new Laboratory(world);
    await lab.leader();
    for (let round = 1; round <= 6; round++) {
      const lost = [0, 1, 2].map(() => world.random.below(lab.ids.length));
      await lab.disconnect(...lost);
      await lab.leader();
      await lab.connect(...lost);
    }
    await lab.settled();
  },
};
