import { expect } from 'chai';
import { RaftCluster } from '../../src/cluster/raft-cluster.js';
import { stateValue, streamToStately } from '../../src/inspector/stately.js';

describe("the stream for Stately's tools", () => {
  let cluster: RaftCluster | null = null;
  afterEach(() => cluster?.close());

  it('names states as XState does', () => {
    expect(stateValue(['dead'])).to.equal('dead');
    expect(stateValue(['alive.follower.following'])).to.deep.equal({ alive: { follower: 'following' } });
    expect(stateValue(['alive.leader.authority.serving', 'alive.leader.pulse.beating'])).to.deep.equal({
      alive: { leader: { authority: 'serving', pulse: 'beating' } },
    });
  });

  it('tells every chart first, and then what it does', async () => {
    cluster = await RaftCluster.start({ nodes: 1 });
    const { id } = await cluster.waitForLeader();
    const actors: string[] = [];
    let sawIt: () => void = () => {};
    const stopped = new Promise<void>((resolve) => {
      sawIt = resolve;
    });
    const stop = await streamToStately(cluster, async () => ({
      actor: ({ sessionId }) => actors.push(sessionId),
      event: () => {},
      snapshot: (sessionId, { value }) => {
        if (sessionId === 'node 0' && value === 'dead') sawIt();
      },
      stop: () => actors.push('stopped'),
    }));
    await cluster.stop(id);
    await stopped;
    stop();
    expect(actors).to.deep.equal(['node 0', 'thread 0', 'cluster', 'session', 'stopped']);
  });

  it('says what to install when it is not there', async () => {
    cluster = await RaftCluster.start({ nodes: 1 });
    const error = await streamToStately(cluster).then(
      (stop) => stop(),
      (reason: Error) => reason,
    );
    if (error !== undefined) expect(error).to.include({ code: 'STATELY_MISSING' });
  });
});
