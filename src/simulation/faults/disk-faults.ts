import type { Episodes } from './fault.js';
import { struckHost } from './node-faults.js';

/** The calls of the disk that make a new segment, of which the last lets its name last. */
const newSegmentEffects = 6;

/** What goes wrong with disks. Torn writes are a trait of a run and no episode. */
export const diskFaults: Episodes = {
  slowDisks: (scene) => {
    const { world, random, degree } = scene;
    const host = struckHost(scene);
    host.setSyncMs(random.next() ** 2 * 150 * degree);
    return () => host.setSyncMs(world.usualSyncMs);
  },
  stalls: (scene) => {
    const { random, degree } = scene;
    const host = struckHost(scene);
    host.stallDisk(200 + random.next() * 3000 * degree);
    return () => host.endStall();
  },
  bitFlips: ({ world, operator, random, strikes }) => {
    // Never those of one quorum, and each of the others once: what is lost on a quorum is lost.
    const { spared } = operator;
    const victims = world.hosts.filter(({ id, isFlipped }) => !spared.includes(id) && !isFlipped);
    const host = victims[random.below(victims.length)];
    if (host === undefined || random.chance(0.7)) return undefined;
    strikes(`node ${host.id}`);
    if (host.flipBit()) host.crashWithin(random.below(40), random.chance(0.5));
    return undefined;
  },
  failedWrites: (scene) => {
    struckHost(scene).disk.faults.failingWrites = 1;
    return undefined;
  },
  failedSyncs: (scene) => {
    struckHost(scene).disk.faults.failingSyncs = 1;
    return undefined;
  },
  fullDisks: (scene) => {
    const { faults } = struckHost(scene).disk;
    faults.isFull = true;
    return () => {
      faults.isFull = false;
    };
  },
  lostNames: (scene) => {
    const { random } = scene;
    const host = struckHost(scene);
    const effects = random.below(newSegmentEffects);
    host.disk.onNameChange(() => host.crashWithin(effects, true, true));
    return () => host.disk.onNameChange(null);
  },
};
