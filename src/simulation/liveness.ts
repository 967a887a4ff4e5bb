import type { Random } from '../ground/random.js';
import type { NodeId } from '../raft/entry.js';
import { cleanLink } from '../router/link-policy.js';
import type { Client } from './clients/client.js';
import type { FaultPlan } from './faults/fault-plan.js';
import { Violation } from './invariants/violation.js';
import type { SimulatedHost } from './world/simulated-host.js';
import type { World } from './world/world.js';

/** How long a healthy majority may take for all that is asked of it, in its longest election timeouts. */
const electionTimeoutsMax = 60;
/** How often one looks whether it is done, in milliseconds. */
const lookEveryMs = 20;

/** What a run has when its last part begins. */
export interface Ending {
  readonly world: World;
  readonly plan: FaultPlan;
  readonly clients: readonly Client[];
  readonly electionTimeoutMsMax: number;
}

/**
 * The faults become permanent for a minority and stop for a majority. Within a bounded time every call of a client
 * must be answered or given up, every client must have been served anew, and the majority must have one leader and
 * equal logs, all of them applied.
 * @throws {Violation} when that does not happen.
 */
export function requireProgress(ending: Ending, random: Random): void {
  const { world, plan, clients, electionTimeoutMsMax } = ending;
  plan.cease();
  const healthy = chooseMajority(world, random);
  doom(world, healthy, random);
  nurse(world, healthy);
  for (const client of clients) client.countFromHere();

  const endMs = world.time.now() + electionTimeoutMsMax * electionTimeoutsMax + world.restartMsMax * 2;
  within(world, endMs, 'one leader and answers for all clients', () => {
    const open = clients.filter((client) => !client.isDead && client.served === 0);
    if (open.length > 0) return `clients ${open.map(({ number }) => number).join(', ')} were not served`;
    return leaderTrouble(world, healthy);
  });
  for (const client of clients) client.close();
  within(world, endMs + electionTimeoutMsMax * electionTimeoutsMax, 'rest and equal logs', () => {
    const busy = clients.filter((client) => client.isBusy);
    if (busy.length > 0) return `clients ${busy.map(({ number }) => number).join(', ')} wait for an answer`;
    return leaderTrouble(world, healthy) ?? logTrouble(healthy);
  });
}

/** Runs until `trouble` is null. */
function within(world: World, endMs: number, what: string, trouble: () => string | null): void {
  let last = trouble();
  while (last !== null && world.time.now() < endMs) {
    world.run(Math.min(endMs, world.time.now() + lookEveryMs));
    last = trouble();
  }
  if (last === null) return;
  throw new Violation(
    'Progress',
    null,
    `A healthy majority did not come to ${what} within its time: ${last}.`,
  );
}

/** A bare majority now and then, more otherwise; those whose disk is damaged cannot be of it. */
function chooseMajority(world: World, random: Random): SimulatedHost[] {
  const sound = world.hosts.filter((host) => !host.isDamaged && !host.isFlipped);
  const needed = world.configuration.shortestQuorum(world.hosts.map(({ id }) => id))?.length ?? 0;
  const size = needed + random.below(Math.max(1, sound.length - needed + 1));
  const places = new Map(sound.map((host) => [host, random.next()]));
  return sound.sort((a, b) => (places.get(a) ?? 0) - (places.get(b) ?? 0)).slice(0, size);
}

/** Each of the others gets a fault that lasts. */
function doom(world: World, healthy: readonly SimulatedHost[], random: Random): void {
  for (const host of world.hosts.filter((each) => !healthy.includes(each))) {
    const others = world.hosts.filter((each) => each !== host).map(({ id }) => id);
    const cutOff = (isDeaf: boolean, isMute: boolean) => {
      for (const other of others) {
        if (isDeaf) world.network.cut(other, host.id);
        if (isMute) world.network.cut(host.id, other);
      }
    };
    const fates: (() => void)[] = [
      () => world.keepDown(host.id),
      () => host.pause(false),
      () => host.stop(),
      () => cutOff(true, true),
      () => cutOff(true, false),
      () => cutOff(false, true),
      () => muffle(world, host, random),
      () => host.setSyncMs(20_000),
      () => host.setClockRate(1.4),
    ];
    fates[random.below(fates.length)]?.();
  }
}

/**
 * Nobody hears the host but one, though it hears them all: it must not keep that one from following another leader.
 * Where the two would be a quorum it could lead for good and leave a third without a leader, which Raft allows.
 */
function muffle(world: World, host: SimulatedHost, random: Random): void {
  const others = world.hosts.filter((each) => each !== host);
  const twoDecide = world.configuration.shortestQuorum(world.hosts.map(({ id }) => id).slice(0, 2)) !== null;
  const hearer = twoDecide ? undefined : others[random.below(others.length)];
  for (const other of others) if (other !== hearer) world.network.cut(host.id, other.id);
}

/** All that ailed the majority is over. */
function nurse(world: World, healthy: readonly SimulatedHost[]): void {
  const ids: NodeId[] = healthy.map(({ id }) => id);
  for (const from of ids) {
    for (const to of ids) {
      if (from !== to) world.network.setLink({ ...cleanLink, ...world.usualLink, cut: false }, from, to);
    }
  }
  for (const host of healthy) {
    Object.assign(host.disk.faults, { failingWrites: 0, failingSyncs: 0, isFull: false });
    host.spare();
    host.start();
  }
}

/** The leader may be one of the others, if what ails it does not keep it from leading. */
function leaderTrouble(world: World, healthy: readonly SimulatedHost[]): string | null {
  const leader = world.hosts.find(({ id }) => id === healthy[0]?.actor?.replica.leaderId);
  if (leader === undefined) return `node ${healthy[0]?.id} knows no leader`;
  const information = leader.actor?.describe();
  if (information?.role !== 'leader') return `node ${leader.id} does not lead`;
  const astray = healthy.filter(({ actor }) => {
    return actor?.replica.leaderId !== leader.id || actor.replica.currentTerm !== information.term;
  });
  if (astray.length === 0) return null;
  return `nodes ${idsOf(astray)} do not follow node ${leader.id} in term ${information.term}`;
}

function logTrouble(healthy: readonly SimulatedHost[]): string | null {
  const heights = healthy.map(({ actor }) => {
    const { log, lastApplied, commitIndex } = actor?.replica ?? {
      log: { lastIndex: 0 },
      lastApplied: -1,
      commitIndex: -2,
    };
    return lastApplied === log.lastIndex && commitIndex === log.lastIndex ? lastApplied : -1;
  });
  if (heights.every((height) => height >= 0 && height === heights[0])) {
    const digests = new Set(healthy.map(({ life }) => life?.application.digest()));
    return digests.size === 1 ? null : `nodes ${idsOf(healthy)} applied the same entries to different states`;
  }
  return `nodes ${idsOf(healthy)} have applied up to ${healthy.map(({ actor }) => actor?.replica.lastApplied).join(', ')}`;
}

function idsOf(hosts: readonly SimulatedHost[]): string {
  return hosts.map(({ id }) => id).join(', ');
}
