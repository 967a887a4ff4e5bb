import { withCluster } from '../ours.js';
import type { Pair } from './figure.js';

const crashes = 9;
/** That of a cluster that is told nothing else. */
const electionTimeoutMsMax = 300;

/** From the moment that a leader is killed until a command that is proposed at once is committed under the next. */
export function measureFailover(nodes: number): Promise<Pair[]> {
  return withCluster(
    { nodes, storage: 'disk', more: { timings: { electionTimeoutMsMax } } },
    async (cluster) => {
      const command = new Uint8Array(16).fill(1);
      const pairs: Pair[] = [];
      while (pairs.length < crashes) {
        const { id } = await cluster.ready({ timeoutMs: 30_000 });
        await cluster.propose(command, { timeoutMs: 30_000 });
        const crashedMs = performance.now();
        const crashed = cluster.crash(id);
        await cluster.propose(command, { timeoutMs: 30_000 });
        pairs.push({ figure: performance.now() - crashedMs, beside: electionTimeoutMsMax });
        await crashed;
        await cluster.restart(id);
      }
      return pairs;
    },
  );
}
