import { expect } from 'chai';
import { electionTimeoutMs, Laboratory } from './laboratory.js';
import { heartbeatFrames, look } from './traffic.js';
import { inCalm, Unsettled } from './waiting.js';
import type { Scenario, Started } from './world.js';

const nodes = 3;
const followers = nodes - 1;
/** A heartbeat or an append, and its answer. */
const framesPerRound = 2 * followers;
/** What a frame without entries may weigh at most. */
const emptyFrameBytes = 256;

/**
 * Each command crosses the network once for each follower. A leader that sends its log from the start every
 * time, or repeats a command until it is acknowledged, agrees just as well, and is useless.
 */
export const rpcBytes: Scenario = {
  name: 'RPCBytes',
  options: { nodes },
  async play(world) {
    const lab = new Laboratory(world);
    const commands = 10;
    const commandBytes = 5_000;
    await inCalm(async () => {
      await lab.one(nodes);
      const { term } = await lab.settled();
      const before = await look(world);
      for (let n = 1; n <= commands; n++) await lab.one(nodes, lab.command(commandBytes));
      const after = await look(world);
      if ((await lab.settled()).term !== term) throw new Unsettled('An election adds its own bytes.');
      const needed = commands * commandBytes * followers;
      const sent = after.bytes - before.bytes;
      expect(sent).to.be.at.least(needed);
      expect(sent).to.be.below(needed + 25_000 + heartbeatFrames(before, after, followers) * emptyFrameBytes);
    });
  },
};

/**
 * Elections, agreements and silence have a price in messages, and it must not grow unseen: some thirty calls to
 * elect, three or so for each command, and no more than the heartbeats when nothing happens. We count both
 * directions, so our frames are twice the lab's calls, and heartbeats by the time that really passed.
 */
export const count: Scenario = {
  name: 'Count',
  options: { nodes },
  async play(world) {
    const lab = new Laboratory(world);
    const start = { ...(await look(world)), frames: 0 };
    await lab.settled();
    const elected = await look(world);
    expect(elected.frames).to.be.at.least(framesPerRound);
    expect(elected.frames).to.be.below(60 + heartbeatFrames(start, elected, followers));

    await inCalm(async () => {
      const { id, term } = await lab.settled();
      const before = await look(world);
      const started = await Promise.all(Array.from({ length: 10 }, () => world.start(id, lab.command())));
      const places = started.filter((place): place is Started => place?.term === term);
      if (places.length < started.length) throw new Unsettled('The leader lost its office.');
      for (const { index } of places) await lab.applied(index);
      const agreed = await look(world);
      await world.sleep(4 * electionTimeoutMs);
      const idle = await look(world);
      if ((await lab.settled()).term !== term) throw new Unsettled('An election adds its own messages.');
      expect(agreed.frames - before.frames).to.be.below(84 + heartbeatFrames(before, agreed, followers));
      expect(idle.frames - agreed.frames).to.be.below(20 + heartbeatFrames(agreed, idle, followers));
      expect(idle.frames - agreed.frames, 'heartbeats').to.be.at.least(framesPerRound);
    });
  },
};
