import type { SimulatedHost } from '../world/simulated-host.js';
import type { World } from '../world/world.js';
import type { Episodes, Scene } from './fault.js';

/** A crash comes before one of the next so many effects, so that it falls between any two of them. */
const effectsMax = 60;

/** What goes wrong with nodes and their clocks. */
export const nodeFaults: Episodes = {
  crashes: (scene) => crashSome(scene, false),
  powerLosses: (scene) => crashSome(scene, true),
  pauses: (scene) => {
    const { world, random } = scene;
    const host = struckHost(scene);
    const clockStands = random.chance(0.5) && !world.hasLeases;
    world.trace.event(host.id, 'pause', 0, clockStands ? 1 : 0);
    const wake = host.pause(clockStands);
    return () => {
      world.trace.event(host.id, 'wake');
      wake();
    };
  },
  stops: (scene) => {
    const { world } = scene;
    const host = struckHost(scene);
    world.trace.event(host.id, 'stop');
    host.stop();
    return () => {
      world.trace.event(host.id, 'revive');
      host.revive();
    };
  },
  candidacy: (scene) => {
    const { world, random } = scene;
    const host = struckHost(scene);
    if (random.chance(0.5)) {
      host.campaign();
      return undefined;
    }
    world.trace.event(host.id, 'candidacy', 0);
    host.setCandidacy(false);
    return () => {
      world.trace.event(host.id, 'candidacy', 1);
      host.setCandidacy(true);
    };
  },
  slowApplications: ({ world, random, degree, strikes }) => {
    strikes('all nodes');
    const applyMs = random.next() ** 2 * 30 * degree;
    // It is felt most where a whole log is to be applied, before anybody serves.
    const startsAnew = random.chance(0.4);
    for (const host of world.hosts) {
      host.setApplyMs(applyMs);
      if (startsAnew) host.crash(false);
    }
    return () => {
      for (const host of world.hosts) host.setApplyMs(0);
    };
  },
  drift: (scene) => {
    const { random, degree } = scene;
    const host = struckHost(scene);
    host.setClockRate(1 + (random.next() - 0.5) * 0.6 * degree);
    return () => host.setClockRate(1);
  },
  jumps: (scene) => {
    const { world, random, degree } = scene;
    const host = struckHost(scene);
    const aheadMs = random.next() ** 2 * 3000 * degree;
    if (!world.hasLeases) host.life?.clock.jump(aheadMs);
    return undefined;
  },
};

function crashSome(scene: Scene, powerFails: boolean): undefined {
  const { world, random, degree, strikes } = scene;
  // Now and then the lights go out for everybody.
  if (random.chance(0.15 * degree)) {
    strikes('all nodes');
    for (const host of world.hosts) host.crash(powerFails);
  } else if (random.chance(0.5)) struckHost(scene).crashWithin(random.below(8), powerFails, true);
  else struckHost(scene).crashWithin(random.below(effectsMax), powerFails);
  return undefined;
}

/** Some host, which is said to be struck. */
export function struckHost({ world, random, strikes }: Scene): SimulatedHost {
  const host = someHost(world, random);
  strikes(`node ${host.id}`);
  return host;
}

/** Leaders suffer more often than their share. */
export function someHost(world: World, random: Scene['random']): SimulatedHost {
  const leader = world.hosts.find((host) => host.actor?.replica.leaderId === host.id);
  if (leader !== undefined && random.chance(0.3)) return leader;
  return world.hosts[random.below(world.hosts.length)] as SimulatedHost;
}
