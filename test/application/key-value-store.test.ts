import { expect } from 'chai';
import {
  compareAndRemove,
  compareAndSet,
  increment,
  keyLengthMax,
  put,
  record,
  remove,
  type Value,
} from '../../src/application/key-value/commands.js';
import { KeyValueStore } from '../../src/application/key-value/key-value-store.js';
import { createApplication, keyValueModule } from '../../src/application/key-value/module.js';
import * as queries from '../../src/application/key-value/queries.js';
import * as results from '../../src/application/key-value/results.js';
import { ApplicationError, InvalidOptionError } from '../../src/ground/errors.js';
import { applicationConformance, restoreFrom, snapshotOf } from './conformance.js';

const bytes = (text: string) => new Uint8Array(Buffer.from(text));

applicationConformance('KeyValueStore', () => new KeyValueStore(), [
  put('colour', 'blue'),
  put('colour', 'red'),
  put('bytes', bytes('\u0000ÿ')),
  compareAndSet('colour', 'red', 'green'),
  compareAndSet('colour', 'red', 'white'),
  compareAndRemove('colour', 'red'),
  compareAndRemove('colour', 'green'),
  increment('counter', 7),
  increment('colour'),
  remove('bytes'),
  remove('absent'),
  record(bytes('a block')),
  record(new Uint8Array(70_000).fill(3)),
  record(new Uint8Array(0)),
]);

