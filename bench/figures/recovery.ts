import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { withCluster } from '../ours.js';
import type { Pair } from './figure.js';

const commandBytes = 256;
const rounds = 5;
const MiB = 1024 * 1024;

/**
 * A node's log of so many bytes of commands: how long a thread that has just been started takes until it has it again,
 * checked and opened, and how long it takes to read the same files. Both find them in the system's memory, so that it is
 * the work that is measured, and no disk.
 */
export async function measureRecovery(mebibytes: number): Promise<Pair[]> {
  const options = { nodes: 1, storage: 'disk', more: { snapshotLogBytes: 2 ** 40 } } as const;
  const pairs: Pair[] = [];
  await withCluster(options, async (cluster, directory) => {
    const command = new Uint8Array(commandBytes).fill(1);
    let left = Math.ceil((mebibytes * MiB) / commandBytes);
    const client = async () => {
      while (left-- > 0) await cluster.propose(command, { timeoutMs: 60_000 });
    };
    await Promise.all(Array.from({ length: 1024 }, client));
    await cluster.close();
    while (pairs.length < rounds) pairs.push(await measureOnce(join(directory, 'node-0')));
  });
  return pairs;
}

async function measureOnce(directory: string): Promise<Pair> {
  const worker = new Worker(new URL('./recovering-thread.js', import.meta.url), { workerData: directory });
  const [pair] = (await once(worker, 'message')) as [Pair];
  await worker.terminate();
  return pair;
}
