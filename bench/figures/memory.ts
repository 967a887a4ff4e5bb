import type { RaftCluster } from '../../src/index.js';
import { median } from '../measure.js';
import { withCluster } from '../ours.js';
import type { Pair } from './figure.js';

const MiB = 1024 * 1024;
const logMemoryBytes = 16 * MiB;
const commandBytes = 256;
const inFlight = 256;
/** Each half writes so many times what is kept, and looks so often. */
const half = { turnovers: 4, looks: 20 };

/** The most that any node's thread had in the second half of the time, beside the end of the log that it keeps. */
export async function measureTail(): Promise<Pair[]> {
  const { second } = await measureHalves();
  return [{ figure: Math.max(...second) / MiB, beside: logMemoryBytes / MiB }];
}

/** What is usual in the second half of the time, beside the first. */
export async function measureLevel(): Promise<Pair[]> {
  const { first, second } = await measureHalves();
  return [{ figure: median(second) / MiB, beside: median(first) / MiB }];
}

/**
 * Three nodes on disk under a constant load, from when the end of the log in memory is as long as it gets: what the
 * thread that has most has more than before the first command, heap and buffers, garbage included.
 */
function measureHalves(): Promise<{ readonly first: number[]; readonly second: number[] }> {
  const options = {
    nodes: 3,
    storage: 'disk',
    application: 'ballast',
    more: { limits: { logMemoryBytes } },
  } as const;
  return withCluster(options, async (cluster) => {
    const before = await heldByThreads(cluster);
    const commands = (half.turnovers * logMemoryBytes) / commandBytes;
    const fill = (count: number) => load(cluster, count);
    const looks = async () => {
      const seen: number[] = [];
      while (seen.length < half.looks) {
        const [held] = await Promise.all([heldByThreads(cluster), fill(Math.ceil(commands / half.looks))]);
        seen.push(Math.max(...held.map((bytes, at) => bytes - (before[at] ?? 0))));
      }
      return seen;
    };
    await fill((2 * logMemoryBytes) / commandBytes);
    return { first: await looks(), second: await looks() };
  });
}

async function load(cluster: RaftCluster, count: number): Promise<void> {
  const command = new Uint8Array(commandBytes).fill(1);
  let left = count;
  const client = async () => {
    while (left-- > 0) await cluster.propose(command, { timeoutMs: 60_000 });
  };
  await Promise.all(Array.from({ length: inFlight }, client));
}

/** Of each node's thread, in the order of their ids: its application says so. */
function heldByThreads(cluster: RaftCluster): Promise<number[]> {
  return Promise.all(
    cluster.ids.map(async (node) => {
      const { result } = await cluster.read(new Uint8Array(0), { consistency: 'stale', node });
      const { heapUsed, external } = JSON.parse(Buffer.from(result).toString());
      return heapUsed + external;
    }),
  );
}
