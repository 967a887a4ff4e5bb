import { ApplicationError } from '../../ground/errors.js';
import { isValue, type Value } from './commands.js';
import { pageLengthMax } from './queries.js';
import { packTuple, readTuple, type TupleElement } from './tuple.js';

/** Why a command had no effect, or a query no answer. */
export const failureCodes = ['MALFORMED_COMMAND', 'MALFORMED_QUERY', 'NOT_A_NUMBER', 'OUT_OF_RANGE'] as const;
export type FailureCode = (typeof failureCodes)[number];

/** The command changed nothing. */
export interface Failure {
  readonly ok: false;
  readonly code: FailureCode;
  readonly message: string;
}

/** The outcome of `put` and `remove`: what the key held before, or null. */
export type PreviousResult = { readonly ok: true; readonly previous: Value | null } | Failure;
/** The outcome of `compareAndSet` and `compareAndRemove`: whether it was done, and what the key held before, or null. */
export type SwapResult =
  | { readonly ok: true; readonly swapped: boolean; readonly previous: Value | null }
  | Failure;
/** The outcome of `increment`: the sum. */
export type SumResult = { readonly ok: true; readonly value: number } | Failure;
/** The outcome of `record`: where it stands in the chain; the first is 0. */
export type PositionResult = { readonly ok: true; readonly position: number } | Failure;
/** The answer to `get`: null when the key is absent. */
export type ValueResult = { readonly ok: true; readonly value: Value | null } | Failure;
/** The answer to `recordAt`: null past the end of the chain. */
export type RecordResult = { readonly ok: true; readonly record: Uint8Array | null } | Failure;
/** The answer to `recordCount` and `keyCount`. */
export type CountResult = { readonly ok: true; readonly count: number } | Failure;
/** A page of keys and values. `next` is the `after` of the page that follows, or null at the end. */
export interface KeyPage {
  readonly ok: true;
  readonly entries: readonly (readonly [key: string, value: Value])[];
  readonly next: string | null;
}
/** A page of records, the first of them at the position asked for. `next` is the position after it, or null at the end. */
export interface RecordPage {
  readonly ok: true;
  readonly records: readonly Uint8Array[];
  readonly next: number | null;
}

const status = { ok: 0, failed: 1 } as const;
const elementsMax = 2 + 2 * pageLengthMax;

/** Packs the outcome of what was done. */
export function success(...elements: readonly TupleElement[]): Uint8Array {
  return packTuple([status.ok, ...elements]);
}

/** Packs the reason why nothing was done. */
export function failure(code: FailureCode, message: string): Uint8Array {
  return packTuple([status.failed, code, message]);
}

/** @throws {ApplicationError} when the bytes are no such result. */
export function decodePrevious(result: Uint8Array): PreviousResult {
  return decode(result, ([previous], count) =>
    count === 1 && isValueOrNull(previous) ? { ok: true, previous } : null,
  );
}

/** @throws {ApplicationError} when the bytes are no such result. */
export function decodeSwap(result: Uint8Array): SwapResult {
  return decode(result, ([swapped, previous], count) =>
    count === 2 && (swapped === 0 || swapped === 1) && isValueOrNull(previous)
      ? { ok: true, swapped: swapped === 1, previous }
      : null,
  );
}

/** @throws {ApplicationError} when the bytes are no such result. */
export function decodeSum(result: Uint8Array): SumResult {
  return decode(result, ([value], count) =>
    count === 1 && typeof value === 'number' ? { ok: true, value } : null,
  );
}

/** @throws {ApplicationError} when the bytes are no such result. */
export function decodePosition(result: Uint8Array): PositionResult {
  return decode(result, ([position], count) =>
    count === 1 && typeof position === 'number' ? { ok: true, position } : null,
  );
}

/** @throws {ApplicationError} when the bytes are no such result. */
export function decodeValue(result: Uint8Array): ValueResult {
  return decode(result, ([value], count) =>
    count === 1 && isValueOrNull(value) ? { ok: true, value } : null,
  );
}

/** @throws {ApplicationError} when the bytes are no such result. */
export function decodeRecord(result: Uint8Array): RecordResult {
  return decode(result, ([record], count) =>
    count === 1 && (record === null || record instanceof Uint8Array) ? { ok: true, record } : null,
  );
}

/** @throws {ApplicationError} when the bytes are no such result. */
export function decodeCount(result: Uint8Array): CountResult {
  return decode(result, ([value], count) =>
    count === 1 && typeof value === 'number' ? { ok: true, count: value } : null,
  );
}

/** @throws {ApplicationError} when the bytes are no such result. */
export function decodeKeyPage(result: Uint8Array): KeyPage | Failure {
  return decode(result, ([next, ...flat], count) => {
    if (count % 2 === 0 || (next !== null && typeof next !== 'string')) return null;
    const entries: [string, Value][] = [];
    for (let i = 0; i < flat.length; i += 2) {
      const [key, value] = [flat[i], flat[i + 1]];
      if (typeof key !== 'string' || !isValue(value)) return null;
      entries.push([key, value]);
    }
    return { ok: true, entries, next };
  });
}

/** @throws {ApplicationError} when the bytes are no such result. */
export function decodeRecordPage(result: Uint8Array): RecordPage | Failure {
  return decode(result, ([next, ...flat]) => {
    if (next !== null && typeof next !== 'number') return null;
    const records = flat.filter((element) => element instanceof Uint8Array);
    return records.length === flat.length ? { ok: true, records, next } : null;
  });
}

function decode<Success>(
  result: Uint8Array,
  open: (elements: readonly TupleElement[], count: number) => Success | null,
): Success | Failure {
  const tuple = readTuple(result, elementsMax);
  if (tuple?.[0] === status.ok) {
    const opened = open(tuple.slice(1), tuple.length - 1);
    if (opened !== null) return opened;
  }
  if (tuple?.[0] === status.failed && tuple.length === 3) {
    const [, name, message] = tuple;
    const code = failureCodes.find((known) => known === name);
    if (code !== undefined && typeof message === 'string') return { ok: false, code, message };
  }
  throw new ApplicationError(
    `A result of ${result.length} bytes is not what the key-value store answers to this. Decode each result with the decoder of its command, and run the same version on every side.`,
  );
}

function isValueOrNull(element: TupleElement | undefined): element is Value | null {
  return element === null || isValue(element);
}
