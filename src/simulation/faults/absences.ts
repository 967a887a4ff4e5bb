import type { SimulatedHost } from '../world/simulated-host.js';
import type { Episode } from './fault.js';

/** The others have to commit more than two snapshots' worth; it is given up after so many of the longest election timeouts. */
const electionTimeoutsMax = 40;

/**
 * Cuts a node off until a leader has given up what the node needs next: when it comes back it needs a snapshot. One that
 * led has entries of its own by then, which conflict with what the others have.
 */
export const absences: Episode = ({ world, random, strikes }) => {
  if (world.isWatched) return undefined;
  const running = world.hosts.filter(({ actor }) => actor !== null);
  const leader = running.find(leads);
  const victim =
    leader !== undefined && random.chance(0.5) ? leader : running[random.below(Math.max(1, running.length))];
  if (victim === undefined) return undefined;
  strikes(`node ${victim.id}`);
  world.network.partition([[victim.id]]);
  let isOver = false;
  const end = () => {
    if (isOver) return;
    isOver = true;
    world.watch(null);
    world.network.partition([]);
  };
  world.watch(() => {
    const next = (victim.actor?.replica.commitIndex ?? victim.record.lastIndex) + 1;
    const isMissed = (host: SimulatedHost) => {
      return host !== victim && leads(host) && (host.actor?.logReader.firstIndex ?? 0) > next;
    };
    if (world.hosts.some(isMissed)) end();
  });
  return { end, lastsMs: world.electionTimeoutMsMax * electionTimeoutsMax };
};

function leads({ id, actor }: SimulatedHost): boolean {
  return actor?.replica.leaderId === id;
}
