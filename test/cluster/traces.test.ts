import { expect } from 'chai';
import { KeyValueClient } from '../../src/application/key-value/client.js';
import { RaftCluster } from '../../src/cluster/raft-cluster.js';
import { ApplicationError, NodeDeadError } from '../../src/ground/errors.js';

/* An error is made where a node's answer comes in, far from whoever asked. Its stack is to lead there. */

describe('the stack of an error of a cluster', () => {
  let cluster: RaftCluster;

  before(async () => {
    cluster = await RaftCluster.start({ nodes: 3 });
    await cluster.waitForLeader();
  });

  after(() => cluster.close());

  async function errorOf(call: () => Promise<unknown>): Promise<Error> {
    try {
      await call();
    } catch (error) {
      return error as Error;
    }
    throw new Error('It went well.');
  }

  async function caller(call: () => Promise<unknown>): Promise<Error> {
    return errorOf(async function namedCaller() {
      await call();
    });
  }

  const calls: [what: string, call: () => Promise<unknown>][] = [
    ['a proposal', () => cluster.propose(new Uint8Array(2 ** 21))],
    ['a proposal at a follower', () => cluster.propose(new Uint8Array(1), { node: follower() })],
    ['a query of the store', () => new KeyValueClient(cluster).get('a', { node: 9 })],
    ['a log', () => cluster.log(9)],
    ['a wait', () => cluster.waitForLeader({ otherThan: [0, 1, 2], timeoutMs: 1 })],
    ['a start', () => RaftCluster.start({ nodes: 1, application: { module: 'nowhere' } })],
  ];

  const follower = () => (cluster.leader()?.id === 0 ? 1 : 0);

  for (const [what, call] of calls) {
    it(`leads to the line that asked for ${what}`, async () => {
      const error = await caller(call);
      expect(error.stack?.split('\n')[0]).to.include(error.message.split('\n')[0]);
      expect(error.stack).to.match(/at async namedCaller .*traces\.test/);
    });
  }

  it('leaves class, code and fields as they are', async () => {
    await cluster.crash(follower());
    const error = await caller(() => cluster.stop(follower()));
    expect(error)
      .to.be.instanceOf(NodeDeadError)
      .and.to.include({ code: 'NODE_DEAD', name: 'NodeDeadError' });
  });

  it('tells of the thread, too, where the application threw', async () => {
    const error = await caller(() => RaftCluster.start({ nodes: 1, application: { module: 'nowhere' } }));
    expect(error).to.be.instanceOf(ApplicationError);
    expect(error.stack).to.match(/namedCaller/);
  });
});
