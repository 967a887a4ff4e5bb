import { expect } from 'chai';
import type { NodeId } from '../../src/raft/entry.js';
import { electionTimeoutMs, Laboratory } from './laboratory.js';
import { inCalm, throughout, Unsettled, until } from './waiting.js';
import type { Scenario } from './world.js';

/* Links that fail in one direction, or between some nodes only: what no test that unplugs a node can show. */

/**
 * A leader that is heard by all and hears nobody keeps its followers quiet with heartbeats and commits nothing:
 * without the check of its quorum the cluster would stand still for ever. It must give up; the others must find
 * a leader; and its own cries for votes, which everybody still hears, must not unseat that one.
 */
export const leaderThatCannotHear: Scenario = {
  name: 'a leader that can send but not hear',
  options: { nodes: 5, leader: 0 },
  async play(world) {
    const lab = new Laboratory(world);
    const deaf = (await lab.settled()).id;
    for (const id of lab.others(deaf)) await world.cut(id, deaf);
    await lab.leader({ otherThan: [deaf] });
    await until(world, 'the deaf leader to give up', async () => (await lab.info(deaf)).role !== 'leader');
    await calmWithout(lab, deaf);
    await lab.one(4);
    for (const id of lab.others(deaf)) await world.mend(id, deaf);
    await lab.settled();
    await lab.one(5);
    await lab.converged();
  },
};

/**
 * A leader that hears everybody and is heard by nobody. Its followers elect another, of which it learns at once,
 * since it hears: it must step down, although it cannot answer, and must not keep its clients waiting.
 */
export const leaderThatCannotSend: Scenario = {
  name: 'a leader that can hear but not send',
  options: { nodes: 5, leader: 0 },
  async play(world) {
    const lab = new Laboratory(world);
    const mute = (await lab.settled()).id;
    for (const id of lab.others(mute)) await world.cut(mute, id);
    await lab.leader({ otherThan: [mute] });
    await until(world, 'the mute node to follow the new leader', async () => {
      const node = await lab.info(mute);
      const leader = (await lab.infos()).find((other) => other.role === 'leader' && other.id !== mute);
      return node.role === 'follower' && node.leaderId === leader?.id && node.term === leader.term;
    });
    await calmWithout(lab, mute);
    await lab.one(4);
    for (const id of lab.others(mute)) await world.mend(mute, id);
    await lab.one(5);
    await lab.converged();
  },
};

/**
 * A node alone in its part of a partition hears no leader and would stand for election after election. Back
 * with the others, its high term would depose a leader that works. So it asks first whether it could win (thesis
 * §9.6): alone its term must stay, and its return must leave leader and term as they are.
 */
export const returnFromPartition: Scenario = {
  name: 'a node that comes back from a partition does not disturb a working leader',
  options: { nodes: 5 },
  async play(world) {
    const lab = new Laboratory(world);
    await inCalm(async () => {
      const leader = await lab.settled();
      const lone = lab.after(leader.id);
      await world.partition([[lone]]);
      const { term } = await until(world, 'the lone node to miss its leader', async () => {
        const node = await lab.info(lone);
        return node.leaderId === null && node;
      });
      await throughout(world, 4 * electionTimeoutMs, async () => {
        expect((await lab.info(lone)).term, 'the term of a node alone').to.equal(term);
      });
      const missed = await lab.one(4);
      const before = await lab.leader();
      await world.heal();
      await lab.applied(missed, 5);
      const after = await lab.settled();
      if (after.term !== before.term) throw new Unsettled('The term changed when the node came back.');
      expect(after.id).to.equal(before.id);
    });
    await lab.one(5);
    await lab.converged();
  },
};

/**
 * Two halves that hear each other only through one node between them. That node hears a leader in one half and
 * pleas for votes from the other. As long as it hears the leader it must refuse them, or the halves would depose
 * each other in turn for ever. The leader and the bridge make a majority with one more: work goes on.
 */
export const bridge: Scenario = {
  name: 'a bridge between two halves',
  options: { nodes: 5, leader: 0 },
  async play(world) {
    const lab = new Laboratory(world);
    await inCalm(async () => {
      const leader = await lab.settled();
      // The leader and its neighbour, the bridge, and two that hear only the bridge and each other.
      const near = [leader.id, lab.after(leader.id, 1)];
      const far = [lab.after(leader.id, 3), lab.after(leader.id, 4)];
      const pairs = near.flatMap((one) => far.map((other) => [one, other] as const));
      for (const [one, other] of pairs) await Promise.all([world.cut(one, other), world.cut(other, one)]);
      try {
        await until(world, 'the far half to miss the leader', async () =>
          (await lab.infos()).every((node) => !far.includes(node.id) || node.leaderId === null),
        );
        const agreed = await lab.one(3);
        await throughout(world, 5 * electionTimeoutMs, async () => {
          const { role, term } = await lab.info(leader.id);
          if (role !== 'leader' || term !== leader.term)
            throw new Unsettled('The far half deposed the leader.');
        });
        await lab.one(3);
        for (const id of far) expect((await lab.info(id)).height).to.be.below(agreed);
      } finally {
        for (const [one, other] of pairs) await Promise.all([world.mend(one, other), world.mend(other, one)]);
      }
      await lab.one(5);
    });
    await lab.converged();
  },
};

/** Holds that all nodes but one keep leader and term for several election timeouts, whatever that one does. */
async function calmWithout(lab: Laboratory, outcast: NodeId): Promise<void> {
  await inCalm(async () => {
    const leader = await lab.leader({ otherThan: [outcast] });
    await throughout(lab.world, 4 * electionTimeoutMs, async () => {
      const { role, term } = await lab.info(leader.id);
      if (role !== 'leader' || term !== leader.term) throw new Unsettled('The outcast deposed the leader.');
    });
  });
}
