import { InvalidOptionError } from '../ground/errors.js';
import { requireBoolean, requireInteger, shown } from '../ground/option-checks.js';
import type { NodeId } from '../raft/entry.js';
import type { LeaseOptions } from '../raft/lease.js';
import type { Limits, NodeOptions, SnapshotSettings, Timings } from './options.js';

/** The paper's range (§9.3), and a heartbeat that leaves room for two to be lost. */
export const defaultTimings: Timings = {
  electionTimeoutMsMin: 150,
  electionTimeoutMsMax: 300,
  heartbeatMs: 50,
};

export const defaultLimits: Limits = {
  commandBytesMax: 1024 * 1024,
  queryBytesMax: 1024 * 1024,
  appendBytesMax: 256 * 1024,
  appendsInFlightMax: 64,
  logMemoryBytes: 32 * 1024 * 1024,
  proposalsMax: 65_536,
  readsMax: 65_536,
  sessionTimeoutMs: 600_000,
};

/** By the log's length in bytes alone: to replay so much takes seconds. */
export const defaultSnapshots: SnapshotSettings = { everyEntries: 0, everyLogBytes: 64 * 1024 * 1024 };

/** The settings that were given, under the names that users give them. @throws {InvalidOptionError} */
export function snapshotSettings(given: {
  readonly snapshotEvery?: number | undefined;
  readonly snapshotLogBytes?: number | undefined;
}): SnapshotSettings {
  const { snapshotEvery = defaultSnapshots.everyEntries, snapshotLogBytes = defaultSnapshots.everyLogBytes } =
    given;
  requireInteger('snapshotEvery', snapshotEvery, 0, Number.MAX_SAFE_INTEGER);
  requireInteger('snapshotLogBytes', snapshotLogBytes, 1, Number.MAX_SAFE_INTEGER);
  return { everyEntries: snapshotEvery, everyLogBytes: snapshotLogBytes };
}

/** The defaults, with what was given in their places; what is given as undefined is not given. */
export function completed<Settings extends object>(defaults: Settings, given: Partial<Settings>): Settings {
  const settings = { ...defaults, ...given };
  for (const name of Object.keys(defaults) as (keyof Settings)[]) {
    if (settings[name] === undefined) settings[name] = defaults[name];
  }
  return settings;
}

/** @throws {InvalidOptionError} when a duration is out of range or contradicts another. */
export function validateTimings(timings: Timings): void {
  const { electionTimeoutMsMin: min, electionTimeoutMsMax: max, heartbeatMs } = timings;
  for (const [name, value] of Object.entries(timings)) {
    if (typeof value !== 'number' || !(value >= 1 && value <= 3_600_000)) {
      throw new InvalidOptionError(`${name} must be between 1 and 3600000 ms and is ${shown(value)}.`);
    }
  }
  if (max <= min) {
    throw new InvalidOptionError(
      `electionTimeoutMsMax (${max}) must be greater than electionTimeoutMsMin (${min}): election timeouts are drawn from between, and equal ones split votes for ever.`,
    );
  }
  if (heartbeatMs * 2 > min) {
    throw new InvalidOptionError(
      `heartbeatMs (${heartbeatMs}) must be at most half of electionTimeoutMsMin (${min}), or one late heartbeat deposes a leader.`,
    );
  }
}

/** What a frame costs the processors from one node to another, router included, in ms (measured: 0.03 to 0.05). */
const frameMs = 0.04;
/** Voters that may stand for election while another is being elected, before elections undo each other. */
const rivalsMax = 3;

/** What is to be feared of timings in a cluster: they are not wrong, and it may well work, so nothing refuses them. */
export interface TimingWarning {
  /** One sentence for each that is to be feared: it names it, then, after a colon, what follows. */
  readonly fears: readonly string[];
  /** The nearest timings of which nothing is to be feared. */
  readonly advice: Timings;
}

/**
 * What is to be feared of these timings in a cluster of so many voters; null when they suit it.
 * @param latencyMsMax the longest that a message takes on its way, in ms
 */
export function timingWarning(timings: Timings, voters: number, latencyMsMax = 0): TimingWarning | null {
  const { electionTimeoutMsMin: min, electionTimeoutMsMax: max, heartbeatMs } = timings;
  const fears: string[] = [];
  const advice = { ...timings };
  const roundTripMs = 2 * latencyMsMax;
  // §5.6: the broadcast time should be an order of magnitude less than the election timeout.
  if (roundTripMs * 5 > min) {
    advice.electionTimeoutMsMin = inMs(roundTripMs * 10);
    advice.electionTimeoutMsMax = Math.max(max, advice.electionTimeoutMsMin * 2);
    fears.push(
      `An election timeout of ${min} ms leaves little time for round trips of ${inMs(roundTripMs)} ms: leaders are deposed that work.`,
    );
  } else if (heartbeatMs * 2 + latencyMsMax > min) {
    advice.heartbeatMs = inMs((min - latencyMsMax) / 3);
    fears.push(
      `One heartbeat that is lost deposes a leader: it is missed after ${min} ms, and the next comes after ${heartbeatMs} ms and takes up to ${inMs(latencyMsMax)} ms.`,
    );
  }
  const electionMs = electionMsOf(voters, roundTripMs);
  const spreadMsMin = (voters * electionMs) / rivalsMax;
  if (spreadMsMin > max - min) {
    fears.push(
      `Elections take about ${inMs(electionMs)} ms, and the timeouts of ${voters} voters differ by ${inMs(max - min)} ms: so many stand at once that elections undo each other.`,
    );
  }
  advice.electionTimeoutMsMax = Math.max(
    advice.electionTimeoutMsMax,
    advice.electionTimeoutMsMin + inMs(spreadMsMin),
  );
  return fears.length === 0 ? null : { fears, advice };
}

