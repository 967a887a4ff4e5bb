import { InvalidOptionError } from '../../ground/errors.js';
import { shown } from '../../ground/option-checks.js';
import { checkKey, checkText, isKey } from './commands.js';
import { packTuple, readTuple, type TupleElement } from './tuple.js';

/** The most keys or records in one page. A page also ends once it holds `pageBytesMax`. */
export const pageLengthMax = 1000;
/** A page ends with the key or record that brings it to this many bytes. */
export const pageBytesMax = 1024 * 1024;

const question = { get: 1, listByPrefix: 2, recordAt: 3, recordCount: 4, keyCount: 5, records: 6 } as const;
const elementsMax = 4;

/** A query as the store sees it. */
export type Query =
  | { readonly kind: 'get'; readonly key: string }
  | {
      readonly kind: 'listByPrefix';
      readonly prefix: string;
      readonly limit: number;
      readonly after: string | null;
    }
  | { readonly kind: 'recordAt'; readonly position: number }
  | { readonly kind: 'recordCount' }
  | { readonly kind: 'keyCount' }
  | { readonly kind: 'records'; readonly from: number; readonly limit: number };

/** What a key holds. @throws {InvalidOptionError} when the key is out of bounds. */
export function get(key: string): Uint8Array {
  return packTuple([question.get, checkKey(key)]);
}

/**
 * The keys that start with a prefix, in order of their UTF-16 code units, with their values.
 * @param limit the most keys in the answer, 1 to `pageLengthMax`.
 * @param after leave out keys up to and with this one: the `next` of the page before.
 * @throws {InvalidOptionError} when an argument is out of bounds.
 */
export function listByPrefix(prefix: string, limit = pageLengthMax, after: string | null = null): Uint8Array {
  checkText('prefix', prefix);
  return packTuple([
    question.listByPrefix,
    prefix,
    checkLimit(limit),
    after === null ? null : checkText('key after which to go on', after),
  ]);
}

/** The record at a position; the first is 0. @throws {InvalidOptionError} when the position is no position. */
export function recordAt(position: number): Uint8Array {
  return packTuple([question.recordAt, checkPosition('position', position)]);
}

/** How many records there are. */
export function recordCount(): Uint8Array {
  return packTuple([question.recordCount]);
}

/** How many keys there are. */
export function keyCount(): Uint8Array {
  return packTuple([question.keyCount]);
}

/**
 * Consecutive records from a position on.
 * @param limit the most records in the answer, 1 to `pageLengthMax`.
 * @throws {InvalidOptionError} when an argument is out of bounds.
 */
export function records(from: number, limit = pageLengthMax): Uint8Array {
  return packTuple([question.records, checkPosition('from', from), checkLimit(limit)]);
}

/** Reads a query, or returns null when the bytes are none. Never throws. */
export function decodeQuery(bytes: Uint8Array): Query | null {
  const tuple = readTuple(bytes, elementsMax);
  if (tuple === null) return null;
  const [code, first, second] = tuple;
  switch (code) {
    case question.get:
      return tuple.length === 2 && isKey(first) ? { kind: 'get', key: first } : null;
    case question.listByPrefix:
      return decodeList(tuple);
    case question.recordAt:
      return tuple.length === 2 && isPosition(first) ? { kind: 'recordAt', position: first } : null;
    case question.recordCount:
      return tuple.length === 1 ? { kind: 'recordCount' } : null;
    case question.keyCount:
      return tuple.length === 1 ? { kind: 'keyCount' } : null;
    case question.records:
      return tuple.length === 3 && isPosition(first) && isLimit(second)
        ? { kind: 'records', from: first, limit: second }
        : null;
    default:
      return null;
  }
}

function decodeList(tuple: readonly TupleElement[]): Query | null {
  const [, prefix, limit, after] = tuple;
  if (tuple.length !== 4 || typeof prefix !== 'string' || !isLimit(limit)) return null;
  if (after !== null && typeof after !== 'string') return null;
  return { kind: 'listByPrefix', prefix, limit, after };
}

function isLimit(element: TupleElement | undefined): element is number {
  return typeof element === 'number' && element >= 1 && element <= pageLengthMax && Number.isInteger(element);
}

function isPosition(element: TupleElement | undefined): element is number {
  return typeof element === 'number' && element >= 0 && Number.isSafeInteger(element);
}

function checkLimit(limit: number): number {
  if (isLimit(limit)) return limit;
  throw new InvalidOptionError(
    `limit is ${shown(limit)} and a page holds 1 to ${pageLengthMax}. Ask for less and go on from there.`,
  );
}

function checkPosition(name: string, position: number): number {
  if (isPosition(position)) return position;
  throw new InvalidOptionError(`${name} is ${shown(position)} and a record's position is 0, 1, 2 …`);
}
