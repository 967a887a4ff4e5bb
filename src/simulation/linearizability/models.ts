import type { Model } from './operation.js';

export type RegisterInput =
  | { readonly type: 'read' }
  | { readonly type: 'write'; readonly value: number }
  | { readonly type: 'cas'; readonly from: number; readonly to: number };

/** What a read saw (`null` is nil), whether a compare-and-set held, `true` of a write. */
export type RegisterOutput = number | null | boolean;

/** One compare-and-set register that starts at nil. */
export const register: Model<number | null, RegisterInput, RegisterOutput> = {
  initial: null,
  step(state, input, output) {
    switch (input.type) {
      case 'read':
        return { ok: output === undefined || output === state, state };
      case 'write':
        return { ok: true, state: input.value };
      case 'cas': {
        const held = state === input.from;
        return { ok: output === undefined || output === held, state: held ? input.to : state };
      }
    }
  },
  observes: (input, output) => input.type === 'read' || (input.type === 'cas' && output === false),
  describe(input, output) {
    switch (input.type) {
      case 'read':
        return `read ${output === undefined ? '?' : `→ ${output ?? 'nil'}`}`;
      case 'write':
        return `write ${input.value}${doubt(output)}`;
      case 'cas':
        return `cas ${input.from}→${input.to}${refusal(output)}`;
    }
  },
};

export type AppendInput =
  | { readonly type: 'get'; readonly key: string }
  | { readonly type: 'put' | 'append'; readonly key: string; readonly value: string };

/** What a get saw; `true` of the others. */
export type AppendOutput = string | true;

/** A key-value store with append; a missing key reads as the empty text. */
export const kvAppend: Model<string, AppendInput, AppendOutput> = {
  initial: '',
  step(state, input, output) {
    switch (input.type) {
      case 'get':
        return { ok: output === undefined || output === state, state };
      case 'put':
        return { ok: true, state: input.value };
      case 'append':
        return { ok: true, state: state + input.value };
    }
  },
  key: ({ key }) => key,
  observes: ({ type }) => type === 'get',
  describe(input, output) {
    if (input.type === 'get') return `get ${output === undefined ? '?' : `→ ${quote(output)}`}`;
    return `${input.type} ${quote(input.value)}${doubt(output)}`;
  },
};

/** Calls of Conclave's key-value store (`src/application/key-value/`), with text for values. */
export type KeyValueInput =
  | { readonly type: 'get'; readonly key: string }
  | { readonly type: 'put'; readonly key: string; readonly value: string }
  | { readonly type: 'delete'; readonly key: string }
  /** `expected: null` is a key without a value. */
  | {
      readonly type: 'compareAndSet';
      readonly key: string;
      readonly expected: string | null;
      readonly value: string;
    }
  | { readonly type: 'increment'; readonly key: string; readonly by: number };

/**
 * What the store answers, shaped as its decoded results: `value` of a get and an increment, `previous` of a put, a
 * delete and, beside `swapped`, a compare-and-set; a `code` where an increment was refused. Bytes equal no text.
 */
export type KeyValueOutput =
  | { readonly ok: true; readonly value: string | number | Uint8Array | null }
  | { readonly ok: true; readonly previous: string | Uint8Array | null; readonly swapped?: boolean }
  | { readonly ok: false; readonly code: string };

/** Conclave's own key-value store, one key at a time; `null` is a key without a value. */
export const keyValueModel: Model<string | null, KeyValueInput, KeyValueOutput> = {
  initial: null,
  step(state, input, output) {
    const { answer, next } = perform(state, input);
    return { ok: output === undefined || isSameAnswer(output, answer), state: next };
  },
  key: ({ key }) => key,
  observes: (input, output) =>
    input.type === 'get' ||
    !output.ok ||
    ('swapped' in output && output.swapped === false) ||
    (input.type === 'delete' && 'previous' in output && output.previous === null),
  describe(input, output) {
    const answer = output === undefined ? ' ?' : describeAnswer(output);
    switch (input.type) {
      case 'get':
        return `get${answer}`;
      case 'put':
        return `put ${show(input.value)}${answer}`;
      case 'delete':
        return `delete${answer}`;
      case 'compareAndSet':
        return `cas ${show(input.expected)}→${show(input.value)}${answer}`;
      case 'increment':
        return `add ${input.by}${answer}`;
    }
  },
};

function perform(
  state: string | null,
  input: KeyValueInput,
): { answer: KeyValueOutput; next: string | null } {
  switch (input.type) {
    case 'get':
      return { answer: { ok: true, value: state }, next: state };
    case 'put':
      return { answer: { ok: true, previous: state }, next: input.value };
    case 'delete':
      return { answer: { ok: true, previous: state }, next: null };
    case 'compareAndSet': {
      const swapped = state === input.expected;
      return { answer: { ok: true, previous: state, swapped }, next: swapped ? input.value : state };
    }
    case 'increment': {
      const held = Number(state ?? 0);
      if (!INTEGER.test(state ?? '0') || !Number.isSafeInteger(held)) {
        return { answer: { ok: false, code: 'NOT_A_NUMBER' }, next: state };
      }
      const value = held + input.by;
      if (!Number.isSafeInteger(value)) return { answer: { ok: false, code: 'OUT_OF_RANGE' }, next: state };
      return { answer: { ok: true, value }, next: String(value) };
    }
  }
}

function isSameAnswer(one: KeyValueOutput, other: KeyValueOutput): boolean {
  if (!one.ok || !other.ok) return !one.ok && !other.ok && one.code === other.code;
  if ('value' in one) return 'value' in other && one.value === other.value;
  return 'previous' in other && one.previous === other.previous && one.swapped === other.swapped;
}

function describeAnswer(output: KeyValueOutput): string {
  if (!output.ok) return `: ${output.code}`;
  if ('value' in output) return ` → ${show(output.value)}`;
  const refused = output.swapped === false ? ': refused' : '';
  return `${refused} (was ${show(output.previous)})`;
}

/** How the store writes whole numbers. */
const INTEGER = /^(0|-?[1-9]\d{0,15})$/;
const QUOTED_MAX = 24;

function doubt(output: unknown): string {
  return output === undefined ? ' ?' : '';
}

function refusal(output: unknown): string {
  return output === undefined ? ' ?' : output === false ? ': refused' : '';
}

function show(value: unknown): string {
  return value === null ? 'nil' : quote(value);
}

/** Long values differ at their ends more often than at their beginnings. */
function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= QUOTED_MAX ? text : `${text.slice(0, 6)}…${text.slice(6 - QUOTED_MAX + 1)}`;
}
