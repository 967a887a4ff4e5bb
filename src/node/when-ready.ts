import type { WaitOptions } from '../ground/call-options.js';
import { type Clock, refusedLater } from '../ground/clock.js';
import { NotReadyError } from '../ground/errors.js';
import { unknownIn } from '../ground/option-checks.js';
import { abortedBefore, onAbort, timeoutMsDefault, waitOptions, wrongWait } from '../ground/waiting.js';
import type { NodeId, Term } from '../raft/entry.js';

/** How often it is looked while nothing is heard, in milliseconds. */
const lookEveryMs = 100;

/** A leader, in its term. */
export interface Leader {
  readonly id: NodeId;
  readonly term: Term;
}

/** The leader that serves, or null and what is missing, as a part of a sentence. */
export type Readiness = { readonly leader: Leader } | { readonly leader: null; readonly missing: string };

/** What is waited for, and who tells of it. */
export interface ReadinessHost {
  readonly clock: Clock;
  /** What is to serve, such as `The cluster`. */
  readonly what: string;
  look(): Readiness | Promise<Readiness>;
  /** Why it will never serve, or null. */
  ended(): Error | null;
  /** Calls back when it is worth a look. Returns how to stop. */
  listen(heard: () => void): () => void;
}

/** @throws {NotReadyError} with what was missing in the end {AbortedError} {InvalidOptionError}, and what ended the host */
export function whenReady(host: ReadinessHost, options: WaitOptions): Promise<Leader> {
  const wrong =
    unknownIn('option', options, waitOptions) ?? wrongWait(options) ?? abortedBefore('wait', options);
  if (wrong !== null) return refusedLater(host.clock, wrong);
  const { timeoutMs = timeoutMsDefault, signal } = options;
  return new Promise((resolve, reject) => {
    let missing = 'nothing was heard of its nodes';
    let isLooking = false;
    let isOver = false;
    let next: unknown = null;
    const settle = (settled: () => void) => {
      if (isOver) return;
      isOver = true;
      host.clock.clearTimeout(deadline);
      host.clock.clearTimeout(next);
      forgetNews();
      forgetSignal?.();
      settled();
    };
    const judge = (readiness: Readiness) => {
      isLooking = false;
      if (isOver) return;
      if (readiness.leader !== null) return settle(() => resolve(readiness.leader));
      missing = readiness.missing;
      next = host.clock.setTimeout(look, lookEveryMs);
    };
    const look = () => {
      if (isLooking || isOver) return;
      const ended = host.ended();
      if (ended !== null) return settle(() => reject(ended));
      isLooking = true;
      host.clock.clearTimeout(next);
      const readiness = host.look();
      if (!(readiness instanceof Promise)) return judge(readiness);
      readiness.then(judge, (error: unknown) => settle(() => reject(host.ended() ?? error)));
    };
    const giveUp = () =>
      settle(() =>
        reject(new NotReadyError(`${host.what} does not serve after ${timeoutMs} ms: ${missing}.`)),
      );
    // If it was this thread that had no time, the news is here already and is heard before the next turn.
    const deadline = host.clock.setTimeout(() => host.clock.soon(giveUp), timeoutMs);
    const forgetNews = host.listen(look);
    const forgetSignal =
      signal && onAbort(signal, () => settle(() => reject(abortedBefore('wait', options))));
    look();
  });
}
