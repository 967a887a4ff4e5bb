import { measureFloor } from '../floor.js';
import { measureClosedLoop } from '../measure.js';
import { withCluster } from '../ours.js';
import type { Row } from '../rows.js';
import type { Pair } from './figure.js';

const row = { name: 'reads', storage: 'memory', nodes: 3, bytes: 16, inFlight: 1024 } as const satisfies Row;
const query = new Uint8Array(0);

/** Linearizable reads (ReadIndex) and commands of the same cluster, one after the other. */
export function measureReadsBesideWrites(seconds: number): Promise<Pair[]> {
  return withCluster(row, async (cluster) => {
    const command = new Uint8Array(row.bytes).fill(1);
    const writes = await rate(seconds, () => cluster.propose(command, { timeoutMs: 30_000 }));
    const reads = await rate(seconds, () => cluster.read(query, { timeoutMs: 30_000 }));
    return [{ figure: reads, beside: writes }];
  });
}

export async function measureReadsBesideFloor(seconds: number): Promise<Pair[]> {
  const reads = await withCluster(row, (cluster) =>
    rate(seconds, () => cluster.read(query, { timeoutMs: 30_000 })),
  );
  const { committedPerSecond } = await measureFloor(row, seconds);
  return [{ figure: reads, beside: committedPerSecond }];
}

/** Stale reads of one node, and what goes to a thread and back with the same batching: a floor of one node. */
export async function measureStaleReads(seconds: number): Promise<Pair[]> {
  const reads = await withCluster(row, (cluster) =>
    rate(seconds, () => cluster.read(query, { consistency: 'stale', node: 1, timeoutMs: 30_000 })),
  );
  const { committedPerSecond } = await measureFloor({ ...row, nodes: 1 }, seconds);
  return [{ figure: reads, beside: committedPerSecond }];
}

async function rate(seconds: number, ask: () => Promise<unknown>): Promise<number> {
  const { committedPerSecond } = await measureClosedLoop(row.inFlight, seconds, ask);
  return committedPerSecond;
}
