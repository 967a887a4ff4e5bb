import { expect } from 'chai';
import { KeyValueClient } from '../../src/application/key-value/client.js';
import { OutcomeUnknownError } from '../../src/ground/errors.js';
import type { CipherOptions } from '../../src/wire/cipher.js';
import { ServerWorld } from './server-world.js';

/*
 * Keys get old, and leak. They are changed as the README says, by two rounds of restarts under load: a member that has
 * been restarted and one that has not yet have to understand each other at every moment.
 */

const former = new Uint8Array(32).fill(1);
const next = new Uint8Array(32).fill(2);

function aes(key: Uint8Array, ...oldKeys: Uint8Array[]): CipherOptions {
  return { kind: 'aes-256-gcm', key, oldKeys };
}

/** A client that counts up, one call after another, until it is told to stop. */
class Counting {
  acknowledged = 0;
  unknown = 0;
  readonly failures: unknown[] = [];
  readonly #ended: Promise<void>;
  #isStopped = false;
  #heard = () => {};

  constructor(store: KeyValueClient) {
    this.#ended = this.#count(store);
  }

  async #count(store: KeyValueClient): Promise<void> {
    while (!this.#isStopped) {
      try {
        await store.increment('count', 1, { timeoutMs: 30_000 });
        this.acknowledged++;
      } catch (error) {
        // Its leader ended while it had the command.
        if (error instanceof OutcomeUnknownError) this.unknown++;
        else this.failures.push(error);
      }
      this.#heard();
    }
  }

  /** So many more calls have been acknowledged than now. */
  async advance(calls: number): Promise<void> {
    const aim = this.acknowledged + calls;
    while (this.acknowledged < aim && this.failures.length === 0) {
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#ended;
  }
}

describe('A change of the key, member by member', function () {
  this.timeout(120_000);
  let world: ServerWorld;
  beforeEach(async () => {
    world = await ServerWorld.of([1, 2, 3]);
  });
  afterEach(() => world.end());

  async function changeTo(cipher: CipherOptions, counting: Counting): Promise<void> {
    for (const id of [1, 2, 3]) {
      await world.stop(id);
      await counting.advance(3);
      await world.start(id, { cipher });
      await world.ready();
      await counting.advance(3);
    }
  }

  it('costs no service, and leaves logs that every member reads', async () => {
    await world.startAll({ cipher: aes(former) });
    const store = new KeyValueClient(await world.connect());
    const counting = new Counting(store);
    await counting.advance(5);
    await changeTo(aes(former, next), counting);
    await changeTo(aes(next, former), counting);
    await counting.stop();
    expect(counting.failures).to.deep.equal([]);
    const count = Number(await store.get('count', { timeoutMs: 20_000 }));
    expect(count).to.be.within(counting.acknowledged, counting.acknowledged + counting.unknown);
    for (const id of [1, 2, 3]) {
      expect(Number(await store.get('count', { node: id, timeoutMs: 20_000 }))).to.equal(count);
    }
  });

  it('is refused, and changes nothing, where the former key is forgotten while the log needs it', async () => {
    await world.startAll({ cipher: aes(former) });
    const store = new KeyValueClient(await world.connect());
    await store.put('colour', 'blue', { timeoutMs: 20_000 });
    await world.stop(3);
    const refusal = await world.start(3, { cipher: aes(next) }).catch((error: unknown) => error);
    expect(refusal).to.include({ code: 'WRONG_KEY' });
    await world.start(3, { cipher: aes(former, next) });
    await world.ready();
    expect(await store.get('colour', { node: 3, timeoutMs: 20_000 })).to.equal('blue');
  });
});
