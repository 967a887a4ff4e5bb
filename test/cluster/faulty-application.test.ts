import { expect } from 'chai';
import type { ClusterEventMap } from '../../src/client/events.js';
import type { ClusterOptions } from '../../src/cluster/options.js';
import { RaftCluster } from '../../src/cluster/raft-cluster.js';
import { ApplicationError, OutcomeUnknownError } from '../../src/ground/errors.js';
import type { NodeId } from '../../src/raft/entry.js';
import { DirectoryLockedError } from '../../src/storage/errors.js';
import { outcomeOf, text } from '../client/session-world.js';
import { removeDirectory, temporaryDirectory } from '../storage/temporary-directory.js';
import { nextEvent } from './events-of.js';

/** What a command of unknown outcome went down with. */
function poisonOf(error: unknown): ApplicationError {
  expect(error)
    .to.be.instanceOf(OutcomeUnknownError)
    .with.property('cause')
    .that.is.instanceOf(ApplicationError);
  return (error as Error).cause as ApplicationError;
}

const module = new URL('./faulty-application.js', import.meta.url);

describe('a cluster of somebody else’s application', () => {
  const clusters: RaftCluster[] = [];
  afterEach(async () => {
    for (const cluster of clusters.splice(0)) await cluster.close();
  });

  async function start(options: ClusterOptions = {}): Promise<RaftCluster> {
    const cluster = await RaftCluster.start({ nodes: 3, application: { module }, ...options });
    clusters.push(cluster);
    return cluster;
  }

  it('outlives questions whose answers cannot be sent', async () => {
    const cluster = await start();
    const died: number[] = [];
    cluster.events.on('nodeDied', ({ id }) => died.push(id));
    for (const question of ['function', 'promise', 'rejection', 'nothing at all']) {
      expect(await outcomeOf(cluster.read(text(question)))).to.equal('APPLICATION_FAILED');
      expect(await outcomeOf(cluster.read(text(question), { node: 1, consistency: 'stale' }))).to.equal(
        'APPLICATION_FAILED',
      );
    }
    const { result } = await cluster.read(text('view'));
    expect(result).to.have.length(4);
    expect(result.buffer.byteLength, 'nothing else came with it').to.equal(4);
    expect(died).to.deep.equal([]);
  });

  it('tells the proposer and everybody else when the application fails to apply a command, where and how', async () => {
    const cluster = await start({ leader: 0 });
    await cluster.propose(text('good'));
    const failures: ClusterEventMap['applicationFailed'][] = [];
    const deaths: NodeId[] = [];
    cluster.events.on('applicationFailed', (failure) => failures.push(failure));
    cluster.events.on('nodeDied', ({ id }) => deaths.push(id));
    const [poison, later] = await Promise.all(
      ['poison', 'innocent'].map((command) =>
        cluster.propose(text(command)).then(
          () => null,
          (error: unknown) => error,
        ),
      ),
    );
    const { index } = poisonOf(poison);
    expect(index).to.be.a('number');
    expect((poison as Error).message).to.match(
      new RegExp(`^Node [012] .*: The application failed to apply entry ${index}: it is too much`),
    );
    expect(poisonOf(later).index, 'it went down with the node').to.equal(index);
    while (deaths.length < 3) await nextEvent(cluster, 'nodeDied');
    expect(failures.map(({ id }) => id).sort()).to.deep.equal([0, 1, 2]);
    for (const failure of failures) {
      expect(failure.index).to.equal(index);
      expect(failure.error).to.be.instanceOf(ApplicationError);
      expect(failure.error.stack, 'where it was thrown').to.match(/RangeError: it is too much\n +at .*apply/);
    }
    expect(cluster.failures().map(({ restartInMs }) => restartInMs)).to.deep.equal([null, null, null]);
    expect((await cluster.info(1)).failure).to.match(/failed to apply entry/);
  });

  it('outlives a command whose bytes are handed to another thread before they are sent', async () => {
    const cluster = await start();
    await cluster.waitForLeader();
    const command = text('handed on');
    const proposed = cluster.propose(command);
    structuredClone(command, { transfer: [command.buffer] });
    expect(Buffer.from((await proposed).result).toString()).to.equal('handed on');
  });

  it('shows a log of many pages whole, and parts of it', async () => {
    const cluster = await start({ nodes: 1 });
    const commands = Array.from({ length: 3000 }, (_, at) => `${at}`);
    await Promise.all(commands.map((command) => cluster.propose(text(command))));
    const shown = (await cluster.log(0)).filter(({ kind }) => kind === 'command');
    expect(shown.map(({ command }) => Buffer.from(command).toString())).to.deep.equal(commands);
    const part = await cluster.log(0, 1000, 2999);
    expect(part.map(({ index }) => index)).to.deep.equal(Array.from({ length: 2000 }, (_, at) => 1000 + at));
    expect(await cluster.log(0, 9000)).to.deep.equal([]);
  });

  const unmade: [string, ClusterOptions['application'], RegExp][] = [
    [
      'that is not there',
      { module: new URL('./nowhere.js', import.meta.url) },
      /nowhere\.js could not be made: Cannot find/,
    ],
    [
      'that throws in the making',
      { module, options: { throws: 'no licence' } },
      /could not be made: no licence/,
    ],
    ['that lacks a method', { module, options: { lacks: 'restore' } }, /no method restore/],
    ['whose digest is no text', { module, options: { lacks: 'digest' } }, /digest returned a number/],
  ];
  for (const [what, application, message] of unmade) {
    it(`does not start with one ${what}, and says which`, async () => {
      const error = await RaftCluster.start({ nodes: 1, application: application as never }).catch(
        (reason: unknown) => reason,
      );
      expect(error).to.be.instanceOf(ApplicationError).with.property('message').that.matches(message);
      expect((error as Error).stack, 'where that happened').to.match(/Caused by: /);
    });
  }

  it('does not start in a directory that is in use, and says by whom', async () => {
    const directory = temporaryDirectory();
    try {
      const storage = { kind: 'disk', directory } as const;
      await start({ nodes: 1, storage });
      const error = await RaftCluster.start({ nodes: 1, storage }).catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(DirectoryLockedError).and.include({ pid: process.pid });
      expect((error as Error).message).to.match(/this process itself: close the other cluster/);
      for (const cluster of clusters.splice(0)) await cluster.close();
    } finally {
      removeDirectory(directory);
    }
  });

  it('refuses options of a call that there are not', async () => {
    const cluster = await start({ nodes: 1 });
    const wrong = { timeout: 5 } as never;
    expect(await outcomeOf(cluster.propose(text('a'), wrong))).to.equal('INVALID_OPTION');
    expect(await outcomeOf(cluster.read(text('a'), wrong))).to.equal('INVALID_OPTION');
    expect(await outcomeOf(cluster.propose(text('a'), null as never))).to.equal('INVALID_OPTION');
    expect(await outcomeOf(cluster.waitForLeader(wrong))).to.equal('INVALID_OPTION');
    expect(await outcomeOf(cluster.waitForLeader({ otherThan: 7 }))).to.equal('INVALID_OPTION');
    expect(await outcomeOf(cluster.setCandidacy(0, 'yes' as never))).to.equal('INVALID_OPTION');
    expect(() => cluster.partition([0] as never)).to.throw(/list of lists/);
    expect(() => cluster.watch(5 as never)).to.throw(/a function/);
  });
});
