import { type SessionLimits, sessionLimits } from '../client/session-host.js';
import { Random } from '../ground/random.js';
import type { SnapshotSettings, Timings } from '../node/options.js';
import { defaultLimits, defaultSnapshots, defaultTimings } from '../node/validate-options.js';
import { segmentBytesMin } from '../storage/segment.js';
import type { Character, ClientsCharacter, SimulationOptions } from './options.js';

const apartFrom = 0x5e55_1042;
/** No clock of a world with leases is wrong by more; see `node-faults.ts` and `liveness.ts`. */
const simulatedDriftMax = 0.45;

/** Draws what kind of world this is (swarm testing: Groce et al., "Swarm testing", ISSTA 2012). */
export function drawCharacter(options: SimulationOptions, random: Random): Character {
  // Drawn apart from all else: worlds without are as they were before there were any.
  const apart = new Random(options.seed + apartFrom);
  const sessions = options.sessions ?? apart.chance(0.5);
  const leases = options.leases ?? apart.chance(0.3);
  const drawnTimeoutMs = Math.round(100 * 600 ** apart.next());
  const isLively = options.mode === 'liveness';
  const isSmall = random.chance(isLively ? 0.7 : 0.3);
  const timings = scaled(2 ** random.below(4));
  // Who is forgotten sooner than an entry is committed gets nothing done.
  const servedTimeoutMs = timings.electionTimeoutMsMax * 8;
  const sessionTimeoutMs = isLively ? Math.max(drawnTimeoutMs, servedTimeoutMs) : drawnTimeoutMs;
  const usual: Character = {
    voters: Array.from({ length: options.nodes }, (_, id) => id),
    node: {
      timings,
      limits: {
        ...defaultLimits,
        appendsInFlightMax: 1 + random.below(isSmall ? 3 : 64),
        sessionTimeoutMs,
        ...(random.chance(0.2) ? { proposalsMax: 1 + random.below(8), readsMax: 1 + random.below(8) } : {}),
      },
      snapshots: defaultSnapshots,
      // Without these a server that is cut off may disturb the others for ever: no progress is promised then.
      ...electionSettings(random.chance(0.85) || isLively, random.chance(0.85) || isLively),
      ...(leases ? { leases: { clockDriftMax: simulatedDriftMax } } : {}),
      candidacy: true,
    },
    appendBytes: random.chance(0.4) ? { low: 1 + random.below(200), high: 1 + random.below(1500) } : null,
    cipher: options.cipher,
    link: { latencyMsMin: 0.1, latencyMsMax: 0.1 + random.next() * 2 },
    segmentBytes: 512 * (8 + random.below(120)),
    waitsForDisk: random.chance(0.4),
    syncMs: 0.1 + random.next() ** 2 * 10,
    restartMsMax: 5 + random.next() ** 2 * 4000,
    clients: { ...drawClients(options, random), sessions },
  };
  return withSnapshots(usual, random.fork());
}

/** Most worlds take snapshots often, of logs in files that are soon full, and keep little of them in memory. */
function withSnapshots(usual: Character, random: Random): Character {
  const { node, segmentBytes } = usual;
  const everyEntries = 1 + random.below(random.chance(0.6) ? 4 : 40);
  const often: SnapshotSettings = random.chance(0.8)
    ? { ...defaultSnapshots, everyEntries }
    : { everyEntries: 0, everyLogBytes: 200 + random.below(4000) };
  const logMemoryBytes = 300 + random.below(10_000);
  const limits = random.chance(0.6) ? { ...node.limits, logMemoryBytes } : node.limits;
  return {
    ...usual,
    segmentBytes: random.chance(0.7) ? segmentBytesMin : segmentBytes,
    node: { ...node, limits, snapshots: random.chance(0.8) ? often : node.snapshots },
  };
}

/** As usual, but for places that no simulated session comes to need: looking through them all takes time. */
const usualLimits: SessionLimits = { ...sessionLimits, commandsMax: 1024 };

function drawClients(options: SimulationOptions, random: Random): Omit<ClientsCharacter, 'sessions'> {
  const callers = options.clients ?? 2 + random.below(5);
  return {
    callers,
    programs: 1 + random.below(Math.max(1, callers)),
    thinkMsMean: 50 * 20 ** random.next(),
    lineMsMax: random.chance(0.2) ? 50 : 3,
    limits: random.chance(0.3) ? smallLimits(random) : usualLimits,
    bulk: random.chance(0.7)
      ? { everyMsMean: 400 * 10 ** random.next(), commandsMax: 1 + random.below(30) }
      : null,
  };
}

/** With these, what is asked has to wait or is refused, goes out in parts, and numbers' places are used again soon. */
function smallLimits(random: Random): SessionLimits {
  return {
    commandsMax: 2 ** (1 + random.below(5)),
    commandsBytesMax: 64 + random.below(2000),
    commandsPerMessageMax: 1 + random.below(8),
    commandsAtNodeMax: 1 + random.below(8),
    bytesAtNodeMax: 32 + random.below(1000),
    readsMax: 1 + random.below(4),
    readsBytesMax: 16 + random.below(200),
    readsAtNodeMax: 1 + random.below(3),
  };
}

/** Pre-vote is not to be had without check-quorum. */
function electionSettings(
  preVote: boolean,
  checkQuorum: boolean,
): Pick<Character['node'], 'preVote' | 'checkQuorum'> {
  return { preVote: preVote && checkQuorum, checkQuorum };
}

/** The usual timings, all longer by a factor: with them the world's latencies and delays weigh less. */
function scaled(factor: number): Timings {
  return {
    electionTimeoutMsMin: defaultTimings.electionTimeoutMsMin * factor,
    electionTimeoutMsMax: defaultTimings.electionTimeoutMsMax * factor,
    heartbeatMs: defaultTimings.heartbeatMs * factor,
  };
}
