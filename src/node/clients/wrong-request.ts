import { InvalidOptionError } from '../../ground/errors.js';

/** A command or a query that cannot be one. */
export function notBytes(what: string, found: unknown): InvalidOptionError {
  return new InvalidOptionError(`A ${what} is a Uint8Array; this is ${typeof found}.`);
}

export function invalidConsistency(consistency: unknown): InvalidOptionError {
  return new InvalidOptionError(`consistency is ${String(consistency)}. Give 'linearizable' or 'stale'.`);
}
