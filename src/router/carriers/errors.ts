import { ConclaveError } from '../../ground/errors.js';

/** Nobody can be let in at the address: it is taken, not this machine's, or not to be had. */
export class ListenFailedError extends ConclaveError {
  constructor(address: string, cause: unknown) {
    super(
      'LISTEN_FAILED',
      `Cannot listen at ${address}: ${reasonOf(cause)}. Give an address of this machine with a port that is free.`,
      { cause },
    );
  }
}

/** Certificates cannot be read, do not belong together, or do not name whom they should. Those in use stay so. */
export class CredentialsError extends ConclaveError {
  constructor(what: string, advice: string, options?: ErrorOptions) {
    super('CREDENTIALS', `${what} ${advice}`, options);
  }
}

/** A package that only some need is not installed. */
export class MissingPackageError extends ConclaveError {
  constructor(name: string, purpose: string, cause: unknown) {
    super(
      'MISSING_PACKAGE',
      `${purpose} needs the package ${name}, which is not installed: npm install ${name}`,
      {
        cause,
      },
    );
  }
}

/** The classes by code, for errors that cross threads. */
export const carrierErrors = {
  LISTEN_FAILED: ListenFailedError,
  CREDENTIALS: CredentialsError,
  MISSING_PACKAGE: MissingPackageError,
};

export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Node reports a name with several addresses as a list of errors without a message of its own.
  if (error.message !== '') return error.message;
  return error instanceof AggregateError ? error.errors.map(reasonOf).join('; ') : error.name;
}
