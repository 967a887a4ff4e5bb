import { expect } from 'chai';
import { RaftCluster } from '../../src/cluster/raft-cluster.js';
import { NotReadyError } from '../../src/ground/errors.js';
import { outcomeOf, plain, text } from '../client/session-world.js';
import { removeDirectory, temporaryDirectory } from '../storage/temporary-directory.js';

const entries = 600;

describe('A cluster with a log to apply', function () {
  this.timeout(60_000);
  let directory: string;
  beforeEach(() => {
    directory = temporaryDirectory();
  });
  afterEach(() => removeDirectory(directory));

  const start = (applyMs: number) =>
    RaftCluster.start({
      nodes: 3,
      storage: { kind: 'disk', directory },
      application: { module: new URL('./slow-application.js', import.meta.url), options: { applyMs } },
    });

  async function fill(): Promise<void> {
    const cluster = await start(0);
    await Promise.all(Array.from({ length: entries }, () => cluster.propose(text('x'))));
    await cluster.close();
  }

  it('is ready when it serves, says until then what is missing, and takes no command that it could not answer', async () => {
    await fill();
    const cluster = await start(4);
    try {
      const states: string[] = [];
      cluster.events.on('stateChanged', ({ state }) => states.push(state));
      const progress: { id: number; applied: number; total: number }[] = [];
      cluster.events.on('recovering', (event) => progress.push(event));
      const { id } = await cluster.waitForLeader({ timeoutMs: 30_000 });
      expect(await outcomeOf(cluster.propose(text('y'), { timeoutMs: 100 }))).to.equal('QUORUM_UNAVAILABLE');
      const early = await cluster.ready({ timeoutMs: 1 }).catch((error: unknown) => error);
      expect(early).to.be.instanceOf(NotReadyError);
      expect((early as Error).message).to.match(
        /^The cluster does not serve after 1 ms: node \d (leads and has applied [\d,]+ of [\d,]+ entries|is elected, and)/,
      );
      const { recovery } = await cluster.info(id);
      expect(recovery?.total).to.be.at.least(entries);
      expect(recovery?.applied).to.be.below(recovery?.total ?? 0);
      const ready = await cluster.ready({ timeoutMs: 60_000 });
      expect(ready).to.deep.equal(cluster.leader());
      expect((await cluster.info(ready.id)).recovery).to.equal(null);
      expect(plain((await cluster.read(text('?'))).result)).to.equal(String(entries));
      expect(plain((await cluster.propose(text('z'))).result)).to.equal(String(entries + 1));
      // Who leads may have been elected before `start` resolved, and `recovering` then told to nobody.
      expect(states.filter((state) => state !== 'electing').join()).to.match(/^(recovering,)*serving$/);
      expect(progress.map(({ total }) => total)).to.include(recovery?.total);
    } finally {
      await cluster.close();
    }
  });

  it('says which nodes are missing for a majority, and what keeps them', async () => {
    const cluster = await start(0);
    try {
      await cluster.ready({ timeoutMs: 30_000 });
      await cluster.crash(0);
      await cluster.stop(1);
      const missing = await cluster.ready({ timeoutMs: 1 }).catch((error: unknown) => error);
      expect((missing as Error).message).to.match(/: no majority runs: node 0 is down, node 1 is down\.$/);
      expect(await outcomeOf(cluster.ready({ timeoutMs: 0 }))).to.equal('INVALID_OPTION');
      expect(await outcomeOf(cluster.ready({ signal: AbortSignal.abort() }))).to.equal('ABORTED');
      const waiting = outcomeOf(cluster.ready({ timeoutMs: 30_000 }));
      await cluster.restart(0);
      expect(await waiting).to.have.keys('id', 'term');
      const closing = outcomeOf(cluster.ready({ timeoutMs: 30_000 }));
      await cluster.close();
      expect(await closing).to.satisfy(
        (outcome: unknown) => typeof outcome === 'object' || outcome === 'CLOSED',
      );
    } finally {
      await cluster.close();
    }
  });
});
