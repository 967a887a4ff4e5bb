import type { SimulatedHost } from '../world/simulated-host.js';
import type { World } from '../world/world.js';
import type { Episodes, Scene } from './fault.js';

/** A crash comes before one of the next so many effects, so that it falls between any two of them. */
const effectsMax = 60;

/** What goes wrong with nodes and their clocks. */
export const nodeFaults: Episodes = {
  crashes: (scene) => crashSome(scene, false),
  powerLosses: (scene) => crashSome(scene, true),
  pauses: ({ world, random }) => {
    const host = someHost(world, random);
    const clockStands = random.chance(0.5);
    world.trace.event(host.id, 'pause', 0, clockStands ? 1 : 0);
    const wake = host.pause(clockStands);
    return () => {
      world.trace.event(host.id, 'wake');
      wake();
    };
  },
  stops: ({ world, random }) => {
    const host = someHost(world, random);
    world.trace.event(host.id, 'stop');
    host.stop();
    return () => {
      world.trace.event(host.id, 'revive');
      host.revive();
    };
  },
  candidacy: ({ world, random }) => {
    const host = someHost(world, random);
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
  drift: ({ world, random, degree }) => {
    const host = someHost(world, random);
    host.setClockRate(1 + (random.next() - 0.5) * 0.6 * degree);
    return () => host.setClockRate(1);
  },
  jumps: ({ world, random, degree }) => {
    someHost(world, random).life?.clock.jump(random.next() ** 2 * 3000 * degree);
    return undefined;
  },
};

function crashSome({ world, random, degree }: Scene, powerFails: boolean): undefined {
  // Now and then the lights go out for everybody.
  if (random.chance(0.15 * degree)) {
    for (const host of world.hosts) host.crash(powerFails);
  } else if (random.chance(0.5)) someHost(world, random).crashWithin(random.below(8), powerFails, true);
  else someHost(world, random).crashWithin(random.below(effectsMax), powerFails);
  return undefined;
}

/** Leaders suffer more often than their share. */
export function someHost(world: World, random: Scene['random']): SimulatedHost {
  const leader = world.hosts.find((host) => host.actor?.replica.leaderId === host.id);
  if (leader !== undefined && random.chance(0.3)) return leader;
  return world.hosts[random.below(world.hosts.length)] as SimulatedHost;
}
