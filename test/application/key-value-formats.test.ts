import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import * as commands from '../../src/application/key-value/commands.js';
import { KeyValueStore } from '../../src/application/key-value/key-value-store.js';
import * as queries from '../../src/application/key-value/queries.js';
import { restoreFrom, snapshotOf } from './conformance.js';

/*
 * Logs and snapshots outlive the program that wrote them. These files stand for all that were ever written; see
 * fixtures/README.md. When one of these tests fails, the code is wrong, not the file.
 */

type Argument = string | number | null | { readonly bytes: string };
interface Call {
  readonly call: string;
  readonly arguments: readonly Argument[];
}

// The compiled test runs in dist/test/application; the fixtures stay with the source.
const fixtures = new URL('../../../test/application/fixtures/', import.meta.url);
const text = (name: string) => readFileSync(new URL(name, fixtures), 'utf8');
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const unhex = (digits: string) => new Uint8Array(Buffer.from(digits.replace(/\s/g, ''), 'hex'));

const commandsV1: readonly (Call & { command: string; result: string })[] = JSON.parse(
  text('commands-v1.json'),
);
/** Commands that came later. Each starts from what the ones before it left, and the first from nothing. */
const commandsV2: typeof commandsV1 = JSON.parse(text('commands-v2.json'));
const queriesV1: readonly (Call & { query: string; answer: string })[] = JSON.parse(text('queries-v1.json'));
const snapshotV1 = unhex(text('snapshot-v1.hex'));
const digestV1 = '20001985f67c6d6a';
const digestV2 = '2c81bd922c0ded5a';

function build(constructors: object, { call, arguments: given }: Call): Uint8Array {
  const construct = Reflect.get(constructors, call) as (...values: unknown[]) => Uint8Array;
  return construct(...given.map((one) => (typeof one === 'object' && one !== null ? unhex(one.bytes) : one)));
}

describe('key-value formats, version 1', () => {
  it('are what the constructors still write', () => {
    for (const fixture of commandsV1) expect(hex(build(commands, fixture))).to.equal(fixture.command);
    for (const fixture of queriesV1) expect(hex(build(queries, fixture))).to.equal(fixture.query);
  });

  it('have the effect, the results, the snapshot and the digest that they had', () => {
    const store = new KeyValueStore();
    for (const [i, { command, result }] of commandsV1.entries()) {
      expect(hex(store.apply(unhex(command), { index: i + 1, term: 1 }))).to.equal(result);
    }
    expect(hex(snapshotOf(store))).to.equal(hex(snapshotV1));
    expect(store.digest()).to.equal(digestV1);
  });

  it('restore from the snapshot, and answer the queries as they did', () => {
    const store = new KeyValueStore();
    restoreFrom(store, snapshotV1);
    expect(store.digest()).to.equal(digestV1);
    for (const { query, answer } of queriesV1) expect(hex(store.query(unhex(query)))).to.equal(answer);
  });
});

describe('key-value commands, version 2', () => {
  it('are what the constructors still write, and have the results that they had', () => {
    const store = new KeyValueStore();
    for (const [i, fixture] of commandsV2.entries()) {
      expect(hex(build(commands, fixture))).to.equal(fixture.command);
      expect(hex(store.apply(unhex(fixture.command), { index: i + 1, term: 1 }))).to.equal(fixture.result);
    }
    expect(store.digest()).to.equal(digestV2);
  });
});
