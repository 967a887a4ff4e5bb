import { ConclaveError } from '../ground/errors.js';

/** What was typed is no command or no value. Nothing was done. The message says what is expected instead. */
export class UsageError extends ConclaveError {
  constructor(message: string) {
    super('USAGE', message);
  }
}

/** What people read of an error: its code, too, where it leads to more than the message says. */
export function messageFor({ code, message }: { readonly code: string; readonly message: string }): string {
  return code === 'USAGE' ? message : `${message} [${code}]`;
}
