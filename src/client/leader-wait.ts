import type { WaitOptions } from '../ground/call-options.js';
import type { Clock } from '../ground/clock.js';
import { type ClosedError, TimeoutError } from '../ground/errors.js';
import { aborted, onAbort, timeoutMsDefault } from '../ground/waiting.js';
import type { Leader } from '../node/when-ready.js';
import type { NodeId } from '../raft/entry.js';
import type { ClusterEvents } from './events.js';

/**
 * Resolves with the next leader elected that is none of `others`.
 * @throws {TimeoutError} {ClosedError} {AbortedError}
 */
export function nextLeader(
  events: ClusterEvents,
  clock: Clock,
  others: ReadonlySet<NodeId>,
  { timeoutMs = timeoutMsDefault, signal }: WaitOptions,
  closed: () => ClosedError | null,
): Promise<Leader> {
  return new Promise((resolve, reject) => {
    const settle = (settled: () => void) => {
      clock.clearTimeout(timer);
      events.off('leaderElected', elected).off('stateChanged', moved);
      forget?.();
      settled();
    };
    const elected = (leader: Leader) => {
      if (!others.has(leader.id)) settle(() => resolve(leader));
    };
    const moved = () => {
      const reason = closed();
      if (reason !== null) settle(() => reject(reason));
    };
    const giveUp = () => settle(() => reject(new TimeoutError(whatIsAwaited(others), timeoutMs)));
    // If it was this thread that had no time, the news is here already and is heard before the next turn.
    const timer = clock.setTimeout(() => clock.soon(giveUp), timeoutMs);
    const forget = signal && onAbort(signal, () => settle(() => reject(aborted('wait', signal))));
    events.on('leaderElected', elected).on('stateChanged', moved);
  });
}

const lookMs = 50;

/**
 * The same where nobody tells of elections: it is looked again and again.
 * @throws {TimeoutError} {ClosedError} {AbortedError}
 */
export async function lookForLeader(
  look: () => Promise<Leader | null>,
  clock: Clock,
  others: ReadonlySet<NodeId>,
  { timeoutMs = timeoutMsDefault, signal }: WaitOptions,
  closed: () => Error | null,
): Promise<Leader> {
  const deadlineMs = clock.now() + timeoutMs;
  for (;;) {
    const leader = await look();
    const reason = closed() ?? (signal?.aborted === true ? aborted('wait', signal) : null);
    if (reason !== null) throw reason;
    if (leader !== null && !others.has(leader.id)) return leader;
    if (clock.now() >= deadlineMs) throw new TimeoutError(whatIsAwaited(others), timeoutMs);
    await new Promise<void>((resolve) => {
      clock.setTimeout(resolve, lookMs);
    });
  }
}

function whatIsAwaited(others: ReadonlySet<NodeId>): string {
  return others.size === 0 ? 'a leader' : `a leader other than node ${[...others].join(', ')}`;
}
