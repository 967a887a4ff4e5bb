import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RaftCluster } from '../src/index.js';
import { type Measurement, measureClosedLoop } from './measure.js';
import type { Row } from './rows.js';

/** A cluster of this project, with the row's clients proposing through its public interface. */
export async function measureOurs(row: Row, seconds: number): Promise<Measurement> {
  const directory = await mkdtemp(join(tmpdir(), 'conclave-bench-'));
  const cluster = await RaftCluster.start({
    nodes: row.nodes,
    application: { module: new URL('./counter.js', import.meta.url) },
    storage: row.storage === 'disk' ? { kind: 'disk', directory } : { kind: 'memory' },
    seed: 1,
  });
  try {
    await cluster.waitForLeader({ timeoutMs: 10_000 });
    const command = new Uint8Array(row.bytes).fill(1);
    return await measureClosedLoop(row.inFlight, seconds, () =>
      cluster.propose(command, { timeoutMs: 30_000 }),
    );
  } finally {
    await cluster.close();
    await rm(directory, { recursive: true, force: true });
  }
}
