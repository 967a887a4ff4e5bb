import type { WaitOptions } from './call-options.js';
import { AbortedError, InvalidOptionError } from './errors.js';
import { shown } from './option-checks.js';
import { messageOf } from './thrown.js';

export const waitOptions: Record<keyof WaitOptions, true> = { timeoutMs: true, signal: true };
export const timeoutMsDefault = 5000;
const timeoutMsMax = 2 ** 31 - 1;

/** The reason to refuse a wait, or null. */
export function wrongWait({ timeoutMs, signal }: WaitOptions): InvalidOptionError | null {
  const isTimeout = Number.isFinite(timeoutMs) && Number(timeoutMs) > 0 && Number(timeoutMs) <= timeoutMsMax;
  if (timeoutMs !== undefined && !isTimeout) {
    return new InvalidOptionError(
      `timeoutMs is ${shown(timeoutMs)}. Give milliseconds above 0, up to ${timeoutMsMax}.`,
    );
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    return new InvalidOptionError(`signal is ${shown(signal)}. Give the signal of an AbortController.`);
  }
  return null;
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