/** Pre-votes, votes and the no-op of a new leader: each a question to all others, and their answers. */
function electionMsOf(voters: number, roundTripMs: number): number {
  return 3 * (2 * (voters - 1) * frameMs + roundTripMs);
}

function inMs(ms: number): number {
  return Math.ceil(ms);
}

/**
 * The most bytes that one message may be asked to carry. A line of the network holds twice as many, so that heartbeats
 * still find room; and to encipher and copy more takes longer than an election timeout, so that no leader would last.
 */
export const messageBytesMax = 32 * 1024 * 1024;

/** @throws {InvalidOptionError} when a bound is not a positive integer, or lets messages grow that never arrive. */
export function validateLimits(limits: Limits): void {
  for (const [name, value] of Object.entries(limits)) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new InvalidOptionError(`${name} must be a positive integer and is ${shown(value)}.`);
    }
  }
  for (const name of ['commandBytesMax', 'queryBytesMax', 'appendBytesMax'] as const) {
    if (limits[name] <= messageBytesMax) continue;
    throw new InvalidOptionError(
      `${name} must be at most ${messageBytesMax} and is ${limits[name]}: larger messages take longer than an election timeout. Split what is larger, or store it elsewhere and send a reference.`,
    );
  }
}

/** @throws {InvalidOptionError} when clocks are believed to be of no use, or better than they can be. */
export function validateLeases({ clockDriftMax }: LeaseOptions): void {
  if (typeof clockDriftMax === 'number' && clockDriftMax >= 0 && clockDriftMax <= 0.9) return;
  throw new InvalidOptionError(
    `clockDriftMax is ${shown(clockDriftMax)}. Give the part of the time by which a clock may be wrong at most, from 0 to 0.9.`,
  );
}

/**
 * @throws {InvalidOptionError} when pre-vote is on and check-quorum off: a leader that has lost its majority stays in
 * office, and whoever still hears it refuses the pre-votes of those who could replace it.
 */
export function validateElections({
  preVote,
  checkQuorum,
}: Pick<NodeOptions, 'preVote' | 'checkQuorum'>): void {
  requireBoolean('preVote', preVote);
  requireBoolean('checkQuorum', checkQuorum);
  if (checkQuorum || !preVote) return;
  throw new InvalidOptionError(
    'preVote is true and checkQuorum false. Where a leader loses its majority and is still heard by some (a star, a bridge), such a cluster stands still for ever: leave checkQuorum true, or set preVote to false too.',
  );
}

/** @throws {InvalidOptionError} when the options do not describe a member of a possible cluster. */
export function validateNodeOptions(options: NodeOptions): void {
  if (options.leases !== undefined) validateLeases(options.leases);
  const { id, voters, learners, timings, limits } = options;
  requireNodeId('id', id);
  requireNodeIds('voters', voters);
  requireNodeIds('learners', learners);
  const members = [...voters, ...learners];
  if (voters.length === 0) {
    throw new InvalidOptionError('voters is an empty list. A cluster needs at least one voter.');
  }
  if (new Set(members).size !== members.length) {
    throw new InvalidOptionError(
      `voters and learners must name each member once; they are ${members.join(', ')}.`,
    );
  }
  const { joins = false } = options;
  requireBoolean('joins', joins);
  if (!joins && !members.includes(id)) {
    throw new InvalidOptionError(
      `id is ${id}, who is not among the voters and learners ${members.join(', ')}. Set joins to true for a node that is to be added to them.`,
    );
  }
  validateElections(options);
  requireBoolean('candidacy', options.candidacy);
  requireInteger('seed', options.seed, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  validateTimings(timings);
  validateLimits(limits);
}

function requireNodeIds(name: string, ids: readonly NodeId[]): void {
  if (!Array.isArray(ids)) {
    throw new InvalidOptionError(`${name} is ${shown(ids)}. Give a list of node ids.`);
  }
  for (const id of ids) requireNodeId(name, id);
}

function requireNodeId(name: string, id: NodeId): void {
  if (Number.isSafeInteger(id) && id >= 0) return;
  throw new InvalidOptionError(
    `Node ids are non-negative integers; ${shown(id)} is none, and stands in ${name}.`,
  );
}
