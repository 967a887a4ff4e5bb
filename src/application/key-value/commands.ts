import { InvalidOptionError } from '../../ground/errors.js';
import { shown } from '../../ground/option-checks.js';
import { packTuple, readTuple, type TupleElement } from './tuple.js';

/** What a key holds. Text and bytes are kept apart: `'a'` is not the byte 97. */
export type Value = string | Uint8Array;

/** The longest key, in UTF-16 code units. The shortest is 1. */
export const keyLengthMax = 1024;
/** The largest value or record, in bytes (text as UTF-8). The cluster's own limit on a command may be lower. */
export const valueBytesMax = 16 * 1024 * 1024;

/** The first element of a command. Numbers are never reused: commands stay readable as long as logs do. */
const operation = {
  put: 1,
  remove: 2,
  compareAndSet: 3,
  increment: 4,
  record: 5,
  compareAndRemove: 6,
} as const;
const elementsMax = 4;

/** A command as the store sees it. */
export type Command =
  | { readonly kind: 'put'; readonly key: string; readonly value: Value }
  | { readonly kind: 'remove'; readonly key: string }
  | {
      readonly kind: 'compareAndSet';
      readonly key: string;
      readonly expected: Value | null;
      readonly value: Value;
    }
  | { readonly kind: 'compareAndRemove'; readonly key: string; readonly expected: Value | null }
  | { readonly kind: 'increment'; readonly key: string; readonly by: number }
  | { readonly kind: 'record'; readonly bytes: Uint8Array };

/** Sets a key. @throws {InvalidOptionError} when key or value is out of bounds. */
export function put(key: string, value: Value): Uint8Array {
  return packTuple([operation.put, checkKey(key), checkValue('value', value)]);
}

/** Deletes a key. @throws {InvalidOptionError} when the key is out of bounds. */
export function remove(key: string): Uint8Array {
  return packTuple([operation.remove, checkKey(key)]);
}

/**
 * Sets a key if it holds what is expected; null expects it to be absent.
 * @throws {InvalidOptionError} when key or a value is out of bounds.
 */
export function compareAndSet(key: string, expected: Value | null, value: Value): Uint8Array {
  return packTuple([
    operation.compareAndSet,
    checkKey(key),
    checkExpected(expected),
    checkValue('value', value),
  ]);
}

/**
 * Deletes a key if it holds what is expected; null expects it to be absent, and then nothing is left to delete.
 * @throws {InvalidOptionError} when key or expected value is out of bounds.
 */
export function compareAndRemove(key: string, expected: Value | null): Uint8Array {
  return packTuple([operation.compareAndRemove, checkKey(key), checkExpected(expected)]);
}

/**
 * Adds to the integer that a key holds as decimal text; an absent key counts as 0.
 * @throws {InvalidOptionError} when the key is out of bounds or `by` is no safe integer.
 */
export function increment(key: string, by = 1): Uint8Array {
  if (!Number.isSafeInteger(by)) {
    throw new InvalidOptionError(
      `by is ${shown(by)} and an increment must be a safe integer. Pass a whole number.`,
    );
  }
  return packTuple([operation.increment, checkKey(key), by]);
}

/** Appends opaque bytes to the chain of records. @throws {InvalidOptionError} when there are too many. */
export function record(bytes: Uint8Array): Uint8Array {
  if (!(bytes instanceof Uint8Array)) {
    throw new InvalidOptionError(
      `bytes is ${shown(bytes)} and a record must be a Uint8Array. Encode text with TextEncoder first.`,
    );
  }
  checkValue('record', bytes);
  return packTuple([operation.record, bytes]);
}

/** Reads a command, or returns null when the bytes are none. Never throws. */
export function decodeCommand(bytes: Uint8Array): Command | null {
  const tuple = readTuple(bytes, elementsMax);
  if (tuple === null) return null;
  const [code, first] = tuple;
  if (code === operation.record) {
    return tuple.length === 2 && first instanceof Uint8Array ? { kind: 'record', bytes: first } : null;
  }
  return isKey(first) ? decodeKeyed(tuple, first) : null;
}

function decodeKeyed(tuple: readonly TupleElement[], key: string): Command | null {
  const [code, , second, third] = tuple;
  switch (code) {
    case operation.put:
      return tuple.length === 3 && isValue(second) ? { kind: 'put', key, value: second } : null;
    case operation.remove:
      return tuple.length === 2 ? { kind: 'remove', key } : null;
    case operation.compareAndSet:
      return tuple.length === 4 && (second === null || isValue(second)) && isValue(third)
        ? { kind: 'compareAndSet', key, expected: second, value: third }
        : null;
    case operation.compareAndRemove:
      return tuple.length === 3 && (second === null || isValue(second))
        ? { kind: 'compareAndRemove', key, expected: second }
        : null;
    case operation.increment:
      return tuple.length === 3 && typeof second === 'number' ? { kind: 'increment', key, by: second } : null;
    default:
      return null;
  }
}

/** Whether an element of a tuple can be a key. */
export function isKey(element: TupleElement | undefined): element is string {
  return typeof element === 'string' && element.length >= 1 && element.length <= keyLengthMax;
}

/** Whether an element of a tuple can be a value. */
export function isValue(element: TupleElement | undefined): element is Value {
  return typeof element === 'string' || element instanceof Uint8Array;
}

/** Half of a surrogate pair: text that has no UTF-8. */
const loneSurrogate = /\p{Surrogate}/u;

/** Returns the text. @throws {InvalidOptionError} when it cannot be written as UTF-8. */
export function checkText(what: string, text: string): string {
  if (typeof text !== 'string') {
    throw new InvalidOptionError(`A ${what} must be text and this is ${typeof text}. Pass a string.`);
  }
  if (loneSurrogate.test(text)) {
    throw new InvalidOptionError(
      `The ${what} holds half of a surrogate pair, which has no UTF-8. Pass well-formed text, or bytes.`,
    );
  }
  return text;
}

/** Returns the key. @throws {InvalidOptionError} when it is out of bounds. */
export function checkKey(key: string): string {
  checkText('key', key);
  if (key.length < 1 || key.length > keyLengthMax) {
    throw new InvalidOptionError(
      `A key has 1 to ${keyLengthMax} characters and this one has ${key.length}. Choose another key.`,
    );
  }
  return key;
}

function checkExpected(expected: Value | null): Value | null {
  return expected === null ? null : checkValue('expected value', expected);
}

function checkValue(what: string, value: Value): Value {
  if (!(value instanceof Uint8Array)) checkText(what, value);
  const bytes = typeof value === 'string' ? Buffer.byteLength(value) : value.length;
  if (bytes > valueBytesMax) {
    throw new InvalidOptionError(
      `The ${what} has ${bytes} bytes and the store takes ${valueBytesMax}. Split it, or keep it elsewhere.`,
    );
  }
  return value;
}
