import { expect } from 'chai';
import { follow, type News } from '../../src/cli/news.js';
import { ClusterEvents, type NodeFailure } from '../../src/client/events.js';

describe('news of a cluster', () => {
  function told(leader: { id: number; term: number } | null, failures: readonly NodeFailure[] = []) {
    const news: News[] = [];
    const events = new ClusterEvents();
    const followed = { events, leader: () => leader, failures: () => failures, warnings: () => [] };
    const stop = follow(followed, (each) => news.push(each));
    return { news, events, stop };
  }

  it('begin with the leader that was elected before anybody listened', () => {
    expect(told(null).news).to.deep.equal([]);
    expect(told({ id: 2, term: 3 }).news.map(({ text }) => text)).to.deep.equal([
      'node 2 is elected leader of term 3',
    ]);
  });

  it('begin with the nodes that did not start, each with its reason in a line', () => {
    const lost = { id: 3, error: new Error('the log is\ngone'), restartInMs: null };
    const late = { id: 4, error: new Error('it is locked.'), restartInMs: 200 };
    expect(told(null, [lost, late]).news.map(({ text }) => text)).to.deep.equal([
      'node 3 cannot start: the log is\\ngone (it stays down until restart 3)',
      'node 4 cannot start: it is locked. (started again in 200 ms)',
    ]);
  });

  it('tell each change as it comes, until they are not wanted any more', () => {
    const { news, events, stop } = told(null);
    events.emit('nodeCrashed', { id: 1 });
    events.emit('leaderElected', { id: 0, term: 7 });
    events.emit('recovering', { id: 2, applied: 340_000, total: 910_000 });
    stop();
    events.emit('nodeStopped', { id: 0 });
    expect(news.map(({ text }) => text)).to.deep.equal([
      'node 1 crashed',
      'node 0 is elected leader of term 7',
      'node 2 has applied 340,000 of 910,000 entries of its log',
    ]);
  });
});
