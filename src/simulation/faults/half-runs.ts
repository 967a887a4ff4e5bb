import type { Term } from '../../raft/entry.js';
import type { Log } from '../../raft/log.js';
import type { SimulatedHost } from '../world/simulated-host.js';
import type { Episode } from './fault.js';

/** It takes a run that is sent in parts, and an election; it is given up after so many of the longest election timeouts. */
const electionTimeoutsMax = 15;

/**
 * Cuts a leader off, with all who have as much as it, when of one of its runs the best of the others has the beginning
 * and not the rest. Those elect another, whose entries part from the leader's log within that run: chance alone hardly
 * ever has one cut there.
 */
export const halfRuns: Episode = ({ world, random, degree, strikes }) => {
  if (world.isWatched) return undefined;
  strikes('whoever sends a run in parts');
  let cutOff: { readonly term: Term } | null = null;
  let isOver = false;
  const end = () => {
    if (isOver) return;
    isOver = true;
    world.watch(null);
    world.network.partition([]);
  };
  const awaitHalf = () => {
    for (const leader of world.hosts) {
      const ahead = aheadOfHalf(leader, world.hosts)?.map(({ id }) => id);
      if (ahead === undefined || !world.configuration.hasQuorum((id) => !ahead.includes(id))) continue;
      cutOff = { term: leader.actor?.replica.currentTerm ?? 0 };
      world.network.partition([ahead]);
      const powerFails = random.chance(0.5);
      if (random.chance(0.5 * degree)) leader.crash(powerFails);
      return;
    }
  };
  const awaitAnother = (term: Term) => {
    const another = world.hosts.find((host) => leads(host) && (host.actor?.replica.currentTerm ?? 0) > term);
    if (another !== undefined) end();
  };
  world.watch(() => (cutOff === null ? awaitHalf() : awaitAnother(cutOff.term)));
  return { end, lastsMs: world.electionTimeoutMsMax * electionTimeoutsMax };
};

/** Who has more than the one that has the beginning of a run of the leader's; null when nobody has just that. */
function aheadOfHalf(leader: SimulatedHost, hosts: readonly SimulatedHost[]): SimulatedHost[] | null {
  if (!leads(leader) || leader.actor === null) return null;
  const { log } = leader.actor.replica;
  for (const { actor } of hosts) {
    const half = actor?.replica.log;
    if (half === undefined || !endsWithin(half, log)) continue;
    return hosts.filter((host) => host.actor !== null && host.actor.replica.log.lastIndex > half.lastIndex);
  }
  return null;
}

/** Does the log end within a run of the other, of which it has the beginning? */
function endsWithin(half: Log, whole: Log): boolean {
  const { lastIndex, lastTerm } = half;
  const run = whole.runAt(lastIndex + 1);
  return run !== null && run.firstIndex <= lastIndex && run.term === lastTerm;
}

function leads({ id, actor }: SimulatedHost): boolean {
  return actor?.replica.leaderId === id;
}
