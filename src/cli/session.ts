import { setImmediate } from 'node:timers/promises';
import { KeyValueClient } from '../application/key-value/client.js';
import { WrongMembersError } from '../cluster/errors.js';
import { RaftCluster } from '../cluster/raft-cluster.js';
import { BlockPace } from '../console/block-pace.js';
import type { CommandContext } from '../console/command.js';
import { describeLatency } from '../console/notation.js';
import { UsageError } from '../console/usage-error.js';
import { inspectWith } from '../inspector/inspect.js';
import { streamToStately } from '../inspector/stately.js';
import type { CliOptions } from './cluster-options.js';
import { type DataDirectory, openDataDirectory } from './data-directory.js';
import { Executor } from './execute.js';
import { counted } from './input/progress.js';

/** A running cluster and what commands need of it. */
export class Session {
  readonly cluster: RaftCluster;
  readonly context: CommandContext;
  /** Carries out what is typed here, or stands in a script. */
  readonly executor: Executor;
  readonly directory: DataDirectory;

  private constructor(cluster: RaftCluster, directory: DataDirectory, blockIntervalMs: number) {
    this.cluster = cluster;
    this.directory = directory;
    this.context = {
      cluster,
      store: new KeyValueClient(cluster),
      blocks: new BlockPace(cluster, blockIntervalMs),
    };
    this.executor = new Executor(this.context);
  }

  /** Starts the cluster. @throws {UsageError} when its directory cannot be used, and what `RaftCluster.start` throws. */
  static async open(options: CliOptions): Promise<Session> {
    const { nodes, leader, candidates, seed, blockIntervalMs, latency, loss, timings } = options;
    const { snapshotEvery, clusterId } = options;
    const directory = openDataDirectory(options.data);
    const cluster = await RaftCluster.start({
      nodes,
      storage: directory.path === null ? { kind: 'memory' } : { kind: 'disk', directory: directory.path },
      link: { ...latency, loss },
      timings,
      blockIntervalMs,
      ...(clusterId === null ? {} : { clusterId }),
      ...(snapshotEvery === null ? {} : { snapshotEvery }),
      ...(leader === null ? {} : { leader }),
      ...(candidates === null ? {} : { candidates }),
      ...(seed === null ? {} : { seed }),
    }).catch((error: unknown) => {
      throw error instanceof WrongMembersError ? otherSize(directory, error) : error;
    });
    // Whoever follows the cluster is told of what is to be warned of: it need not stand on standard error, too.
    cluster.events.on('warning', () => {});
    // Those of the start come in a later turn, to nobody then: who follows the cluster asks for those that stand.
    await setImmediate();
    return new Session(cluster, directory, blockIntervalMs);
  }

  /** Serves the inspector's page. @returns its address; null if it is not wanted. */
  async inspect({ inspect: wanted }: CliOptions): Promise<string | null> {
    if (wanted === null) return null;
    if (wanted === 'stately') await streamToStately(this.cluster);
    if (typeof wanted === 'number')
      return (await inspectWith(this.cluster, { port: wanted }, this.context)).url;
    try {
      return (await inspectWith(this.cluster, {}, this.context)).url;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
      return (await inspectWith(this.cluster, { port: 0 }, this.context)).url;
    }
  }

  close(): Promise<void> {
    return this.cluster.close();
  }
}

function otherSize({ path }: DataDirectory, { voters }: WrongMembersError): UsageError {
  return new UsageError(
    `${path} holds a cluster of ${counted(voters.length, 'node')}. Start it with --nodes ${voters.length}, or choose another directory.`,
  );
}

/** The cluster in one line. */
export function describeSession(options: CliOptions, { path, isTemporary }: DataDirectory): string {
  const place =
    path === null ? 'logs in memory' : `logs in ${path}${isTemporary ? ' (removed at exit)' : ''}`;
  const lost = options.loss === 0 ? '' : `, ${options.loss * 100} % lost`;
  const nodes = counted(options.nodes, 'node');
  return `${nodes}, messages take ${describeLatency(options.latency)}${lost}, ${place}`;
}
