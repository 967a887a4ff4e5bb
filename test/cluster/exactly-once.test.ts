import { expect } from 'chai';
import { KeyValueClient, RaftCluster } from '../../src/index.js';
import { removeDirectory, temporaryDirectory } from '../storage/temporary-directory.js';

/** Long, for a machine that has other work. */
const options = { timeoutMs: 60_000 };
const rounds = 3;
const perRound = 30;

describe('Commands of a cluster whose leaders die and come back', () => {
  for (const leases of [false, true]) {
    it(`are applied once each, and their outcomes known${leases ? ', with leases' : ''}`, async function () {
      this.timeout(180_000);
      const directory = temporaryDirectory();
      const cluster = await RaftCluster.start({
        nodes: 3,
        storage: { kind: 'disk', directory },
        leases,
      });
      const store = new KeyValueClient(cluster);
      const sums: number[] = [];
      for (let round = 0; round < rounds; round++) {
        const { id } = await cluster.waitForLeader(options);
        // So many that some are under way when the leader dies, whenever that is.
        const calls = Array.from({ length: perRound }, () => store.increment('sum', 1, options));
        await cluster.crash(id);
        for (const { value } of await Promise.all(calls)) sums.push(value);
        await cluster.restart(id);
        expect(await store.get('sum', { ...options, consistency: 'lease' })).to.equal(String(sums.length));
      }
      await cluster.close();
      removeDirectory(directory);
      sums.sort((a, b) => a - b);
      expect(sums).to.deep.equal(Array.from({ length: rounds * perRound }, (_, at) => at + 1));
    });
  }
});
