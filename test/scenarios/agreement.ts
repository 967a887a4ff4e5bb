import { expect } from 'chai';
import type { NodeId } from '../../src/raft/entry.js';
import { electionTimeoutMs, fingerprint, Laboratory } from './laboratory.js';
import { heartbeatFrames, look } from './traffic.js';
import { inCalm, throughout, Unsettled } from './waiting.js';
import type { Scenario, Started } from './world.js';

/** Raft as in the paper, without what the thesis adds: a leader without a majority stays in office. */
const plainRaft = { preVote: false, checkQuorum: false } as const;

/**
 * Commands that are handed in one by one stand in the log one after the other, each is applied by all, and
 * nothing is applied before it was handed in.
 */
export const basicAgree: Scenario = {
  name: 'BasicAgree',
  options: { nodes: 3 },
  async play(world) {
    const lab = new Laboratory(world);
    await inCalm(async () => {
      const { term } = await lab.settled();
      let last = await lab.one(3);
      for (let round = 1; round <= 3; round++) {
        expect((await lab.committed(last + 1)).nodes, 'nodes that applied what nobody handed in').to.equal(0);
        const index = await lab.one(3);
        if ((await lab.settled()).term !== term)
          throw new Unsettled('A new term has a first entry of its own.');
        expect(index).to.equal(last + 1);
        last = index;
      }
    });
    await lab.converged();
  },
};

/**
 * A cluster loses its followers one at a time. With one left there is a majority; with none the leader may take
 * a command, but nobody may ever apply it.
 */
export const followerFailure: Scenario = {
  name: 'FollowerFailure',
  options: { nodes: 3, ...plainRaft },
  async play(world) {
    const lab = new Laboratory(world);
    await lab.one(3);
    const lost = lab.after((await lab.settled()).id);
    await lab.disconnect(lost);
    await lab.one(2);
    const leader = await lab.leader();
    await lab.disconnect(...lab.others(leader.id));
    const { index } = await lab.startAt(leader.id);
    await staysUncommitted(lab, index);
  },
};

/**
 * A cluster loses its leaders one at a time. The first is replaced; after the second no majority is left, and
 * what any node takes stays uncommitted.
 */
export const leaderFailure: Scenario = {
  name: 'LeaderFailure',
  options: { nodes: 3, ...plainRaft },
  async play(world) {
    const lab = new Laboratory(world);
    await lab.one(3);
    const first = await lab.settled();
    await lab.disconnect(first.id);
    await lab.leader({ otherThan: [first.id] });
    await lab.one(2);
    const second = await lab.leader({ otherThan: [first.id] });
    await lab.disconnect(second.id);
    const taken = await Promise.all(lab.ids.map((id) => world.start(id, lab.command())));
    const doomed = taken.filter((place): place is Started => place !== null && place.term === second.term);
    expect(doomed.length, 'commands that the last leader took').to.be.at.least(1);
    for (const { index } of doomed) await staysUncommitted(lab, index);
  },
};

/** A minority's absence must not be felt while it lasts; when it ends, the absent get all they missed. */
export const failAgree: Scenario = {
  name: 'FailAgree',
  options: { nodes: 3 },
  async play(world) {
    const lab = new Laboratory(world);
    await lab.one(3);
    const lost = lab.after((await lab.settled()).id);
    await lab.disconnect(lost);
    await lab.one(2);
    await lab.one(2);
    // Long enough for the absent node to have stood for election, if it did.
    await world.sleep(3 * electionTimeoutMs);
    await lab.one(2);
    await lab.one(2);
    await lab.connect(lost);
    await lab.one(3);
    await lab.settled();
    await lab.one(3);
    await lab.converged();
  },
};

/**
 * Three of five followers go. What the leader takes now must not be applied by anyone, however long it waits.
 * When they return, that command may be kept or forgotten, and the next one finds its place after it or in it.
 */
export const failNoAgree: Scenario = {
  name: 'FailNoAgree',
  options: { nodes: 5, ...plainRaft },
  async play(world) {
    const lab = new Laboratory(world);
    await lab.one(5);
    const leader = await lab.settled();
    const lost = [1, 2, 3].map((steps) => lab.after(leader.id, steps));
    await lab.disconnect(...lost);
    const doomed = await lab.startAt(leader.id);
    await staysUncommitted(lab, doomed.index);
    await lab.connect(...lost);
    const next = await lab.one(5);
    expect(next).to.be.at.least(doomed.index);
    await lab.converged();
  },
};

/**
 * Clients do not queue up. Commands handed in at the same moment must each get a place of their own, and all of
 * them must be applied, none lost among the others.
 */
