import { ConclaveError } from '../ground/errors.js';

/** What was typed is no command or no value. Nothing was done. The message says what is expected instead. */
export class UsageError extends ConclaveError {
  constructor(message: string) {
    super('USAGE', message);
  }
}
