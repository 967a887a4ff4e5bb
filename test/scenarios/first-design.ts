import { expect } from 'chai';
import type { NodeInformation } from '../../src/node/information.js';
import type { LogIndex } from '../../src/raft/entry.js';
import { isAlive, Laboratory, type Leader } from './laboratory.js';
import { inCalm, Unsettled, until } from './waiting.js';
import type { Scenario } from './world.js';

/* The five tests of the first design: five nodes, of which node 0 leads at first. */

/**
 * The chain's operator says who may lead. When the leader goes and a single candidate is left, that one must win,
 * however many others would like to; and its term must be a new one, or the old leader's word would still count.
 */
export const leaderStopElection: Scenario = {
  name: 'leader stops, one candidate is left',
  options: { nodes: 5, leader: 0, candidates: [0, 2] },
  async play(world) {
    const lab = new Laboratory(world);
    const first = await firstLeader(lab);
    await world.stop(0);
    const next = await lab.leader({ otherThan: [0] });
    expect(next.id, 'the only candidate').to.equal(2);
    expect(next.term).to.be.greaterThan(first.term);
    expect(await lab.settled()).to.deep.equal(next);
    await lab.one(4);
  },
};

/**
 * Leaders fall one after the other. Each time the remaining nodes, all of them candidates, must find one of
 * themselves, in a higher term, and as long as three of five are left they must go on working.
 */
export const leaderStopElection2: Scenario = {
  name: 'leader stops, then the next, with several candidates',
  options: { nodes: 5, leader: 0 },
  async play(world) {
    const lab = new Laboratory(world);
    const first = await firstLeader(lab);
    await world.stop(0);
    const second = await lab.leader({ otherThan: [0] });
    expect(second.term).to.be.greaterThan(first.term);
    await lab.one(4);
    // Whoever leads now: on a machine that pauses it need not be the one just seen.
    const fallen = await lab.settled();
    await world.stop(fallen.id);
    const third = await lab.leader({ otherThan: [0, fallen.id] });
    expect(third.term).to.be.greaterThan(fallen.term);
    await lab.one(3);
  },
};

/**
 * A leader that dies still believes in its term when it comes back. It must find the new leader, take over the
 * new term, serve as a follower, and get what it missed.
 */
export const node0Revive: Scenario = {
  name: 'node 0 revives as a follower of the new leader',
  options: { nodes: 5, leader: 0 },
  async play(world) {
    const lab = new Laboratory(world);
    const first = await firstLeader(lab);
    await world.stop(0);
    expect((await lab.info(0)).role).to.equal('dead');
    await lab.leader({ otherThan: [0] });
    const missed = await lab.one(4);
    await world.revive(0);
    const leader = await lab.settled();
    const revived = await lab.info(0);
    expect(leader.term).to.be.greaterThan(first.term);
    expect(revived.term).to.be.at.least(leader.term);
    await lab.applied(missed, 5);
    await lab.converged();
    await inCalm(async () => {
      const now = await lab.settled();
      const node = await lab.info(0);
      if (node.term !== now.term) throw new Unsettled('The term changed between two looks.');
      // Only an election after its return, on a machine that pauses, can have put it in office again.
      expect(node.role).to.equal(now.id === 0 ? 'leader' : 'follower');
      expect(node.leaderId).to.equal(now.id);
    });
  },
};

/**
 * Everybody shows whom it believes alive. When nodes 0 and 1 die, they must vanish from the lists of the leader
 * and of every follower; when they return, they must appear on all of them again, and on their own lists the
 * others, with the term, the height and the leader of the rest.
 */
export const node1Revive: Scenario = {
  name: 'nodes 0 and 1 die and revive, and the lists of peers follow',
  options: { nodes: 5, leader: 0 },
  async play(world) {
    const lab = new Laboratory(world);
    await firstLeader(lab);
    await peersAre(lab, [0, 1, 2, 3, 4]);
    await Promise.all([world.stop(0), world.stop(1)]);
    await lab.leader({ otherThan: [0, 1] });
    await peersAre(lab, [2, 3, 4]);
    const missed = await lab.one(3);
    for (const id of [0, 1]) expect((await lab.info(id)).height).to.be.below(missed);
    await Promise.all([world.revive(0), world.revive(1)]);
    await peersAre(lab, [0, 1, 2, 3, 4]);
    await lab.applied(missed, 5);
    await lab.settled();
    await lab.converged();
  },
};

const blockIntervalMs = 100;

/**
 * The chain grows by about ten blocks a second: under a steady leader without a change of term, under its
 * successor when two of five die, and the revived catch up with what was produced without them. A block that is
 * lost or made twice on the way would show as another pace.
 */
export const blockHeight: Scenario = {
  name: 'block height over time',
  options: { nodes: 5, leader: 0, blockIntervalMs },
  async play(world) {
    const lab = new Laboratory(world);
    await firstLeader(lab);
    await inCalm(async () => {
      const before = await lab.settled();
      await growsAtPace(lab, 15);
      const after = await lab.settled();
      if (after.term !== before.term) throw new Unsettled('The leader changed while blocks were counted.');
    });
    const { id: old, term } = await lab.settled();
    await Promise.all([world.stop(old), world.stop(lab.after(old))]);
    const next = await lab.leader({ otherThan: [old, lab.after(old)] });
    expect(next.term).to.be.greaterThan(term);
    await inCalm(async () => {
      const before = await lab.settled();
      await growsAtPace(lab, 10);
      const after = await lab.settled();
      if (after.term !== before.term) throw new Unsettled('The leader changed while blocks were counted.');
    });
    const missed = (await lab.info((await lab.settled()).id)).height;
    await Promise.all([world.revive(old), world.revive(lab.after(old))]);
    await lab.applied(missed + 5, 5);
    await lab.settled();
    await world.produceBlocks('off');
    await lab.converged();
  },
};

async function firstLeader(lab: Laboratory): Promise<Leader> {
  const leader = await lab.settled();
  expect(leader.id, 'the first leader').to.equal(0);
  return leader;
}

/** Waits until each of `alive` believes exactly the others of them alive, and all agree on leader and term. */
async function peersAre(lab: Laboratory, alive: readonly number[]): Promise<void> {
  await until(lab.world, `the living to believe ${alive} alive`, async () => {
    const living = (await lab.infos()).filter(isAlive);
    return living.length === alive.length && living.every((node) => believes(node, alive)) && agree(living);
  });
}

function believes(node: NodeInformation, alive: readonly number[]): boolean {
  return String(node.peers) === String(alive.filter((id) => id !== node.id));
}

function agree(nodes: readonly NodeInformation[]): boolean {
  const leader = nodes.find((node) => node.role === 'leader');
  return nodes.every((node) => node.leaderId === leader?.id && node.term === leader?.term);
}

/**
 * Waits for so many blocks on the leader and holds that they came at about the set pace. A busy machine may
 * hold a timer up, so slowness has more room than haste, which nothing excuses.
 */
async function growsAtPace(lab: Laboratory, blocks: number): Promise<void> {
  const { world } = lab;
  const start = { ms: world.now(), height: await highest(lab) };
  await until(world, `${blocks} blocks`, async () => (await highest(lab)) >= start.height + blocks);
  const perSecond = (((await highest(lab)) - start.height) * 1000) / (world.now() - start.ms);
  const pace = 1000 / blockIntervalMs;
  expect(perSecond, 'blocks a second').to.be.within(pace * 0.4, pace * 1.25);
}

async function highest(lab: Laboratory): Promise<LogIndex> {
  return Math.max(...(await lab.infos()).filter(isAlive).map((node) => node.height));
}
