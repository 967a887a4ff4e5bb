import { expect } from 'chai';
import { ClusterEvents, SnapshotTeller } from '../../src/client/events.js';
import { traced } from '../../src/client/traced.js';
import { ApplicationError, ConclaveError } from '../../src/ground/errors.js';

describe('The events of a cluster', () => {
  it('are told in the order in which listeners came, to each as long as it listens', () => {
    const events = new ClusterEvents();
    const told: string[] = [];
    const first = () => told.push('first');
    events.on('nodeStopped', first).on('nodeStopped', ({ id }) => told.push(`second ${id}`));
    events.once('nodeStopped', () => told.push('once'));
    events.emit('nodeStopped', { id: 3 });
    events.off('nodeStopped', first);
    events.emit('nodeStopped', { id: 4 });
    events.emit('nodeRevived', { id: 4 });
    expect(told).to.deep.equal(['first', 'second 3', 'once', 'second 4']);
    expect(events.hears('nodeStopped')).to.equal(true);
    expect(events.hears('nodeRevived')).to.equal(false);
  });

  it('may have any number of listeners', async () => {
    const warnings: Error[] = [];
    const note = (warning: Error) => warnings.push(warning);
    process.on('warning', note);
    const events = new ClusterEvents();
    for (let more = 0; more < 50; more++) events.on('healed', () => {});
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', note);
    expect(warnings).to.deep.equal([]);
  });

  it('reach every listener, whatever another throws, which is thrown later', async () => {
    const events = new ClusterEvents();
    let heard = 0;
    events.on('healed', () => {
      throw new Error('of a listener');
    });
    events.on('healed', () => heard++);
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    const thrown = new Promise<Error>((resolve) => process.once('uncaughtException', resolve));
    events.emit('healed', {});
    expect(heard).to.equal(1);
    expect((await thrown).message).to.equal('of a listener');
    for (const other of others) process.on('uncaughtException', other);
  });
});

describe('News of a node’s snapshots', () => {
  it('are events, by what became of them', () => {
    const events = new ClusterEvents();
    const told: unknown[] = [];
    for (const name of ['snapshotTaken', 'snapshotInstalled', 'snapshotRestored'] as const) {
      events.on(name, (event) => told.push([name, event]));
    }
    const teller = new SnapshotTeller(events);
    for (const type of ['taken', 'installed', 'restored'] as const) {
      teller.tell(2, { type, index: 9, term: 3, bytes: 100 });
    }
    const event = { id: 2, index: 9, term: 3, bytes: 100 };
    expect(told).to.deep.equal([
      ['snapshotTaken', event],
      ['snapshotInstalled', event],
      ['snapshotRestored', event],
    ]);
  });

  it('are warnings where something is wrong, each told once', () => {
    const events = new ClusterEvents();
    const told: unknown[] = [];
    events.on('warning', (warning) => told.push(warning));
    const teller = new SnapshotTeller(events);
    for (const message of ['one', 'two', 'one']) teller.tell(1, { type: 'warning', message });
    expect(told).to.deep.equal([
      { code: 'SNAPSHOTS', message: 'one' },
      { code: 'SNAPSHOTS', message: 'two' },
    ]);
  });

  it('are warnings of the process where nobody listens', async () => {
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
    new SnapshotTeller(new ClusterEvents()).tell(1, { type: 'warning', message: 'The log is kept whole.' });
    expect(await warned).to.include({
      name: 'ConclaveWarning',
      code: 'SNAPSHOTS',
      message: 'The log is kept whole.',
    });
  });
});

describe('An error that came from elsewhere', () => {
  async function caller<Result>(work: Promise<Result>): Promise<Result> {
    return await traced(work);
  }
  const of = (work: Promise<unknown>): Promise<Error> =>
    caller(work).then(
      () => expect.fail('It was not rejected.'),
      (error: Error) => error,
    );

  it('leads to whoever waits for it, and is the same in all else', async () => {
    const cause = new Error('the cause');
    const told = new ApplicationError('It failed.', { cause }, 7);
    told.stack = `${told.name}: It failed at (once.\n    at elsewhere (application.js:1:1)`;
    const error = await of(Promise.reject(told));
    expect(error).to.be.instanceOf(ApplicationError);
    expect(error).to.not.equal(told);
    expect(error).to.include({ code: 'APPLICATION_FAILED', message: 'It failed.', cause, index: 7 });
    // The application's own place comes first.
    expect(error.stack).to.match(
      /^ApplicationError: It failed at \(once\.\n +at elsewhere .*\n(?: +at .*\n)* +at async caller/,
    );
    const plain = await of(Promise.reject(new ConclaveError('CODE', 'Something.')));
    expect(plain).to.include({ code: 'CODE', name: 'ConclaveError', message: 'Something.' });
    expect('cause' in plain).to.equal(false);
    expect(plain.stack).to.match(/^ConclaveError: Something\.\n +at /);
    expect(plain.stack?.match(/at async caller/g)).to.have.length(1);
  });

  it('that is none of ours is left as it is, and so is what came well', async () => {
    const error = new TypeError('of another kind');
    expect(await of(Promise.reject(error))).to.equal(error);
    expect(await caller(Promise.resolve('well'))).to.equal('well');
  });
});