export const concurrentStarts: Scenario = {
  name: 'ConcurrentStarts',
  options: { nodes: 3 },
  async play(world) {
    const lab = new Laboratory(world);
    await inCalm(async () => {
      const leader = await lab.settled();
      const commands = Array.from({ length: 5 }, () => lab.command());
      const started = await Promise.all(commands.map((command) => world.start(leader.id, command)));
      const places = started.filter((place): place is Started => place !== null);
      const sameTerm = places.every((place) => place.term === leader.term);
      if (places.length < commands.length || !sameTerm) throw new Unsettled('The leader lost its office.');
      expect(new Set(places.map((place) => place.index)).size).to.equal(commands.length);
      const applied = await Promise.all(places.map((place) => lab.applied(place.index)));
      if ((await lab.settled()).term !== leader.term) throw new Unsettled('The leader lost its office.');
      expect(applied).to.deep.equal(commands.map(fingerprint));
    });
  },
};

/**
 * A leader cut off with commands that only it has must give them up when it returns: others have been agreed on
 * at their places. And it must do so even if the leader it returns to is a third one. Without the check of its
 * quorum here, so that it stays in office and its log diverges for certain.
 */
export const rejoin: Scenario = {
  name: 'Rejoin',
  options: { nodes: 3, ...plainRaft },
  async play(world) {
    const lab = new Laboratory(world);
    await lab.one(3);
    const first = await lab.settled();
    await lab.disconnect(first.id);
    const doomed = await startMany(lab, first.id, 3);
    await lab.leader({ otherThan: [first.id] });
    await lab.one(2);
    const second = await lab.leader({ otherThan: [first.id] });
    await lab.disconnect(second.id);
    await lab.connect(first.id);
    await lab.one(2);
    await lab.connect(second.id);
    await lab.one(3);
    expectNone(await lab.converged(), doomed);
  },
};

/**
 * The log of a follower can be wrong for a long stretch, and for several terms one after the other. The leader
 * has to find where the two part, and may not take a round trip for every entry. Two minorities each pile up
 * fifty entries that must go, and each time a majority agrees on many others. (Fifty, then
 * twenty; the lab has fifty twice.)
 */
export const backup: Scenario = {
  name: 'Backup',
  options: { nodes: 5, ...plainRaft },
  async play(world) {
    const lab = new Laboratory(world);
    await lab.one(5);
    const first = await lab.settled();
    const partner = lab.after(first.id);
    const rest = lab.others(first.id, partner);

    await lab.disconnect(...rest);
    const doomed = await startMany(lab, first.id, 50);
    await lab.disconnect(first.id, partner);
    await lab.connect(...rest);
    await lab.leader({ otherThan: [first.id, partner] });
    for (let round = 1; round <= 50; round++) await lab.one(3);

    const second = await lab.leader({ otherThan: [first.id, partner] });
    const lone = rest.find((id) => id !== second.id) as NodeId;
    await lab.disconnect(lone);
    const doomedToo = await startMany(lab, second.id, 50);
    await lab.disconnect(...rest);
    const apart = await look(world);
    await lab.connect(first.id, partner, lone);
    await lab.one(3);
    const together = await look(world);
    // Two nodes have 50 entries to give up for 50 others: a round trip for each would take 200 frames and more.
    expect(together.frames - apart.frames).to.be.below(100 + heartbeatFrames(apart, together, 4));
    for (let round = 1; round <= 20; round++) await lab.one(3);

    await lab.connect(...rest);
    await lab.one(5);
    expectNone(await lab.converged(), [...doomed, ...doomedToo]);
  },
};

/** Hands commands to one node at once, which must take them. Returns their fingerprints. */
async function startMany(lab: Laboratory, id: NodeId, count: number): Promise<string[]> {
  const commands = Array.from({ length: count }, () => lab.command());
  await Promise.all(commands.map((command) => lab.startAt(id, command)));
  return commands.map(fingerprint);
}

async function staysUncommitted(lab: Laboratory, index: number): Promise<void> {
  await throughout(lab.world, 3 * electionTimeoutMs, async () => {
    expect((await lab.committed(index)).nodes, 'nodes that applied without a majority').to.equal(0);
  });
}

function expectNone(log: readonly { readonly command: Uint8Array }[], doomed: readonly string[]): void {
  const kept = new Set(log.map((entry) => fingerprint(entry.command)));
  expect(
    doomed.filter((command) => kept.has(command)),
    'commands that no majority ever had',
  ).to.deep.equal([]);
}