describe('KeyValueStore', () => {
  let store: KeyValueStore;
  let index: number;
  beforeEach(() => {
    store = new KeyValueStore();
    index = 0;
  });
  const apply = (command: Uint8Array) => store.apply(command, { index: ++index, term: 1 });
  const get = (key: string) => results.decodeValue(store.query(queries.get(key)));
  const list = (...page: Parameters<typeof queries.listByPrefix>) =>
    results.decodeKeyPage(store.query(queries.listByPrefix(...page)));
  const holds = (value: Value | null) => ({ ok: true, value });

  it('keeps text and bytes apart', () => {
    apply(put('text', 'a'));
    apply(put('bytes', bytes('a')));
    expect(get('text')).to.deep.equal(holds('a'));
    expect(get('bytes')).to.deep.equal(holds(bytes('a')));
  });

  it('keeps text of every plane, in keys and in values', () => {
    for (const text of ['é', '\uFEFFmarked', '日本', '🗳️', 'x'.repeat(keyLengthMax)]) {
      apply(put(text, text));
      expect(get(text)).to.deep.equal(holds(text));
    }
  });

  it('answers put and remove with what the key held', () => {
    expect(results.decodePrevious(apply(put('k', 'one')))).to.deep.equal({ ok: true, previous: null });
    expect(results.decodePrevious(apply(put('k', 'two')))).to.deep.equal({ ok: true, previous: 'one' });
    expect(results.decodePrevious(apply(remove('k')))).to.deep.equal({ ok: true, previous: 'two' });
    expect(results.decodePrevious(apply(remove('k')))).to.deep.equal({ ok: true, previous: null });
    expect(get('k')).to.deep.equal(holds(null));
  });

  it('sets by comparison only what holds the expected value, of the expected kind', () => {
    const swap = (expected: Value | null, value: Value) =>
      results.decodeSwap(apply(compareAndSet('k', expected, value)));
    expect(swap('x', 'never')).to.deep.equal({ ok: true, swapped: false, previous: null });
    expect(swap(null, 'a')).to.deep.equal({ ok: true, swapped: true, previous: null });
    expect(swap(null, 'never')).to.deep.equal({ ok: true, swapped: false, previous: 'a' });
    expect(swap(bytes('a'), 'never')).to.deep.equal({ ok: true, swapped: false, previous: 'a' });
    expect(swap('a', bytes('b'))).to.deep.equal({ ok: true, swapped: true, previous: 'a' });
    expect(swap(bytes('b'), 'c')).to.deep.equal({ ok: true, swapped: true, previous: bytes('b') });
    expect(get('k')).to.deep.equal(holds('c'));
  });

  it('deletes by comparison only what holds the expected value, of the expected kind', () => {
    const swap = (expected: Value | null) => results.decodeSwap(apply(compareAndRemove('k', expected)));
    expect(swap('a')).to.deep.equal({ ok: true, swapped: false, previous: null });
    expect(swap(null)).to.deep.equal({ ok: true, swapped: true, previous: null });
    apply(put('k', 'a'));
    for (const other of ['b', bytes('a'), null]) {
      expect(swap(other)).to.deep.equal({ ok: true, swapped: false, previous: 'a' });
    }
    expect(get('k')).to.deep.equal(holds('a'));
    expect(swap('a')).to.deep.equal({ ok: true, swapped: true, previous: 'a' });
    expect(get('k')).to.deep.equal(holds(null));
    expect(list('')).to.deep.equal({ ok: true, entries: [], next: null });
  });

  it('counts from nothing, up and down, beyond 32 bits', () => {
    const sum = (by: number) => results.decodeSum(apply(increment('n', by)));
    expect(sum(5)).to.deep.equal({ ok: true, value: 5 });
    expect(sum(-7)).to.deep.equal({ ok: true, value: -2 });
    expect(sum(2 ** 40)).to.deep.equal({ ok: true, value: 2 ** 40 - 2 });
    expect(get('n')).to.deep.equal(holds(String(2 ** 40 - 2)));
  });

  it('refuses to count where there is no whole number, and past the safe integers', () => {
    for (const value of ['blue', '', '1.5', '0x10', ' 1', '01', '9007199254740993', bytes('1')]) {
      apply(put('k', value));
      expect(results.decodeSum(apply(increment('k')))).to.include({ ok: false, code: 'NOT_A_NUMBER' });
      expect(get('k')).to.deep.equal(holds(value));
    }
    apply(put('k', String(Number.MAX_SAFE_INTEGER)));
    expect(results.decodeSum(apply(increment('k')))).to.include({ ok: false, code: 'OUT_OF_RANGE' });
    expect(get('k')).to.deep.equal(holds(String(Number.MAX_SAFE_INTEGER)));
  });

  it('lists a prefix in key order, page by page', () => {
    for (const key of ['b', 'a/3', 'a/1', 'a0', 'a/2', 'a', 'a/10']) apply(put(key, `=${key}`));
    const first = list('a/', 2);
    expect(first).to.deep.equal({
      ok: true,
      entries: [
        ['a/1', '=a/1'],
        ['a/10', '=a/10'],
      ],
      next: 'a/10',
    });
    const second = list('a/', 2, 'a/10');
    expect(second).to.deep.include({ next: null });
    expect(second.ok && second.entries.map(([key]) => key)).to.deep.equal(['a/2', 'a/3']);
    expect(list('zzz')).to.deep.equal({ ok: true, entries: [], next: null });
  });

  it('ends a page of large values early and says where to go on', () => {
    for (const key of ['a', 'b', 'c']) apply(put(key, 'x'.repeat(queries.pageBytesMax)));
    const page = list('');
    expect(page.ok && page.entries.length).to.equal(1);
    expect(page).to.include({ next: 'a' });
  });

  it('keeps records in order, readable by position and by page', () => {
    const lines = Array.from({ length: 3000 }, (_, i) => bytes(`line ${i}`.repeat(i % 50)));
    for (const [i, line] of lines.entries()) {
      expect(results.decodePosition(apply(record(line)))).to.deep.equal({ ok: true, position: i });
    }
    expect(results.decodeCount(store.query(queries.recordCount()))).to.deep.equal({ ok: true, count: 3000 });
    for (const i of [0, 1, 1499, 2999]) {
      expect(results.decodeRecord(store.query(queries.recordAt(i)))).to.deep.equal({
        ok: true,
        record: lines[i],
      });
    }
    expect(results.decodeRecord(store.query(queries.recordAt(3000)))).to.deep.equal({
      ok: true,
      record: null,
    });
    const page = results.decodeRecordPage(store.query(queries.records(1990, 20)));
    expect(page).to.deep.equal({ ok: true, records: lines.slice(1990, 2010), next: 2010 });
    const last = results.decodeRecordPage(store.query(queries.records(2995, 20)));
    expect(last).to.deep.equal({ ok: true, records: lines.slice(2995), next: null });
  });

  it('produces a block that reads as one', () => {
    apply(store.produce({ leaderId: 2, term: 3 }));
    const block = results.decodeRecord(store.query(queries.recordAt(0)));
    expect(block.ok && Buffer.from(block.record ?? []).toString()).to.equal('block by node 2 in term 3');
  });

  it('says what is wrong with a command or a query that it cannot read', () => {
    expect(results.decodePrevious(apply(bytes('nonsense')))).to.include({ code: 'MALFORMED_COMMAND' });
    expect(results.decodeValue(store.query(bytes('nonsense')))).to.include({ code: 'MALFORMED_QUERY' });
  });

  it('owns what it keeps: later writes to the command or to an answer do not reach it', () => {
    const [value, block] = [put('k', bytes('aaaa')), record(bytes('bbbb'))];
    apply(value);
    apply(block);
    value.fill(0);
    block.fill(0);
    store.query(queries.get('k')).fill(0);
    store.query(queries.recordAt(0)).fill(0);
    expect(get('k')).to.deep.equal(holds(bytes('aaaa')));
    const kept = results.decodeRecord(store.query(queries.recordAt(0)));
    expect(kept).to.deep.equal({ ok: true, record: bytes('bbbb') });
  });

  it('gives a large state in small portions', () => {
    const value = 'x'.repeat(1000);
    for (let key = 0; key < 2000; key++) apply(put(`key ${key}`, value));
    for (let block = 0; block < 2000; block++) apply(record(bytes(value)));
    const chunks = [...store.snapshot()];
    expect(chunks.length).to.be.greaterThan(50);
    expect(Math.max(...chunks.map(({ length }) => length))).to.be.at.most(72 * 1024);
  });

  it('refuses snapshots that are damaged anywhere, and keeps its state', () => {
    apply(put('k', 'v'));
    apply(record(bytes('block')));
    const snapshot = snapshotOf(store);
    const digest = store.digest();
    for (let at = 0; at < snapshot.length; at++) {
      const flipped = snapshot.slice();
      flipped[at] = (flipped[at] as number) ^ 0x10;
      expect(() => restoreFrom(store, flipped)).to.throw(ApplicationError);
      expect(() => restoreFrom(store, snapshot.subarray(0, at))).to.throw(ApplicationError);
    }
    expect(store.digest()).to.equal(digest);
    expect(get('k')).to.deep.equal(holds('v'));
  });
});

