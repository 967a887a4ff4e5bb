import { expect } from 'chai';
import { RaftCluster } from '../../src/cluster/raft-cluster.js';

describe('timings that do not suit', () => {
  it('are told of when a cluster starts, to whoever listens by then, and when its links become so slow', async () => {
    const slow = { latencyMsMin: 300, latencyMsMax: 600 };
    const cluster = await RaftCluster.start({ nodes: 3, link: slow });
    const codes = new Set<string>();
    let count = 0;
    try {
      cluster.events.on('warning', ({ code }) => {
        codes.add(code);
        count++;
      });
      await new Promise((resolve) => setImmediate(resolve));
      expect([...codes]).to.deep.equal(['TIMINGS']);
      const first = count;
      cluster.setLink({ latencyMsMin: 0, latencyMsMax: 5 });
      expect(cluster.warnings()).to.deep.equal([]);
      cluster.setLink(slow, 1);
      expect(count, 'most links are fast').to.equal(first);
      cluster.setLink(slow);
      cluster.setLink(slow);
      expect(count, 'told once more, and not again').to.equal(2 * first);
    } finally {
      await cluster.close();
    }
  });

  it('are a warning of the process where nobody listens', async () => {
    const heard = new Promise<Error>((resolve) => process.once('warning', resolve));
    const cluster = await RaftCluster.start({ nodes: 3, link: { latencyMsMin: 300, latencyMsMax: 600 } });
    try {
      expect(await heard).to.include({ name: 'ConclaveWarning', code: 'TIMINGS' });
    } finally {
      await cluster.close();
    }
  });
});
