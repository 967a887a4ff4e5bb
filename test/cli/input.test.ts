import { expect } from 'chai';
import { InputReplication } from '../../src/cli/input/input.js';
import { OutcomeUnknownError } from '../../src/ground/errors.js';

type Outcome = { index: number; term: number; position: number };

/** A store whose answers the test gives. */
class SlowStore {
  readonly taken: { line: string; resolve: (outcome: Outcome) => void; reject: (error: Error) => void }[] =
    [];
  #waiting: (() => void) | null = null;

  record(bytes: Uint8Array): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.taken.push({ line: Buffer.from(bytes).toString(), resolve, reject });
      this.#waiting?.();
    });
  }

  acknowledge(at: number): void {
    this.taken[at]?.resolve({ index: at + 1, term: 1, position: at });
  }

  async until(count: number): Promise<void> {
    while (this.taken.length < count) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
  }
}

async function* text(lines: number) {
  for (let line = 1; line <= lines; line++) yield Buffer.from(`line ${line}\n`);
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('replicating input', () => {
  it('proposes lines in order without waiting for each, and counts those acknowledged without a gap', async () => {
    const store = new SlowStore();
    const replication = new InputReplication(store);
    const run = replication.run(text(4));
    await store.until(4);
    expect(store.taken.map(({ line }) => line)).to.deep.equal(['line 1', 'line 2', 'line 3', 'line 4']);
    store.acknowledge(1);
    store.acknowledge(0);
    store.acknowledge(3);
    await turn();
    expect(replication.progress.acknowledged).to.equal(2);
    store.acknowledge(2);
    await run;
    expect(replication.progress.acknowledged).to.equal(4);
  });

  it('reads no more while a bounded number is under way', async () => {
    const store = new SlowStore();
    const replication = new InputReplication(store);
    const run = replication.run(text(2_000));
    await store.until(1_024);
    for (let at = 0; at < 50; at++) await turn();
    expect(store.taken).to.have.length(1_024);
    store.acknowledge(0);
    await store.until(1_025);
    for (let at = 1; at < 2_000; at++) {
      await store.until(at + 1);
      store.acknowledge(at);
    }
    await run;
    expect(replication.progress.acknowledged).to.equal(2_000);
  });

  it('ends with the first failure, and names its line', async () => {
    const store = new SlowStore();
    const replication = new InputReplication(store);
    const run = replication.run(text(3)).then(
      () => null,
      (error: unknown) => error,
    );
    await store.until(3);
    store.taken[1]?.reject(new OutcomeUnknownError('It may take effect.'));
    store.acknowledge(0);
    store.acknowledge(2);
    expect(await run).to.be.instanceOf(OutcomeUnknownError);
    expect(replication.failedLine).to.equal(2);
    expect(replication.progress.acknowledged).to.equal(1);
  });
});
