import { expect } from 'chai';
import type { NodeId } from '../../src/raft/entry.js';
import { electionTimeoutMs, fingerprint, Laboratory } from './laboratory.js';
import { throughout, until } from './waiting.js';
import type { Scenario } from './world.js';

/*
 * Members come and go while the cluster serves (§6; thesis §4). Every change here goes to whoever leads, and again to
 * the next one, until somebody has answered it.
 */

/**
 * One becomes three, and three five. Each newcomer has the whole log and counts from then on; one that nobody reaches is
 * given no vote, and costs the others nothing.
 * It would catch: a quorum still counted by the first configuration, a voter that counts before it has the log.
 */
export const grow: Scenario = {
  name: 'Grow',
  options: { nodes: 1, disks: true },
  async play(world) {
    const lab = new Laboratory(world);
    await lab.one(1);
    await world.partition([[0]]);
    expect(await world.addMember(1), 'what came of adding one that is cut off').to.equal('NOT_CAUGHT_UP');
    await lab.one(1);
    await world.heal();
    for (const id of [1, 2, 3, 4]) {
      await done(world.addMember(id));
      await lab.one(id + 1);
    }
    await votersAre(lab, [0, 1, 2, 3, 4]);
    const { id } = await lab.settled();
    const lost = lab.others(id).slice(0, 2);
    await lab.disconnect(...lost);
    await lab.one(3);
    const [third] = lab.others(id, ...lost);
    await lab.disconnect(third as NodeId);
    const started = await world.start(id, lab.command());
    if (started !== null) await neverCommitted(lab, started.index);
    await lab.connect(...lost, third as NodeId);
    await lab.one(5);
    await lab.converged();
  },
};

/**
 * Five become three, and three one, which then decides alone.
 * It would catch: a leader that goes on waiting for those who have left.
 */
export const shrink: Scenario = {
  name: 'Shrink',
  options: { nodes: 5, disks: true },
  async play(world) {
    const lab = new Laboratory(world);
    await lab.one(5);
    for (let left = 4; left >= 1; left--) {
      const { id } = await lab.leader();
      await done(world.removeMember(lab.others(id)[0] as NodeId));
      expect(world.ids.length).to.equal(left);
      await lab.one(left);
    }
    await votersAre(lab, world.ids);
    await lab.converged();
  },
};

/**
 * Every member is replaced while a client writes without a pause; what it was told was applied is in the log of those
 * who are members in the end, once.
 * It would catch: a command lost or repeated when leadership goes on with the members, a configuration that is in force
 * when it is applied instead of when it is appended.
 */
export const replaceAll: Scenario = {
  name: 'ReplaceEveryMember',
  options: { nodes: 3, disks: true },
  async play(world) {
    const lab = new Laboratory(world);
    await lab.one(3);
    let over = false;
    const told: Uint8Array[] = [];
    const client = (async () => {
      while (!over) {
        const command = lab.command();
        if (typeof (await world.propose(command)) !== 'string') told.push(command);
      }
    })();
    for (const id of [0, 1, 2]) await done(world.replaceMember(id, id + 3));
    over = true;
    await client;
    await votersAre(lab, [3, 4, 5]);
    await lab.one(3);
    const log = (await lab.converged()).map(({ command }) => fingerprint(command));
    for (const command of told) {
      const times = log.filter((entry) => entry.endsWith(fingerprint(command))).length;
      expect(times, 'times that an acknowledged command stands in the log').to.equal(1);
    }
    expect(told.length).to.be.above(3);
  },
};

/**
 * The leader itself is removed, and nobody may take over before: it leads until that is committed by the others, all of
 * whom it takes then, without counting itself.
 * It would catch: a removed leader that counts itself.
 */
