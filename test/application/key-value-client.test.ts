import { expect } from 'chai';
import {
  KeyValueClient,
  KeyValueError,
  type ProposesAndReads,
} from '../../src/application/key-value/client.js';
import { KeyValueStore } from '../../src/application/key-value/key-value-store.js';
import type { ProposeOptions, ReadOptions } from '../../src/ground/call-options.js';
import { ApplicationError, InvalidOptionError } from '../../src/ground/errors.js';

/** A cluster of one store, which remembers the options of the last call. */
class OneStore implements ProposesAndReads {
  readonly store = new KeyValueStore();
  index = 0;
  options: ProposeOptions | ReadOptions | undefined;

  async propose(command: Uint8Array, options?: ProposeOptions) {
    this.options = options;
    const position = { index: ++this.index, term: 4 };
    return { ...position, result: this.store.apply(command, position) };
  }

  async read(query: Uint8Array, options?: ReadOptions) {
    this.options = options;
    return { result: this.store.query(query), index: this.index };
  }
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.fail('it did not reject'),
    (error: unknown) => error,
  );
}

describe('KeyValueClient', () => {
  let cluster: OneStore;
  let client: KeyValueClient;
  beforeEach(() => {
    cluster = new OneStore();
    client = new KeyValueClient(cluster);
  });

  it('does what the store does, typed, and says where each command stands', async () => {
    expect(await client.put('k', 'a')).to.deep.equal({ index: 1, term: 4, previous: null });
    expect(await client.get('k')).to.equal('a');
    expect(await client.compareAndSet('k', 'x', 'b')).to.deep.include({ swapped: false, previous: 'a' });
    expect(await client.compareAndSet('k', 'a', 'b')).to.deep.include({ swapped: true, previous: 'a' });
    expect(await client.delete('k')).to.deep.equal({ index: 4, term: 4, previous: 'b' });
    expect(await client.get('k')).to.equal(null);
    expect(await client.increment('n')).to.include({ value: 1 });
    expect(await client.increment('n', -3)).to.include({ value: -2 });
    expect(await client.keyCount()).to.equal(1);
    expect(await client.list('', { limit: 1 })).to.deep.equal({
      ok: true,
      entries: [['n', '-2']],
      next: null,
    });
  });

  it('takes a lock that is free, and frees only its own', async () => {
    expect(await client.compareAndSet('lock', null, 'me')).to.include({ swapped: true, previous: null });
    expect(await client.compareAndSet('lock', null, 'you')).to.include({ swapped: false, previous: 'me' });
    expect(await client.compareAndSet('lock', 'you', null)).to.include({ swapped: false, previous: 'me' });
    expect(await client.compareAndDelete('lock', 'you')).to.deep.equal({
      index: 4,
      term: 4,
      deleted: false,
      previous: 'me',
    });
    expect(await client.compareAndSet('lock', 'me', null)).to.include({ swapped: true, previous: 'me' });
    expect(await client.get('lock')).to.equal(null);
    await client.put('lock', 'me');
    expect(await client.compareAndDelete('lock', 'me')).to.include({ deleted: true, previous: 'me' });
    expect(await client.keyCount()).to.equal(0);
  });

  it('appends to the chain of records and reads it back', async () => {
    const [one, two] = [new Uint8Array([1]), new Uint8Array([2])];
    expect(await client.record(one)).to.deep.equal({ index: 1, term: 4, position: 0 });
    expect(await client.record(two)).to.include({ position: 1 });
    expect(await client.recordCount()).to.equal(2);
    expect(await client.recordAt(1)).to.deep.equal(two);
    expect(await client.recordAt(2)).to.equal(null);
    expect(await client.records(0, 1)).to.deep.equal({ ok: true, records: [one], next: 1 });
  });

  it('hands options to the cluster', async () => {
    await client.put('k', 'v', { timeoutMs: 7, node: 2 });
    expect(cluster.options).to.deep.equal({ timeoutMs: 7, node: 2 });
    await client.get('k', { consistency: 'stale', node: 1 });
    expect(cluster.options).to.deep.equal({ consistency: 'stale', node: 1 });
    await client.list('', {}, { timeoutMs: 9 });
    expect(cluster.options).to.deep.equal({ timeoutMs: 9 });
  });

  it('rejects with the code of what the store refused', async () => {
    await client.put('k', 'blue');
    const error = await rejection(client.increment('k'));
    expect(error).to.be.instanceOf(KeyValueError).and.to.include({ code: 'NOT_A_NUMBER' });
  });

  it('proposes nothing when an argument is out of bounds', async () => {
    expect(await rejection(client.put('', 'v'))).to.be.instanceOf(InvalidOptionError);
    expect(cluster.index).to.equal(0);
  });

  it('rejects when the cluster runs another application', async () => {
    for (const result of [new Uint8Array(0), new Uint8Array([0xc1]), new Uint8Array([0x92, 0, 0])]) {
      const other = new KeyValueClient({
        propose: async () => ({ index: 1, term: 1, result }),
        read: async () => ({ index: 1, result }),
      });
      expect(await rejection(other.get('k'))).to.be.instanceOf(ApplicationError);
      expect(await rejection(other.list(''))).to.be.instanceOf(ApplicationError);
    }
  });
});
