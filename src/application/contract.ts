import { ApplicationError } from '../ground/errors.js';
import type { Application } from './application.js';

const methods = ['apply', 'query', 'snapshot', 'restore', 'digest'] as const;
const optionalMethods = ['verify', 'produce'] as const;

/**
 * What `createApplication` made, if it can be one: a method that is missing, or a digest that is none, shows before the
 * first command does.
 * @param giver who gave it, for the error.
 * @throws {ApplicationError}
 */
export function requireApplication(made: unknown, giver = 'createApplication returned'): Application {
  if (typeof made !== 'object' || made === null) {
    throw new ApplicationError(`${giver} ${nameOf(made)}. Give an object with ${methods.join(', ')}.`);
  }
  const found = made as Readonly<Record<string, unknown>>;
  for (const name of methods) {
    if (typeof found[name] === 'function') continue;
    throw new ApplicationError(`The application has no method ${name}. It needs ${methods.join(', ')}.`);
  }
  for (const name of optionalMethods) {
    if (found[name] === undefined || typeof found[name] === 'function') continue;
    throw new ApplicationError(
      `The application's ${name} is ${nameOf(found[name])}. Give a method, or none.`,
    );
  }
  const application = made as Application;
  requireText('digest', application.digest());
  return application;
}

/** A promise that nobody asked for may be rejected: unheard, that would end the thread. */
export function disown(returned: unknown): void {
  if (returned instanceof Promise) returned.catch(() => {});
}

/** Bytes as they are. @throws {ApplicationError} saying what a method returned instead. */
export function requireBytes(method: string, returned: unknown): Uint8Array {
  if (returned instanceof Uint8Array) return returned;
  disown(returned);
  throw new ApplicationError(`${method} returned ${nameOf(returned)}, and it has to return a Uint8Array`);
}

/**
 * A method was lent views of the log's memory, and the log still has it.
 * @throws {ApplicationError} when they were transferred, and the memory with them
 */
export function requireMemory(body: Uint8Array): void {
  if (body.byteLength > 0) return;
  throw new ApplicationError(
    'apply transferred the memory of its command, which is the log’s own; it has to transfer a copy',
  );
}

/** Text as it is. @throws {ApplicationError} */
export function requireText(method: string, returned: unknown): string {
  if (typeof returned === 'string') return returned;
  disown(returned);
  throw new ApplicationError(`${method} returned ${nameOf(returned)}, and it has to return a string`);
}

function nameOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (value instanceof Promise) return 'a promise (all methods are synchronous)';
  if (typeof value !== 'object') return `a ${typeof value}`;
  return `an object (${value.constructor?.name ?? 'without a class'})`;
}
