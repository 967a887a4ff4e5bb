import type { Random } from '../ground/random.js';
import type { NodeId } from '../raft/entry.js';
import { cleanLink } from '../router/link-policy.js';
import type { Crowd } from './clients/crowd.js';
import type { FaultPlan } from './faults/fault-plan.js';
import { shuffled } from './faults/network-faults.js';
import { Violation } from './invariants/violation.js';
import type { SimulatedHost } from './world/simulated-host.js';
import type { FrameListener } from './world/tape.js';
import type { World } from './world/world.js';

/** How long a healthy majority may take for all that is asked of it, in its longest election timeouts. */
const electionTimeoutsMax = 60;
/** How often one looks whether it is done, in milliseconds. */
const lookEveryMs = 20;
/** How long one looks on at what is at rest, in its longest election timeouts. */
const restElectionTimeouts = 5;
/** An election in that time may have some entries sent anew. */
const resentMax = 2;

/** What a run has when its last part begins. */
export interface Ending {
  readonly world: World;
  readonly plan: FaultPlan;
  readonly crowd: Crowd;
  readonly electionTimeoutMsMax: number;
}

/**
 * The faults become permanent for a minority and stop for a majority, among which a link may be lopsided. Within a
 * bounded time every call must be answered or given up, every caller must have been served anew, and the majority must
 * have one leader and equal logs, all of them applied; then nothing is sent again and again.
 * @throws {Violation} when that does not happen.
 */
export function requireProgress(ending: Ending, random: Random): void {
  const { world, plan, crowd, electionTimeoutMsMax } = ending;
  plan.cease();
  plan.operator.tend();
  crowd.cease();
  const healthy = chooseMajority(ending, random);
  doom(world, healthy, random);
  nurse(world, healthy);
  if (random.chance(0.7)) loseWindow(ending, healthy, random);
  const severed = skew(world, healthy, random);
  const { callers } = crowd;
  for (const caller of callers) caller.countFromHere();

  const endMs = world.time.now() + electionTimeoutMsMax * electionTimeoutsMax + world.restartMsMax * 2;
  within(world, endMs, 'one leader and answers for all callers', () => {
    const open = callers.filter(({ served }) => served.commands === 0);
    if (open.length > 0) return `callers ${open.map(({ number }) => number).join(', ')} were not served`;
    if (callers.length > 0 && callers.every(({ served }) => served.reads === 0))
      return 'no read was answered';
    return leaderTrouble(world, healthy, severed);
  });
  crowd.close();
  const restMs = endMs + electionTimeoutMsMax * electionTimeoutsMax;
  within(world, restMs, 'an answer to every call', () => callTrouble(crowd));
  // Sessions that are there ask to be kept alive, again and again.
  crowd.leave();
  within(world, restMs, 'rest and equal logs', () => {
    return (
      requestTrouble(world, healthy, severed) ??
      leaderTrouble(world, healthy, severed) ??
      changeTrouble(ending) ??
      logTrouble(
        membersOf(world, healthy).filter((host) => host.id !== severed?.from && host.id !== severed?.to),
      )
    );
  });
  requireRest(world, healthy, severed, electionTimeoutMsMax);
}

/**
 * The link from the leader to a follower carries nothing until all is under way on it that may be without an answer.
 * It is back before the follower misses its leader, which goes on leading, and is to find out.
 */
function loseWindow({ world, crowd }: Ending, healthy: readonly SimulatedHost[], random: Random): void {
  const { time, network, rare, limits, electionTimeoutMsMax } = world;
  world.run(
    time.now() + electionTimeoutMsMax * electionTimeoutsMax,
    () => leaderTrouble(world, healthy, null) === null,
  );
  const leader = healthy.find((host) => host.actor?.replica.leaderId === host.id);
  const [follower] = shuffled(healthy, random).filter((host) => host !== leader);
  if (leader === undefined || follower === undefined) return;
  const { appendsInFlightMax } = limits;
  const missesMs = electionTimeoutMsMax / 2;
  const isFull = () => {
    const underWay = leader.actor?.replica.progress.get(follower.id)?.inFlight.length ?? 0;
    return underWay >= appendsInFlightMax;
  };
  network.cut(leader.id, follower.id);
  crowd.burst(2 * appendsInFlightMax, missesMs / 2 / appendsInFlightMax);
  world.run(time.now() + missesMs, isFull);
  if (isFull()) rare.count('a whole window lost');
  network.mend(leader.id, follower.id);
}

