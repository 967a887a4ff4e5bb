import { expect } from 'chai';
import type { NodeId } from '../../src/raft/entry.js';
import { fingerprint, isAlive, Laboratory, reliable, unreliable } from './laboratory.js';
import type { Scenario, World } from './world.js';

/* Logs that are given up behind snapshots, after the lab's part on log compaction. */

/** Entries from one snapshot to the next. The lab has as many. */
const snapshotEvery = 10;
/** More than lie between two kept snapshots and what a log has besides: one that is longer is not given up. */
const logLengthMax = 12 * snapshotEvery;

const options = { nodes: 3, disks: true, snapshotEvery };

/**
 * Commands, and snapshots of what they did. A node that takes snapshots and does not give up its log behind them grows
 * until it ends; one that gives up more than its snapshot holds, or counts entries from the log's beginning instead of
 * the first, applies the wrong ones.
 */
export const snapshotBasic: Scenario = {
  name: 'SnapshotBasic',
  options,
  async play(world) {
    const lab = new Laboratory(world);
    await agreeOn(lab, 4 * snapshotEvery, 3);
    await lab.converged();
    await expectShortLogs(lab);
    for (const node of await lab.infos()) expect(node.snapshotIndex).to.be.at.least(3 * snapshotEvery);
  },
};

/**
 * A node off the network misses more than the others keep. A leader that goes back entry by entry for it finds nothing
 * to send, and waits for ever or dies; a follower that takes the snapshot and keeps its own log beside it has a gap.
 */
export const snapshotInstall: Scenario = {
  name: 'SnapshotInstall',
  options,
  play: (world) => missEntries(world, 'cut off'),
};

/**
 * The same over a network that loses and reorders: chunks come late, twice and out of turn, and so do answers. A
 * follower that takes a late one of an older snapshot goes back to a state that it had left.
 */
export const snapshotInstallUnreliable: Scenario = {
  name: 'SnapshotInstallUnreliable',
  options: { ...options, link: unreliable },
  play: (world) => missEntries(world, 'cut off'),
};

/**
 * The one that misses entries has crashed, and starts from its own snapshot before it is sent another. One that believes
 * its log's first index to be 1 then, or forgets which entries its state has, applies some twice or not at all.
 */
export const snapshotInstallCrash: Scenario = {
  name: 'SnapshotInstallCrash',
  options,
  play: (world) => missEntries(world, 'crashed'),
};

/** Both: a crash in the middle of a transfer leaves a part of a snapshot on disk, which nobody may take for one. */
export const snapshotInstallUnCrash: Scenario = {
  name: 'SnapshotInstallUnCrash',
  options: { ...options, link: unreliable },
  play: (world) => missEntries(world, 'crashed'),
};

/**
 * All crash at once, again and again, with and without entries after their snapshots. A snapshot that is not durable
 * when the log before it is given up is missed now.
 */
export const snapshotAllCrash: Scenario = {
  name: 'SnapshotAllCrash',
  options,
  async play(world) {
    const lab = new Laboratory(world);
    let last = await lab.one(3);
    for (let round = 1; round <= 3; round++) {
      await agreeOn(lab, snapshotEvery / 2 + world.random.below(snapshotEvery), 3);
      const before = await lab.one(3);
      expect(before, 'entries are lost').to.be.greaterThan(last);
      await Promise.all(lab.ids.map((id) => world.crash(id)));
      await lab.restartAll(lab.ids);
      last = await lab.one(3);
      expect(last, 'entries are lost with a crash').to.be.greaterThan(before);
    }
    await lab.converged();
  },
};

/**
 * A restart from a snapshot, too few entries for another, and a second restart. One that takes the state from the
 * snapshot and does not put the snapshot back in its place has nothing for the second time.
 */
export const snapshotInit: Scenario = {
  name: 'SnapshotInit',
  options,
  async play(world) {
    const lab = new Laboratory(world);
    await agreeOn(lab, 2 * snapshotEvery + 1, 3);
    const commands = [];
    for (let round = 1; round <= 3; round++) {
      await Promise.all(lab.ids.map((id) => world.crash(id)));
      await lab.restartAll(lab.ids);
      const command = lab.command();
      commands.push(fingerprint(command));
      await lab.one(3, command);
    }
    const log = (await lab.converged()).map((entry) => fingerprint(entry.command));
    for (const command of commands) expect(log, 'what was agreed on after a restart').to.include(command);
    const [first] = await lab.infos();
    expect(first?.snapshotIndex).to.be.at.least(snapshotEvery);
  },
};

/** One after the other misses more than the rest keep, the leader among them, and comes back. */
async function missEntries(world: World, how: 'cut off' | 'crashed'): Promise<void> {
  const lab = new Laboratory(world);
  await lab.one(3);
  for (let round = 1; round <= 3; round++) {
    const { id: leader } = await lab.leader();
    const victim: NodeId = round === 2 ? leader : lab.after(leader);
    if (how === 'crashed') await world.crash(victim);
    else await lab.disconnect(victim);
    await agreeOn(lab, 5 * snapshotEvery, 2);
    if (how === 'crashed') await world.restart(victim);
    else await lab.connect(victim);
    await lab.one(3);
  }
  await world.setLink(reliable);
  await lab.one(3);
  await lab.converged();
  await expectShortLogs(lab);
}

async function agreeOn(lab: Laboratory, commands: number, nodes: number): Promise<void> {
  const together = 10;
  for (let done = 0; done < commands; done += together) {
    await Promise.all(Array.from({ length: together }, () => lab.one(nodes, lab.command(200))));
  }
}

async function expectShortLogs(lab: Laboratory): Promise<void> {
  for (const { id, firstIndex, lastIndex } of (await lab.infos()).filter(isAlive)) {
    expect(lastIndex - firstIndex, `entries that node ${id} keeps`).to.be.at.most(logLengthMax);
    expect(firstIndex, `the first that node ${id} has`).to.be.above(1);
  }
}
