import { expect } from 'chai';
import fc from 'fast-check';
import {
  compareAndRemove,
  compareAndSet,
  increment,
  put,
  record,
  remove,
  type Value,
} from '../../src/application/key-value/commands.js';
import { KeyValueStore } from '../../src/application/key-value/key-value-store.js';
import * as queries from '../../src/application/key-value/queries.js';
import * as results from '../../src/application/key-value/results.js';
import { restoreFrom, snapshotOf } from './conformance.js';

/*
 * The store against the simplest thing that could be right: a Map and an array, sorted anew for every list. The
 * store keeps its keys in buckets, so many runs insert and delete enough keys to split and empty them.
 */

type Operation =
  | { readonly kind: 'put'; readonly key: string; readonly value: Value }
  | { readonly kind: 'remove'; readonly key: string }
  | {
      readonly kind: 'swap';
      readonly key: string;
      readonly expected: Value | null;
      readonly value: Value | null;
    }
  | { readonly kind: 'increment'; readonly key: string; readonly by: number }
  | { readonly kind: 'record'; readonly bytes: Uint8Array }
  | { readonly kind: 'list'; readonly prefix: string; readonly limit: number }
  | { readonly kind: 'restore' };

class NaiveStore {
  readonly values = new Map<string, Value>();
  readonly records: Uint8Array[] = [];

  list(prefix: string): [string, Value][] {
    return [...this.values]
      .filter(([key]) => key.startsWith(prefix))
      .sort(([one], [other]) => (one < other ? -1 : 1));
  }
}

const keys = fc.oneof(
  fc.constantFrom('a', 'b', 'n', 'a/b', 'é', '\uFFFF', '😀'),
  fc.string({ minLength: 1, maxLength: 4, unit: 'binary' }),
);
const values: fc.Arbitrary<Value> = fc.oneof(
  fc.constantFrom('', '0', '1', '-5', 'blue'),
  fc.string({ unit: 'binary' }),
  fc.uint8Array({ maxLength: 20 }),
);
const operations: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), key: keys, value: values }),
  fc.record({ kind: fc.constant('remove' as const), key: keys }),
  fc.record({
    kind: fc.constant('swap' as const),
    key: keys,
    expected: fc.option(values),
    value: fc.option(values),
  }),
  fc.record({ kind: fc.constant('increment' as const), key: keys, by: fc.maxSafeInteger() }),
  fc.record({ kind: fc.constant('record' as const), bytes: fc.uint8Array({ maxLength: 50 }) }),
  fc.record({
    kind: fc.constant('list' as const),
    prefix: fc.string({ maxLength: 1, unit: 'binary' }),
    limit: fc.integer({ min: 1, max: 5 }),
  }),
  fc.constant({ kind: 'restore' as const }),
);

describe('KeyValueStore against a naive model', () => {
  it('gives the same answers to any sequence of operations', () => {
    fc.assert(
      fc.property(fc.array(operations, { maxLength: 80, size: 'max' }), (sequence) => {
        let store = new KeyValueStore();
        const model = new NaiveStore();
        for (const [i, operation] of sequence.entries()) {
          if (operation.kind === 'restore') {
            const restored = new KeyValueStore();
            restoreFrom(restored, snapshotOf(store));
            store = restored;
          } else if (operation.kind === 'list') {
            expect(pages(store, operation.prefix, operation.limit)).to.deep.equal(
              model.list(operation.prefix),
            );
          } else {
            step(store, model, operation, i + 1);
          }
        }
        expect(pages(store, '', 7)).to.deep.equal(model.list(''));
        const page = results.decodeRecordPage(store.query(queries.records(0)));
        expect(page).to.deep.equal({ ok: true, records: model.records, next: null });
      }),
      { numRuns: 150 },
    );
  });

  it('keeps thousands of keys in order while they come and go', () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.integer({ min: 0, max: 2999 })), (stream) => {
        const store = new KeyValueStore();
        const model = new NaiveStore();
        let index = 0;
        for (const number of stream.take(2500)) {
          step(store, model, { kind: 'put', key: `key ${number}`, value: '' }, ++index);
        }
        expect(pages(store, 'key 1', 300)).to.deep.equal(model.list('key 1'));
        for (const [key] of model.list('key 2')) step(store, model, { kind: 'remove', key }, ++index);
        expect(pages(store, '', 1000)).to.deep.equal(model.list(''));
        for (const [key] of model.list('')) step(store, model, { kind: 'remove', key }, ++index);
        step(store, model, { kind: 'put', key: 'last', value: 'one' }, ++index);
        expect(pages(store, '', 1000)).to.deep.equal([['last', 'one']]);
      }),
      { numRuns: 2 },
    );
  });
});

function pages(store: KeyValueStore, prefix: string, limit: number): (readonly [string, Value])[] {
  const all: (readonly [string, Value])[] = [];
  let after: string | null = null;
  do {
    const page = results.decodeKeyPage(store.query(queries.listByPrefix(prefix, limit, after)));
    if (!page.ok) throw new Error(page.message);
    expect(page.entries.length).to.be.at.most(limit);
    all.push(...page.entries);
    after = page.next;
  } while (after !== null);
  return all;
}

function step(
  store: KeyValueStore,
  model: NaiveStore,
  operation: Exclude<Operation, { kind: 'list' | 'restore' }>,
  index: number,
): void {
  const apply = (command: Uint8Array) => store.apply(command, { index, term: 1 });
  if (operation.kind === 'record') {
    const position = model.records.push(operation.bytes) - 1;
    expect(results.decodePosition(apply(record(operation.bytes)))).to.deep.equal({ ok: true, position });
    return;
  }
  const { key } = operation;
  const previous = model.values.get(key) ?? null;
  switch (operation.kind) {
    case 'put':
      model.values.set(key, operation.value);
      expect(results.decodePrevious(apply(put(key, operation.value)))).to.deep.equal({ ok: true, previous });
      break;
    case 'remove':
      model.values.delete(key);
      expect(results.decodePrevious(apply(remove(key)))).to.deep.equal({ ok: true, previous });
      break;
    case 'swap': {
      const swapped = JSON.stringify([previous]) === JSON.stringify([operation.expected]);
      const { expected, value } = operation;
      if (swapped && value === null) model.values.delete(key);
      else if (swapped && value !== null) model.values.set(key, value);
      const result = apply(
        value === null ? compareAndRemove(key, expected) : compareAndSet(key, expected, value),
      );
      expect(results.decodeSwap(result)).to.deep.equal({ ok: true, swapped, previous });
      break;
    }
    case 'increment': {
      const value = Number(previous ?? 0) + operation.by;
      const isNumber = previous === null || String(Number(previous)) === previous;
      const result = results.decodeSum(apply(increment(key, operation.by)));
      if (!isNumber) expect(result).to.include({ code: 'NOT_A_NUMBER' });
      else if (!Number.isSafeInteger(value)) expect(result).to.include({ code: 'OUT_OF_RANGE' });
      else {
        expect(result).to.deep.equal({ ok: true, value });
        model.values.set(key, String(value));
      }
    }
  }
  expect(results.decodeValue(store.query(queries.get(key)))).to.deep.equal({
    ok: true,
    value: model.values.get(key) ?? null,
  });
}
