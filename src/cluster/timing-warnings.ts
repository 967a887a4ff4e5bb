import type { ClusterWarning } from '../client/events.js';
import type { Timings } from '../node/options.js';
import type { LinkPolicy } from '../router/link-policy.js';

/** An election timeout leaves time for so many messages one after the other (§9.3: it is to be far above one). */
const messagesPerTimeout = 4;

/**
 * What is to be said of timings, for links that are as slow as these and so many voters. An election needs an answer
 * from a majority before the next election timeout, and a leader keeps its office by heartbeats that arrive within one.
 */
export function timingWarnings(
  timings: Timings,
  { latencyMsMin, latencyMsMax }: Pick<LinkPolicy, 'latencyMsMin' | 'latencyMsMax'>,
  voters: number,
): readonly ClusterWarning[] {
  if (voters < 2) return [];
  const { electionTimeoutMsMin: min, electionTimeoutMsMax: max, heartbeatMs } = timings;
  const roundTripMs = latencyMsMin + latencyMsMax;
  const spread = Math.ceil((roundTripMs * (voters + 1)) / 50) * 50;
  const enough = Math.ceil((messagesPerTimeout * latencyMsMax + heartbeatMs) / 50) * 50;
  const took = `Messages take ${latencyMsMin} to ${latencyMsMax} ms, and election timeouts are ${min} to ${max} ms`;
  const remedy = `Take longer ones, such as ${enough}-${enough + Math.max(enough, spread)} ms, or faster links.`;
  if (2 * latencyMsMin >= max) {
    const message = `${took}: no answer comes in time, so that nobody is elected, or stays in office. ${remedy}`;
    return [{ code: 'LINKS_TOO_SLOW', message }];
  }
  if (2 * latencyMsMax + heartbeatMs >= min) {
    const message = `${took}: answers often come too late, so that elections fail and leaders are deposed. ${remedy}`;
    return [{ code: 'LINKS_SLOW', message }];
  }
  // Of timeouts drawn at random, the first two lie so far apart. The first to stand needs its answers by then, or in
  // one of a few rounds.
  const gapMs = (max - min) / (voters + 1);
  if (2 * gapMs >= roundTripMs) return [];
  const message = `Election timeouts are ${min} to ${max} ms, and ${voters} voters often stand at once, so that votes are split and elections take several rounds. Draw them from a wider range, such as ${min}-${min + spread} ms.`;
  return [{ code: 'VOTES_SPLIT', message }];
}