describe('key-value commands', () => {
  it('refuse arguments that no node would take', () => {
    const wrong: (() => unknown)[] = [
      () => put('', 'v'),
      () => put('k'.repeat(keyLengthMax + 1), 'v'),
      () => put('\uD800', 'v'),
      () => put('k', 'half \uDC00'),
      () => put('k', 7 as never),
      () => put(7 as never, 'v'),
      () => increment('k', 0.5),
      () => increment('k', 2 ** 53),
      () => record('text' as never),
      () => queries.listByPrefix('', 0),
      () => queries.listByPrefix('', queries.pageLengthMax + 1),
      () => queries.recordAt(-1),
      () => queries.records(0.5),
    ];
    for (const call of wrong) expect(call, call.toString()).to.throw(InvalidOptionError);
  });

  it('come in buffers of their own, which may be transferred', () => {
    for (const command of [put('k', 'v'), remove('k'), record(bytes('b')), queries.get('k')]) {
      expect(command.byteLength).to.equal(command.buffer.byteLength);
    }
    const answer = new KeyValueStore().query(queries.keyCount());
    expect(answer.byteLength).to.equal(answer.buffer.byteLength);
  });
});

describe('key-value module', () => {
  it('is loaded from its URL', async () => {
    const loaded = (await import(keyValueModule.href)) as { createApplication: typeof createApplication };
    expect(loaded.createApplication()).to.be.instanceOf(KeyValueStore);
  });

  it('has no verification round unless asked for one', () => {
    for (const store of [createApplication(), createApplication({ verify: 'none' })]) {
      expect(store.verifies).to.equal('asked');
      expect(store.verify?.(put('k', 'v'))).to.equal(true);
      expect(store.verify?.(bytes('nonsense'))).to.match(/no key-value command/);
    }
  });

  it('verifies that a command is one, and that it does not start as refused', () => {
    const wellFormed = createApplication({ verify: 'wellFormed' });
    expect(wellFormed.verify?.(put('k', 'v'))).to.equal(true);
    expect(wellFormed.verifies).to.equal('every');
    expect(wellFormed.verify?.(bytes('nonsense'))).to.match(/no key-value command/);
    const strict = createApplication({ verify: { refusePrefix: 'bad' } });
    expect(strict.verify?.(put('good', 'bad'))).to.equal(true);
    expect(strict.verify?.(put('bad/key', 'v'))).to.equal('It starts with "bad".');
    expect(strict.verify?.(record(bytes('bad block')))).to.equal('It starts with "bad".');
    expect(strict.verify?.(bytes('nonsense'))).to.match(/no key-value command/);
  });

  it('refuses options that it does not know', () => {
    for (const options of [
      7,
      null,
      { verfy: 'none' },
      { verify: 'maybe' },
      { verify: { refusePrefix: 1 } },
    ]) {
      expect(() => createApplication(options), JSON.stringify(options)).to.throw(InvalidOptionError);
    }
  });
});
