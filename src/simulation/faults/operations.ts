import type { Episodes } from './fault.js';

/** What is no fault, and has to go well whatever goes wrong meanwhile. */
export const operations: Episodes = {
  memberChanges: ({ operator, random, strikes }) => {
    operator.tend();
    // Now and then another one asks before the first has an answer.
    const asked = random.chance(0.2) ? [operator.change(), operator.change()] : [operator.change()];
    for (const what of asked) if (what !== null) strikes(what);
    return undefined;
  },
  blocks: ({ world, random, degree, strikes }) => {
    strikes('whoever leads');
    const intervalMs = 5 * 100 ** (1 - degree * random.next());
    for (const host of world.hosts) host.produceBlocks(intervalMs);
    return () => {
      for (const host of world.hosts) host.produceBlocks(0);
    };
  },
  transfers: ({ operator, strikes }) => {
    const what = operator.transfer();
    if (what !== null) strikes(what);
    return undefined;
  },
};
