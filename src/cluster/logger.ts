import { InvalidOptionError } from '../ground/errors.js';

/** What is needed of a logger: pino's interface. */
export interface Logger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** @throws {InvalidOptionError} */
export function requireLogger(logger: Logger): void {
  const has = (level: keyof Logger) => typeof (logger as Partial<Logger> | null)?.[level] === 'function';
  if (has('info') && has('warn') && has('error')) return;
  throw new InvalidOptionError(
    'The logger has no methods info, warn and error. Give one of pino, or one like it.',
  );
}
