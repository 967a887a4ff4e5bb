import { readFileSync } from 'node:fs';
import { UsageError } from '../console/usage-error.js';
import { messageOf } from '../ground/thrown.js';
import type { NatsAccess } from '../router/carriers/options.js';

/** How the command line says that NATS lets a program in. @throws {UsageError} the file cannot be read */
export function natsAccessOf(raw: {
  readonly natsUser?: string | undefined;
  readonly natsPassword?: string | undefined;
  readonly natsCredentials?: string | undefined;
}): NatsAccess {
  const { natsUser: user, natsPassword: pass, natsCredentials: file } = raw;
  return {
    ...(user === undefined ? {} : { user }),
    ...(pass === undefined ? {} : { pass }),
    ...(file === undefined ? {} : { credentials: textOf(file) }),
  };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`--nats-credentials ${file} cannot be read: ${messageOf(error)}`);
  }
}
