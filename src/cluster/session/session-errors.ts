import { InvalidOptionError, OutcomeUnknownError, QuorumUnavailableError } from '../../errors.js';

const timeoutMsMax = 2 ** 31 - 1;

export function isTimeout(timeoutMs: number): boolean {
  return Number.isFinite(timeoutMs) && timeoutMs > 0 && timeoutMs <= timeoutMsMax;
}

export function invalidTimeout(timeoutMs: unknown): InvalidOptionError {
  return new InvalidOptionError(
    `timeoutMs is ${String(timeoutMs)}. Give milliseconds above 0, up to ${timeoutMsMax}.`,
  );
}

export function notBytes(what: string, found: unknown): InvalidOptionError {
  return new InvalidOptionError(`A ${what} is a Uint8Array; this is ${typeof found}.`);
}

export function outcomeUnknown(why: string): OutcomeUnknownError {
  return new OutcomeUnknownError(
    `${why}. It may or may not take effect; propose it again only if applying it twice does no harm.`,
  );
}

export function noQuorum(timeoutMs: number): QuorumUnavailableError {
  return new QuorumUnavailableError(
    `No leader took the request within ${timeoutMs} ms, and nothing was appended. See that a majority of voters runs and is connected, then send it again.`,
  );
}