/** A link between two of the majority that carries nothing, in this direction. */
interface Severed {
  readonly from: NodeId;
  readonly to: NodeId;
}

/**
 * Now and then a link of the majority is worse in one direction: slow, or cut where each leader has a quorum without
 * it. Who is at either end of a cut may then not be heard of by a leader at the other: that is all it may cost.
 */
function skew(world: World, healthy: readonly SimulatedHost[], random: Random): Severed | null {
  const kind = random.below(3);
  const [from, to] = shuffled(healthy, random).map(({ id }) => id);
  if (from === undefined || to === undefined || kind === 0) return null;
  if (kind === 1) {
    const latencyMsMax = world.electionTimeoutMsMax * random.between(0.05, 0.3);
    world.network.setLink({ latencyMsMin: latencyMsMax / 2, latencyMsMax }, from, to);
    return null;
  }
  const ids = healthy.map(({ id }) => id);
  const isSettled = world.oracle.cluster.possible().length === 1;
  const isSpared = [from, to].every((left) =>
    world.configuration.hasQuorum((id) => id !== left && ids.includes(id)),
  );
  if (!isSettled || !isSpared) return null;
  world.network.cut(from, to);
  return { from, to };
}

/** The same entries leave for a node that has them no more than a few times: nothing is lost any more. */
function requireRest(
  world: World,
  healthy: readonly SimulatedHost[],
  severed: Severed | null,
  electionTimeoutMsMax: number,
): void {
  const isHealthy = (id: NodeId) => healthy.some((host) => host.id === id);
  const sent = new Map<string, number>();
  const tape: FrameListener = {
    hear: (from, to, frame) => {
      const message = world.read(frame);
      if (message?.type !== 'appendEntries' || message.runs.length === 0) return;
      if (!isHealthy(from) || !isHealthy(to)) return;
      if (severed !== null && [from, to].every((id) => id === severed.from || id === severed.to)) return;
      const what = `node ${from} sends node ${to} what follows entry ${message.prevLogIndex} in term ${message.term}`;
      sent.set(what, (sent.get(what) ?? 0) + 1);
    },
  };
  world.tapes.add(tape);
  world.run(world.time.now() + electionTimeoutMsMax * restElectionTimeouts);
  world.tapes.delete(tape);
  for (const [what, times] of sent) {
    if (times <= resentMax) continue;
    throw new Violation(
      'NothingIsResentWithoutEnd',
      null,
      `The cluster is at rest, and ${what}, ${times} times.`,
    );
  }
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

/**
 * A bare majority now and then, more otherwise; those whose disk is damaged cannot be of it. While members change, or
 * somebody has been asked for a change, it is everybody who may be one: which majorities will be asked then is yet to be
 * seen.
 */
function chooseMajority({ world, plan }: Ending, random: Random): SimulatedHost[] {
  const possible = world.oracle.cluster.possible();
  const sound = world.hosts.filter((host) => {
    const isMember = possible.some((configuration) => configuration.isMember(host.id));
    return isMember && !host.isDamaged && !host.isFlipped;
  });
  if (possible.length > 1 || world.configuration.isJoint || plan.operator.isAwaiting) return sound;
  const { configuration } = world;
  const needed =
    configuration.shortestQuorum(world.hosts.map(({ id }) => id).filter((id) => configuration.isVoter(id)))
      ?.length ?? 0;
  const voters = sound.filter(({ id }) => configuration.isVoter(id));
  const size = needed + random.below(Math.max(1, voters.length - needed + 1));
  // Who only learns is to be served as well.
  return [
    ...shuffled(voters, random).slice(0, size),
    ...sound.filter(({ id }) => !configuration.isVoter(id)),
  ];
}

/** Each of the others gets a fault that lasts. */
function doom(world: World, healthy: readonly SimulatedHost[], random: Random): void {
  const isMember = ({ id }: SimulatedHost) => world.configuration.isMember(id);
  for (const host of world.hosts.filter((each) => isMember(each) && !healthy.includes(each))) {
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
    world.letBack(host.id);
  }
}

/** Those that are members now. */
function membersOf(world: World, hosts: readonly SimulatedHost[]): SimulatedHost[] {
  return hosts.filter(({ id }) => world.configuration.isMember(id));
}

/** Every change of members that was asked for has come to an end, and so have those whose leader did not live to see it. */
function changeTrouble({ world, plan }: Ending): string | null {
  const { pending } = plan.operator;
  if (pending.length > 0) return `no answer has come of what was asked of ${pending.join('; ')}`;
  const isSettled = !world.configuration.isJoint && world.oracle.cluster.possible().length === 1;
  return isSettled ? null : 'the configuration in force is not committed, or joint';
}

/** Is anything left that was asked? */
function callTrouble(crowd: Crowd): string | null {
  const busy = crowd.callers.filter(({ isBusy }) => isBusy);
  if (busy.length > 0) return `callers ${busy.map(({ number }) => number).join(', ')} wait for an answer`;
  const pending = crowd.programs.filter((program) => program.pending > 0);
  if (pending.length === 0) return null;
  return `clients ${pending.map(({ number }) => number).join(', ')} have calls pending`;
}

/**
 * What a leader lost that does not hear of its successor, or is not heard by it, it cannot know to be lost; nor can one that
 * was removed meanwhile, and is sent nothing any more.
 */
function requestTrouble(
  world: World,
  healthy: readonly SimulatedHost[],
  severed: Severed | null,
): string | null {
  const members = membersOf(world, healthy);
  const leaderId = leaderOf(members, severed);
  const together = members.filter(({ id }) => !isApart(id, leaderId, severed));
  const open = together.filter(({ actor }) => (actor?.requestsOpen ?? 0) > 0);
  return open.length > 0 ? `nodes ${idsOf(open)} have requests that they have not answered` : null;
}

/**
 * The leader may be one of the others, if what ails it does not keep it from leading. Who does not hear it need not
 * follow it, nor who is not heard by it: if that one's life is new, the leader does not know of it, and what is said to the
 * life before is not heard (`src/node/peers/lives.ts`).
 */
function leaderTrouble(
  world: World,
  healthyHosts: readonly SimulatedHost[],
  severed: Severed | null,
): string | null {
  const all = membersOf(world, healthyHosts);
  const leaderId = leaderOf(all, severed);
  const healthy = all.filter(({ id }) => !isApart(id, leaderId, severed));
  const leader = world.hosts.find(({ id }) => id === leaderId);
  if (leader === undefined) return `node ${healthy[0]?.id} knows no leader`;
  const information = leader.actor?.describe();
  if (information?.role !== 'leader') return `node ${leader.id} does not lead`;
  const astray = healthy.filter(({ actor }) => {
    return actor?.replica.leaderId !== leader.id || actor.replica.currentTerm !== information.term;
  });
  if (astray.length === 0) return null;
  return `nodes ${idsOf(astray)} do not follow node ${leader.id} in term ${information.term}`;
}

/** Whom one of them knows as the leader that no cut keeps from any. */
function leaderOf(hosts: readonly SimulatedHost[], severed: Severed | null): NodeId | null {
  return hosts.find(({ id }) => id !== severed?.to && id !== severed?.from)?.actor?.replica.leaderId ?? null;
}

/** Does the cut part this node from the leader? */
function isApart(id: NodeId, leaderId: NodeId | null, severed: Severed | null): boolean {
  if (severed === null || leaderId === null) return false;
  const { from, to } = severed;
  return (id === to && leaderId === from) || (id === from && leaderId === to);
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
