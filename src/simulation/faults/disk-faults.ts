import type { Episodes } from './fault.js';
import { someHost } from './node-faults.js';

/** The calls of the disk that make a new segment, of which the last lets its name last. */
const newSegmentEffects = 6;

/** What goes wrong with disks. Torn writes are a trait of a run and no episode. */
export const diskFaults: Episodes = {
  slowDisks: ({ world, random, degree }) => {
    const host = someHost(world, random);
    host.setSyncMs(random.next() ** 2 * 150 * degree);
    return () => host.setSyncMs(world.usualSyncMs);
  },
  stalls: ({ world, random, degree }) => {
    const host = someHost(world, random);
    host.stallDisk(200 + random.next() * 3000 * degree);
    return () => host.endStall();
  },
  bitFlips: ({ world, random }) => {
    // A minority at most, and each of them once: what is lost on a majority is lost.
    const victims = world.hosts.slice(0, (world.hosts.length - 1) >> 1).filter(({ isFlipped }) => !isFlipped);
    const host = victims[random.below(victims.length)];
    if (host === undefined || random.chance(0.7)) return undefined;
    if (host.flipBit()) host.crashWithin(random.below(40), random.chance(0.5));
    return undefined;
  },
  failedWrites: ({ world, random }) => {
    someHost(world, random).disk.faults.failingWrites = 1;
    return undefined;
  },
  failedSyncs: ({ world, random }) => {
    someHost(world, random).disk.faults.failingSyncs = 1;
    return undefined;
  },
  fullDisks: ({ world, random }) => {
    const { faults } = someHost(world, random).disk;
    faults.isFull = true;
    return () => {
      faults.isFull = false;
    };
  },
  lostNames: ({ world, random }) => {
    const host = someHost(world, random);
    const effects = random.below(newSegmentEffects);
    host.disk.onNameChange(() => host.crashWithin(effects, true, true));
    return () => host.disk.onNameChange(null);
  },
};
