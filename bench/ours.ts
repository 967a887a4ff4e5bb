import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RaftCluster } from '../src/index.js';
import { type Measurement, measureClosedLoop } from './measure.js';
import type { Row } from './rows.js';

/** A cluster of this project, with the row's clients proposing through its public interface. */
export function measureOurs(row: Row, seconds: number): Promise<Measurement> {
  return withOurs(row, (command) => measureClosedLoop(row.inFlight, seconds, command));
}

/** Starts the row's cluster and closes it again; `use` is given what proposes a command and waits until it is committed. */
export async function withOurs<T>(
  row: Row,
  use: (command: () => Promise<unknown>) => Promise<T>,
): Promise<T> {
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
    return await use(() => cluster.propose(command, { timeoutMs: 30_000 }));
  } finally {
    await cluster.close();
    await rm(directory, { recursive: true, force: true });
  }
}
