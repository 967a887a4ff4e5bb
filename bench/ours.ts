import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ClusterOptions, RaftCluster } from '../src/index.js';
import { type Measurement, measureClosedLoop } from './measure.js';
import type { Row } from './rows.js';

/** A cluster of this project, with the row's clients proposing through its public interface. */
export function measureOurs(row: Row, seconds: number): Promise<Measurement> {
  return withOurs(row, (command) => measureClosedLoop(row.inFlight, seconds, command));
}

/** Starts the row's cluster and closes it again; `use` is given what proposes a command and waits until it is committed. */
export function withOurs<T>(row: Row, use: (command: () => Promise<unknown>) => Promise<T>): Promise<T> {
  return withCluster(row, (cluster) => {
    const command = new Uint8Array(row.bytes).fill(1);
    return use(() => cluster.propose(command, { timeoutMs: 30_000 }));
  });
}

export interface MeasuredCluster extends Pick<Row, 'nodes' | 'storage'> {
  /** A module beside this one (`counter`). */
  readonly application?: 'counter' | 'ballast';
  readonly more?: ClusterOptions;
}

/** Starts a cluster and closes it again. With a disk, each node's log is in `directory/node-N` meanwhile. */
export async function withCluster<T>(
  { nodes, storage, application = 'counter', more = {} }: MeasuredCluster,
  use: (cluster: RaftCluster, directory: string) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'conclave-bench-'));
  const cluster = await RaftCluster.start({
    nodes,
    application: { module: new URL(`./${application}.js`, import.meta.url) },
    storage: storage === 'disk' ? { kind: 'disk', directory } : { kind: 'memory' },
    seed: 1,
    ...more,
  });
  try {
    await cluster.ready({ timeoutMs: 30_000 });
    return await use(cluster, directory);
  } finally {
    await cluster.close();
    await rm(directory, { recursive: true, force: true });
  }
}