export const removeLeader: Scenario = {
  name: 'RemoveLeader',
  options: { nodes: 3, disks: true },
  async play(world) {
    const lab = new Laboratory(world);
    await lab.one(3);
    const { id, term } = await lab.leader();
    const [near, far] = lab.others(id) as [NodeId, NodeId];
    for (const other of [near, far]) await world.setCandidacy(other, false);
    await lab.disconnect(far);
    let isOver = false;
    const removal = world.removeMember(id).finally(() => {
      isOver = true;
    });
    await throughout(world, 3 * electionTimeoutMs, async () => {
      expect(isOver, 'is it removed by one of the two?').to.equal(false);
    });
    await lab.connect(far);
    for (const other of [near, far]) await world.setCandidacy(other, true);
    await done(removal);
    const next = await lab.leader({ otherThan: [id] });
    expect(next.term).to.be.above(term);
    await lab.one(2);
    await votersAre(lab, [near, far]);
    await lab.converged();
  },
};

/**
 * Two of four are to go at the same time. The second change waits for the first, or is refused: by any majority of the
 * one and any of the other two leaders could be elected (thesis §4.1).
 * It would catch: two changes in flight at once.
 */
export const twoRemovals: Scenario = {
  name: 'TwoRemovalsAtOnce',
  options: { nodes: 4, disks: true },
  async play(world) {
    const lab = new Laboratory(world);
    await lab.one(4);
    const { id } = await lab.leader();
    const leaving = lab.others(id).slice(0, 2);
    const outcomes = await Promise.all(leaving.map((each) => world.removeMember(each)));
    for (const outcome of outcomes) expect(outcome).to.be.oneOf([null, 'CHANGE_IN_PROGRESS']);
    expect(outcomes).to.include(null);
    await votersAre(lab, world.ids);
    for (const left of world.ids.filter((each) => leaving.includes(each)))
      await done(world.removeMember(left));
    await lab.one(2);
    await votersAre(lab, world.ids);
    await lab.converged();
  },
};

/**
 * A leader that is cut off has a change in its log that nobody else has, and goes by it. The others go on as they are;
 * when it is back, the change goes with the entry that is cut off its log.
 * It would catch: a configuration not rolled back.
 */
export const changeDuringPartition: Scenario = {
  name: 'ChangeDuringPartition',
  // It is to lead on, and to have the change, until it hears of the next.
  options: { nodes: 5, disks: true, preVote: false, checkQuorum: false },
  async play(world) {
    const lab = new Laboratory(world);
    await lab.one(5);
    const { id } = await lab.leader();
    const [first] = lab.others(id) as [NodeId];
    await lab.disconnect(id);
    expect(await world.removeMember(first, electionTimeoutMs / 4)).to.equal('TIMEOUT');
    expect((await lab.info(id)).configuration.voters).not.to.include(first);
    await lab.leader({ otherThan: [id] });
    await lab.one(4);
    await lab.connect(id);
    await lab.one(5);
    await votersAre(lab, world.ids);
    expect(world.ids).to.include(first);
    await done(world.removeMember(first));
    await lab.one(4);
    await votersAre(lab, world.ids);
    await lab.converged();
  },
};

/**
 * The leader dies at ever later moments of a change that takes a joint configuration. Whoever follows it finishes the
 * change or never had it, and the cluster serves in either case.
 * It would catch: an uncommitted configuration ignored by the next leader, a change answered before it is committed, a
 * removed leader that counts itself.
 */
export const crashDuringChange: Scenario = {
  name: 'CrashDuringChange',
  options: { nodes: 3, disks: true },
  async play(world) {
    const lab = new Laboratory(world);
    await lab.one(3);
    for (let step = 0; step < 5; step++) {
      const { id } = await lab.leader();
      const leaves = lab.others(id)[0] as NodeId;
      const comes = 3 + step;
      const change = world.replaceMember(leaves, comes);
      await world.sleep(step * 4);
      await world.crash(id);
      await world.sleep(electionTimeoutMs);
      await world.restart(id);
      await done(change);
      await votersAre(lab, world.ids);
      await lab.one(3);
    }
    await lab.converged();
  },
};

