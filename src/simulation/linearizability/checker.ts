import { type Counterexample, counterexample } from './counterexample.js';
import { drawCounterexample } from './drawing.js';
import type { Model, Operation, State } from './operation.js';
import { type SearchLimits, search } from './search.js';

export interface CheckOptions {
  /**
   * The time in milliseconds, from wherever the caller takes it. It is asked once in about a thousand steps of the
   * search, so that a counter of the calls makes a limit that is the same in every run.
   */
  readonly now: () => number;
  /** After this the check answers `unknown`; shortening a counterexample ends then too. */
  readonly timeLimitMs: number;
  /** What the search may remember, in bytes; beyond it answers `unknown`. */
  readonly memoryBytesMax?: number;
}

export type CheckResult<Input, Output> =
  | { readonly verdict: 'linearizable' }
  | ({
      readonly verdict: 'not linearizable';
      /** The key whose operations cannot be ordered; `null` when the model has no keys. */
      readonly key: string | null;
      /** The part as a time line for a person, at most 100 columns wide. */
      readonly drawing: string;
    } & Counterexample<Input, Output>)
  | {
      readonly verdict: 'unknown';
      readonly reason: 'time' | 'memory';
      /** The keys without a verdict; all others are linearizable. `null` when the model has no keys. */
      readonly keys: readonly (string | null)[];
    };

const MEMORY_BYTES_MAX = 512 * 1024 * 1024;
/** Shortening may take this part of the time limit, as far as the verdict left it over. */
const SHORTENING_SHARE = 0.3;

/**
 * Is the history linearizable: could every operation have taken effect at one moment between its invocation and its
 * return, those of unknown outcome at some moment after their invocation or never? (Herlihy and Wing,
 * "Linearizability: a correctness condition for concurrent objects", 1990.)
 *
 * Linearizability is local (their Theorem 1), so each key is checked by itself, those with few operations first, and
 * one hard key cannot take the time of the others: each may spend an equal share of what is left. `linearizable` and
 * `not linearizable` are proofs; when time or memory end first the answer is `unknown`.
 */
export function checkHistory<S extends State, Input, Output>(
  model: Model<S, Input, Output>,
  history: readonly Operation<Input, Output>[],
  options: CheckOptions,
): CheckResult<Input, Output> {
  const { now, timeLimitMs, memoryBytesMax = MEMORY_BYTES_MAX } = options;
  const deadlineMs = now() + timeLimitMs;
  const parts = [...partition(model, history)].sort(([, a], [, b]) => a.length - b.length);
  const undecided: (string | null)[] = [];
  let reason: 'time' | 'memory' = 'time';

  for (const [position, [key, operations]] of parts.entries()) {
    const nowMs = now();
    const shareMs = Math.max(0, deadlineMs - nowMs) / (parts.length - position);
    const limits: SearchLimits = { now, deadlineMs: nowMs + shareMs, memoryBytesMax };
    const calls = operations.map((operation) => ({ ...operation, required: operation.output !== undefined }));
    const result = search(model, calls, limits);
    if (result.verdict === 'not linearizable') {
      const shorteningMs = Math.min(now() + timeLimitMs * SHORTENING_SHARE, deadlineMs);
      const found = counterexample(model, operations, result.blockedAt, {
        ...limits,
        deadlineMs: shorteningMs,
      });
      return { verdict: 'not linearizable', key, ...found, drawing: drawCounterexample(model, found) };
    }
    if (result.verdict === 'unknown') {
      undecided.push(key);
      reason = result.reason;
    }
  }
  if (undecided.length > 0) return { verdict: 'unknown', reason, keys: undecided };
  return { verdict: 'linearizable' };
}

function partition<S extends State, Input, Output>(
  model: Model<S, Input, Output>,
  history: readonly Operation<Input, Output>[],
): Map<string | null, Operation<Input, Output>[]> {
  const parts = new Map<string | null, Operation<Input, Output>[]>();
  for (const operation of history) {
    const key = model.key?.(operation.input) ?? null;
    const part = parts.get(key);
    if (part === undefined) parts.set(key, [operation]);
    else part.push(operation);
  }
  return parts;
}
