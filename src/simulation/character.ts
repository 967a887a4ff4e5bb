import type { Random } from '../ground/random.js';
import type { Timings } from '../node/options.js';
import { defaultLimits, defaultSnapshots, defaultTimings } from '../node/validate-options.js';
import type { Character, SimulationOptions } from './options.js';

/** Draws what kind of world this is (swarm testing: Groce et al., "Swarm testing", ISSTA 2012). */
export function drawCharacter(options: SimulationOptions, random: Random): Character {
  const isLively = options.mode === 'liveness';
  const isSmall = random.chance(0.3);
  return {
    voters: Array.from({ length: options.nodes }, (_, id) => id),
    node: {
      timings: scaled(2 ** random.below(4)),
      limits: {
        ...defaultLimits,
        appendsInFlightMax: 1 + random.below(isSmall ? 3 : 64),
      },
      snapshots: defaultSnapshots,
      // Without these a server that is cut off may disturb the others for ever: no progress is promised then.
      ...electionSettings(random.chance(0.85) || isLively, random.chance(0.85) || isLively),
      candidacy: true,
    },
    appendBytes: random.chance(0.4) ? { low: 1 + random.below(200), high: 1 + random.below(1500) } : null,
    cipher: options.cipher,
    link: { latencyMsMin: 0.1, latencyMsMax: 0.1 + random.next() * 2 },
    segmentBytes: 512 * (8 + random.below(120)),
    waitsForDisk: random.chance(0.4),
    syncMs: 0.1 + random.next() ** 2 * 10,
    restartMsMax: 5 + random.next() ** 2 * 4000,
    clients: options.clients ?? 2 + random.below(5),
    thinkMsMean: 50 * 20 ** random.next(),
    bulk: random.chance(0.7)
      ? { everyMsMean: 400 * 10 ** random.next(), commandsMax: 1 + random.below(30) }
      : null,
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
