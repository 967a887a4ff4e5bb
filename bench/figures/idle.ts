import { withFloor } from '../floor.js';
import { withCluster } from '../ours.js';
import type { Pair } from './figure.js';

/** What was started needs a moment until it is at rest. */
const settlingMs = 3000;
/** At this pace, that of the default, a leader speaks to those who have nothing to receive. */
const heartbeatMs = 50;

/** Processor time of the whole process while nobody asks anything, in per cent of a core. */
export async function measureIdle(nodes: number, seconds: number): Promise<Pair[]> {
  const ours = await withCluster(
    { nodes, storage: 'memory', more: { timings: { heartbeatMs } } },
    async (cluster) => {
      await cluster.propose(new Uint8Array(16));
      return shareOfCore(seconds);
    },
  );
  const floor = await withFloor({ nodes, storage: 'memory' }, async (send) => {
    const beat = setInterval(send, heartbeatMs, new Uint8Array(16));
    const share = await shareOfCore(seconds);
    clearInterval(beat);
    return share;
  });
  return [{ figure: ours, beside: floor }];
}

async function shareOfCore(seconds: number): Promise<number> {
  await sleep(settlingMs);
  const startedMs = performance.now();
  const before = process.cpuUsage();
  await sleep(seconds * 1000);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 10 / (performance.now() - startedMs);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
