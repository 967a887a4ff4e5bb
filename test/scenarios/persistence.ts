import { expect } from 'chai';
import { electionTimeoutMs, fingerprint, Laboratory } from './laboratory.js';
import type { Scenario } from './world.js';

/* Crashes: the node is gone with all that it had not written, and comes back from its disk. */

/**
 * Everything that was agreed on must outlive a crash of all nodes at once, and of the leader, and of followers
 * that miss something while they are away.
 */
export const persist1: Scenario = {
  name: 'Persist1',
  options: { nodes: 3, disks: true },
  async play(world) {
    const lab = new Laboratory(world);
    const commands = Array.from({ length: 6 }, () => lab.command());
    const agree = (n: number, nodes: number) => lab.one(nodes, commands[n]);

    await agree(0, 3);
    const { term } = await lab.settled();
    await Promise.all(lab.ids.map((id) => world.crash(id)));
    await lab.restartAll(lab.ids);
    const reborn = await lab.settled();
    expect(reborn.term, 'a term must not be used twice').to.be.greaterThan(term);
    await agree(1, 3);

    await world.crash(reborn.id);
    await world.restart(reborn.id);
    await agree(2, 3);

    const leader = await lab.settled();
    await world.crash(leader.id);
    const missed = await agree(3, 2);
    await world.restart(leader.id);
    await lab.applied(missed, 3);

    const follower = lab.after((await lab.settled()).id);
    await world.crash(follower);
    await agree(4, 2);
    await world.restart(follower);
    await agree(5, 3);

    const log = (await lab.converged()).map((entry) => fingerprint(entry.command));
    const kept = commands.map((command) => log.indexOf(fingerprint(command)));
    expect(Math.min(...kept), 'every agreed command is in the log').to.be.at.least(1);
    expect(kept, 'in the order of their agreement').to.deep.equal([...kept].sort((a, b) => a - b));
  },
};

/**
 * The majority that agrees changes every time, and the one node that the old and the new majority share has just
 * come back from its disk. If it forgot anything, nobody else can tell. (Three rounds; the lab has five.)
 */
export const persist2: Scenario = {
  name: 'Persist2',
  options: { nodes: 5, disks: true },
  async play(world) {
    const lab = new Laboratory(world);
    const agreed: Uint8Array[] = [];
    const agree = async (nodes: number) => {
      const command = lab.command();
      await lab.one(nodes, command);
      agreed.push(command);
    };
    for (let round = 1; round <= 3; round++) {
      await agree(5);
      const { id } = await lab.settled();
      const [a, b, c, d] = [1, 2, 3, 4].map((steps) => lab.after(id, steps)) as [
        number,
        number,
        number,
        number,
      ];
      await Promise.all([world.crash(a), world.crash(b)]);
      await agree(3);
      await Promise.all([world.crash(id), world.crash(c), world.crash(d)]);
      await lab.restartAll([a, b]);
      // Two of five, and neither has the last command: they must not get anywhere.
      await lab.staysLeaderless();
      await world.restart(c);
      await agree(3);
      await lab.restartAll([d, id]);
    }
    await agree(5);
    const log = new Set((await lab.converged()).map((entry) => fingerprint(entry.command)));
    for (const command of agreed) expect(log.has(fingerprint(command)), fingerprint(command)).to.equal(true);
  },
};

/**
 * Two of three crash, the leader among them; the third, cut off before, has missed the last command. When the
 * leader comes back to meet it, the leader's disk alone knows that command, and it must win.
 */
export const persist3: Scenario = {
  name: 'Persist3',
  options: { nodes: 3, disks: true },
  async play(world) {
    const lab = new Laboratory(world);
    await lab.one(3);
    const { id } = await lab.settled();
    const [near, far] = [lab.after(id, 1), lab.after(id, 2)];
    await lab.disconnect(far);
    const only = lab.command();
    const index = await lab.one(2, only);
    await Promise.all([world.crash(id), world.crash(near)]);
    await lab.connect(far);
    await world.restart(id);
    expect((await lab.leader()).id, 'the only node that has every agreed command').to.equal(id);
    await lab.one(2);
    expect(await lab.applied(index, 2)).to.equal(fingerprint(only));
    await world.restart(near);
    await lab.one(3);
    await lab.converged();
    // Long enough to see that nobody is out of step and stands for election.
    await world.sleep(electionTimeoutMs);
    await lab.settled();
  },
};
