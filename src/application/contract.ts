import { ApplicationError } from '../ground/errors.js';
import type { Application, SnapshotSink } from './application.js';

const methods = ['apply', 'query', 'digest'] as const;
const optionalMethods = ['snapshot', 'restore', 'verify', 'produce'] as const;

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
  if ((found.snapshot === undefined) !== (found.restore === undefined)) {
    const [has, lacks] = found.snapshot === undefined ? ['restore', 'snapshot'] : ['snapshot', 'restore'];
    throw new ApplicationError(
      `The application has a method ${has} and no method ${lacks}. Give both, or neither: its log is then kept whole.`,
    );
  }
  const { verifies } = found;
  if (verifies !== undefined && verifies !== 'every' && verifies !== 'asked') {
    throw new ApplicationError(
      `The application's verifies is ${String(verifies)}. Give 'every' or 'asked', or none.`,
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

/** What can be iterated, for chunks. @throws {ApplicationError} */
export function requireChunks(returned: unknown): Iterator<unknown> {
  const isIterable = typeof returned === 'object' && returned !== null && Symbol.iterator in returned;
  if (isIterable && !ArrayBuffer.isView(returned)) return (returned as Iterable<unknown>)[Symbol.iterator]();
  disown(returned);
  throw new ApplicationError(
    `snapshot returned ${nameOf(returned)}, and it has to return an iterable of Uint8Arrays, such as a generator`,
  );
}

/** A sink for a snapshot's bytes. @throws {ApplicationError} */
export function requireSink(returned: unknown): SnapshotSink {
  const sink = (typeof returned === 'object' && returned !== null ? returned : {}) as Partial<SnapshotSink>;
  if (typeof sink.write === 'function' && typeof sink.end === 'function') return sink as SnapshotSink;
  disown(returned);
  throw new ApplicationError(
    `restore returned ${nameOf(returned)}, and it has to return an object with the methods write and end`,
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