/**
 * A member is removed, its machine gets an empty disk, and it is added again under its number: it gets the log, and
 * counts. (That it keeps no promise of who bore its number before needs a leader that has not heard of it: that is for
 * the simulation, and for one node alone.)
 * It would catch: one that is taken for the member it was and sent the end of the log alone, or never given its vote.
 */
export const wipedNode: Scenario = {
  name: 'WipedNodeReturns',
  options: { nodes: 3, disks: true },
  async play(world) {
    const lab = new Laboratory(world);
    await lab.one(3);
    const { id } = await lab.leader();
    const [wiped, other] = lab.others(id) as [NodeId, NodeId];
    await done(world.removeMember(wiped));
    await lab.one(2);
    await world.wipe(wiped);
    await done(world.addMember(wiped));
    await lab.one(3);
    await lab.disconnect(other);
    await lab.one(2);
    await lab.connect(other);
    await votersAre(lab, world.ids);
    await lab.converged();
  },
};

/**
 * Leadership goes to a follower that lacks entries: it gets them first, and loses none.
 * It would catch: a transfer to a target that lags.
 */
export const transferToLagging: Scenario = {
  name: 'TransferToLagging',
  options: { nodes: 3 },
  async play(world) {
    const lab = new Laboratory(world);
    await lab.one(3);
    const { id } = await lab.settled();
    const target = lab.after(id);
    await world.cut(id, target);
    for (let more = 0; more < 20; more++) await lab.startAt(id);
    const last = (await lab.startAt(id)).index;
    await world.mend(id, target);
    await done(world.transfer(target));
    await lab.leader({ otherThan: lab.others(target) });
    expect((await lab.info(target)).lastLogIndex).to.be.at.least(last);
    await lab.one(3);
    await lab.converged();
  },
};

/**
 * Leadership is to go to a node that is down, and to one that is cut off. Neither takes it; the leader leads on, and
 * takes commands and transfers again.
 * It would catch: a transfer that is never given up.
 */
export const transferInVain: Scenario = {
  name: 'TransferInVain',
  options: { nodes: 3, disks: true },
  async play(world) {
    const lab = new Laboratory(world);
    await lab.one(3);
    const { id } = await lab.settled();
    const target = lab.after(id);
    await world.crash(target);
    expect(await world.transfer(target)).to.be.oneOf(['TRANSFER_FAILED', 'TIMEOUT']);
    await lab.one(2);
    await world.restart(target);
    await lab.one(3);
    const leader = await lab.settled();
    const cutOff = lab.after(leader.id);
    await lab.disconnect(cutOff);
    expect(await world.transfer(cutOff)).to.be.oneOf(['TRANSFER_FAILED', 'TIMEOUT']);
    await lab.one(2);
    await lab.connect(cutOff);
    await lab.one(3);
    const { id: last } = await lab.settled();
    await done(world.transfer(lab.after(last)));
    await lab.one(3);
    await lab.converged();
  },
};

async function done(change: Promise<string | null>): Promise<void> {
  expect(await change, 'what came of a change').to.equal(null);
}

/** By the log of everybody, in the end. */
async function votersAre(lab: Laboratory, voters: readonly NodeId[]): Promise<void> {
  await until(lab.world, `everybody to have the voters ${voters.join(', ')}`, async () => {
    return (await lab.infos()).every(({ configuration }) => {
      const { voters: found, votersOutgoing, learners } = configuration;
      const isSimple = votersOutgoing.length === 0 && learners.length === 0;
      return isSimple && [...found].sort((a, b) => a - b).join() === voters.join();
    });
  });
}

/** Nobody applies what stands there, for several election timeouts. */
async function neverCommitted(lab: Laboratory, index: number): Promise<void> {
  await throughout(lab.world, 3 * electionTimeoutMs, async () => {
    expect((await lab.committed(index)).nodes).to.equal(0);
  });
}
