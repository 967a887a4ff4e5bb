import type { ProposeOptions, ReadOptions, WaitOptions } from '../ground/call-options.js';
import {
  AbortedError,
  type ConclaveError,
  InvalidOptionError,
  OutcomeUnknownError,
  QuorumUnavailableError,
} from '../ground/errors.js';
import { shown } from '../ground/option-checks.js';
import { messageOf } from '../ground/thrown.js';
import { invalidConsistency } from '../node/clients/client-requests.js';
import type { NodeId } from '../raft/entry.js';

export const waitOptions: Record<keyof WaitOptions, true> = { timeoutMs: true, signal: true };
export const proposeOptions: Record<keyof ProposeOptions, true> = { ...waitOptions, node: true };
export const readOptions: Record<keyof ReadOptions, true> = { ...proposeOptions, consistency: true };

export const timeoutMsDefault = 5000;
const timeoutMsMax = 2 ** 31 - 1;

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
export function wrongOptions({ timeoutMs, signal, consistency }: ReadOptions): InvalidOptionError | null {
  const isTimeout = Number.isFinite(timeoutMs) && Number(timeoutMs) > 0 && Number(timeoutMs) <= timeoutMsMax;
  if (timeoutMs !== undefined && !isTimeout) {
    return new InvalidOptionError(
      `timeoutMs is ${shown(timeoutMs)}. Give milliseconds above 0, up to ${timeoutMsMax}.`,
    );
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    return new InvalidOptionError(`signal is ${shown(signal)}. Give the signal of an AbortController.`);
  }
  const isConsistency =
    consistency === undefined || consistency === 'linearizable' || consistency === 'stale';
  return isConsistency ? null : invalidConsistency(consistency);
}

/** The same bytes in a buffer of their own, or null if the caller's was transferred to another thread. */
export function copyOf(bytes: Uint8Array): Uint8Array | null {
  try {
    return new Uint8Array(bytes);
  } catch {
    return null;
  }
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

const abortions = {
  command: 'The command was aborted before it was sent, and nothing was appended',
  query: 'The query was aborted before it was answered',
  wait: 'The wait was aborted',
} as const;

/** A call ends before anything of it was appended, because its caller's signal says so. */
export function aborted(what: keyof typeof abortions, signal: AbortSignal | undefined): AbortedError {
  const reason: unknown = signal?.reason;
  return new AbortedError(`${abortions[what]}: ${messageOf(reason)}`, { cause: reason });
}

/** The reason to refuse a call whose signal is aborted already, or null. */
export function abortedBefore(what: keyof typeof abortions, { signal }: WaitOptions): AbortedError | null {
  return signal?.aborted === true ? aborted(what, signal) : null;
}

/** A command is aborted that a node has. */
export function abortedTooLate({ signal }: Call<unknown>, sentTo: NodeId | null): ConclaveError {
  const why = `The command was aborted after it had been sent to node ${sentTo}: ${messageOf(signal?.reason)}`;
  return outcomeUnknown(why, { cause: signal?.reason });
}

const heardOf = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls back when the signal is aborted, unless what is returned is called before. One listener a signal, for all. */
export function onAbort(signal: AbortSignal, heard: () => void): () => void {
  const all = heardOf.get(signal) ?? new Set();
  if (!heardOf.has(signal)) {
    heardOf.set(signal, all);
    signal.addEventListener('abort', () => {
      for (const each of all) each();
    });
  }
  all.add(heard);
  return () => all.delete(heard);
}
