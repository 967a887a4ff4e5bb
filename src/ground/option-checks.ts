import { InvalidOptionError } from './errors.js';

/*
 * Checks of settings and arguments. What they throw names the setting, shows what it is, and says what it may be.
 */

/** A value as an error shows it. */
export function shown(value: unknown): string {
  if (value === '') return 'an empty text';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value);
}

/** @throws {InvalidOptionError} unless `value` is a whole number within the bounds. */
export function requireInteger(name: string, value: unknown, min: number, max: number): void {
  if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) return;
  throw new InvalidOptionError(
    `${name} is ${shown(value)}. Give a whole number${min === Number.MIN_SAFE_INTEGER ? '' : ` from ${min} to ${max}`}.`,
  );
}

/** @throws {InvalidOptionError} */
export function requireBoolean(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw new InvalidOptionError(`${name} is ${shown(value)}. Give true or false.`);
}

/** @throws {InvalidOptionError} unless `value` has all these methods. */
export function requireMethods(name: string, value: unknown, methods: readonly string[]): void {
  const found = Object(value) as Readonly<Record<string, unknown>>;
  if (methods.every((method) => typeof found[method] === 'function')) return;
  throw new InvalidOptionError(
    `${name} is ${shown(value)} that lacks a method. Give one with ${methods.join(', ')}.`,
  );
}

/** @throws {InvalidOptionError} unless `given` is an object, all of whose own fields are among `names`. */
export function refuseUnknown(what: string, given: unknown, names: object): void {
  const unknown = unknownIn(what, given, names);
  if (unknown !== null) throw unknown;
}

/** The reason to refuse settings among which one is unknown (a misspelt one would be missed in silence), or null. */
export function unknownIn(what: string, given: unknown, names: object): InvalidOptionError | null {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return new InvalidOptionError(`Give the ${what}s as an object; this is ${shown(given)}.`);
  }
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(names, name)) continue;
    return new InvalidOptionError(`There is no ${what} ${name}. There are ${Object.keys(names).join(', ')}.`);
  }
  return null;
}
