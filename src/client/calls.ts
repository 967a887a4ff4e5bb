import type { ProposeOptions, ReadOptions } from '../ground/call-options.js';
import {
  type ConclaveError,
  InvalidOptionError,
  OutcomeUnknownError,
  QuorumUnavailableError,
} from '../ground/errors.js';
import { shown } from '../ground/option-checks.js';
import { messageOf } from '../ground/thrown.js';
import { waitOptions, wrongWait } from '../ground/waiting.js';
import { consistencies, invalidConsistency } from '../node/clients/client-requests.js';
import type { NodeId } from '../raft/entry.js';

export const proposeOptions: Record<keyof ProposeOptions, true> = {
  ...waitOptions,
  node: true,
  verify: true,
};
export const readOptions: Record<keyof ReadOptions, true> = {
  ...waitOptions,
  node: true,
  consistency: true,
  maxStaleMs: true,
};

/** How a call ends: by one of the two, once. */
export interface Settle<Result> {
  resolve(result: Result): void;
  reject(error: Error): void;
}

/** A call under way. */
export interface Call<Result> {
  readonly timeoutMs: number;
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
  readonly settle: Settle<Result>;
}

/** The reason to refuse what was asked for, or null. */
export function wrongOptions(options: ReadOptions & ProposeOptions): InvalidOptionError | null {
  const { consistency = 'linearizable', maxStaleMs, verify } = options;
  const wrong = wrongWait(options);
  if (wrong !== null) return wrong;
  if (verify !== undefined && typeof verify !== 'boolean') {
    return new InvalidOptionError(`verify is ${shown(verify)}. Give true or false.`);
  }
  if (!consistencies.includes(consistency)) return invalidConsistency(consistency);
  if (maxStaleMs === undefined) return null;
  const isAge = Number.isFinite(maxStaleMs) && maxStaleMs >= 0 && maxStaleMs < 2 ** 48;
  if (isAge && consistency === 'stale') return null;
  return new InvalidOptionError(
    `maxStaleMs is ${shown(maxStaleMs)} for a ${consistency} read. Give milliseconds from 0 on, for a stale one.`,
  );
}

/** The same bytes in a buffer of their own, or null if the caller's was transferred to another thread. */
export function copyOf(bytes: Uint8Array): Uint8Array | null {
  try {
    return new Uint8Array(bytes);
  } catch {
    return null;
  }
}

/** Up to here the engine keeps an array's bytes with the array; from here on each would have memory of its own. */
const heldBytesMax = 64;

/** As `copyOf`, but small ones share memory with others: for what is packed, and not posted as it is. */
export function copyToPack(bytes: Uint8Array): Uint8Array | null {
  if (bytes.length <= heldBytesMax) return copyOf(bytes);
  const copy = Buffer.allocUnsafe(bytes.length);
  copy.set(bytes);
  return copy;
}

export function detached(what: string): InvalidOptionError {
  return new InvalidOptionError(
    `The ${what}'s bytes are gone: their ArrayBuffer was transferred to another thread. Hand it over before you transfer it.`,
  );
}

export function outcomeUnknown(why: string, options?: ErrorOptions): OutcomeUnknownError {
  return new OutcomeUnknownError(
    `${why}. It may or may not take effect; propose it again only if applying it twice does no harm.`,
    options,
  );
}

export function noQuorum(timeoutMs: number): QuorumUnavailableError {
  return new QuorumUnavailableError(
    `No leader took the request within ${timeoutMs} ms, and nothing was appended. See that a majority of voters runs and is connected, or have fewer requests under way at a time; then send it again.`,
  );
}

/** @param only the one node that was asked, or null. */
export function noAnswer(timeoutMs: number, only: NodeId | null): QuorumUnavailableError {
  const node = only === null ? 'any node' : `node ${only}`;
  return new QuorumUnavailableError(
    `The query had no answer from ${node} within ${timeoutMs} ms. See that a majority of voters runs and is connected, or have fewer requests under way at a time; then ask again.`,
  );
}

/** A command is aborted that a node has. */
export function abortedTooLate({ signal }: Call<unknown>, sentTo: NodeId | null): ConclaveError {
  const why = `The command was aborted after it had been sent to node ${sentTo}: ${messageOf(signal?.reason)}`;
  return outcomeUnknown(why, { cause: signal?.reason });
}
