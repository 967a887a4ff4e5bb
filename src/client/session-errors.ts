import { InvalidOptionError, OutcomeUnknownError, QuorumUnavailableError } from '../ground/errors.js';
import { timeoutMsMax } from './call-options.js';

export function invalidTimeout(timeoutMs: unknown): InvalidOptionError {
  return new InvalidOptionError(
    `timeoutMs is ${String(timeoutMs)}. Give milliseconds above 0, up to ${timeoutMsMax}.`,
  );
}

export function detached(what: string): InvalidOptionError {
  return new InvalidOptionError(
    `The ${what}'s bytes are gone: their ArrayBuffer was transferred to another thread. Hand it over before you transfer it.`,
  );
}

export function outcomeUnknown(why: string): OutcomeUnknownError {
  return new OutcomeUnknownError(
    `${why}. It may or may not take effect; propose it again only if applying it twice does no harm.`,
  );
}

export function noQuorum(timeoutMs: number): QuorumUnavailableError {
  return new QuorumUnavailableError(
    `No leader took the request within ${timeoutMs} ms, and nothing was appended. See that a majority of voters runs and is connected, or have fewer requests under way at a time; then send it again.`,
  );
}

/** @param only the one node that was asked, or null. */
export function noAnswer(timeoutMs: number, only: number | null): QuorumUnavailableError {
  const node = only === null ? 'any node' : `node ${only}`;
  return new QuorumUnavailableError(
    `The query had no answer from ${node} within ${timeoutMs} ms. See that a majority of voters runs and is connected, or have fewer requests under way at a time; then ask again.`,
  );
}
