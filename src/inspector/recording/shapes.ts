/* Whether a value that came from anywhere has the shape that is read of it. What is not looked at is not checked. */

export type Check = (value: unknown) => boolean;

/** Moments beyond this, in milliseconds, are none: three years. */
const atMax = 1e11;

export const text: Check = (value) => typeof value === 'string';
export const truth: Check = (value) => typeof value === 'boolean';
export const whole: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
export const amount: Check = (value) => Number.isFinite(value);
export const moment: Check = (value) => amount(value) && (value as number) >= 0 && (value as number) <= atMax;

export const oneOf =
  (...values: readonly unknown[]): Check =>
  (value) =>
    values.includes(value);

export const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);

export const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);

export const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);

/** A list of so many things, each of its kind. */
export const tuple =
  (...checks: readonly Check[]): Check =>
  (value) =>
    Array.isArray(value) && value.length === checks.length && checks.every((check, at) => check(value[at]));

export function shape(fields: Readonly<Record<string, Check>>): Check {
  const checks = Object.entries(fields);
  return (value) =>
    typeof value === 'object' &&
    value !== null &&
    checks.every(([name, check]) => check((value as Record<string, unknown>)[name]));
}
