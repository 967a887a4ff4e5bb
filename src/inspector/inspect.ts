import { KeyValueClient } from '../application/key-value/client.js';
import type { RaftCluster } from '../cluster/raft-cluster.js';
import { BlockPace } from '../console/block-pace.js';
import type { CommandContext } from '../console/command.js';
import { RemoteCluster } from '../console/remote-cluster.js';
import { RaftServer } from '../server/raft-server.js';
import type { InspectedCluster } from './inspected-cluster.js';
import { runCommandsOn } from './run-command.js';
import type { InspectorOptions } from './server/inspector-server.js';

/** A page that shows a running cluster. */
export interface Inspector extends AsyncDisposable {
  /** Where a browser finds it. */
  readonly url: string;
  /** Stops serving it. The cluster goes on. Harmless if repeated. */
  close(): Promise<void>;
}

/**
 * Serves a page that shows the cluster; it ends with it. That of a server shows all members, and ends with the server:
 * what is typed there may be what is offered to operators of a cluster of processes.
 * @throws {InvalidOptionError}, {@link ClosedError} when the cluster closes meanwhile, and {@link InspectorAddressError}
 * when the port is taken.
 */
export function inspect(
  cluster: RaftCluster | RaftServer,
  options: InspectorOptions = {},
): Promise<Inspector> {
  const commanded = cluster instanceof RaftServer ? RemoteCluster.of(cluster) : cluster;
  const store = new KeyValueClient(cluster);
  const context = { cluster: commanded, store, blocks: new BlockPace(commanded, 0) };
  return inspectWith(cluster, options, context);
}

/** @param context what commands typed there work on, where there is one already. */
export async function inspectWith(
  cluster: InspectedCluster,
  options: InspectorOptions,
  context: CommandContext,
): Promise<Inspector> {
  // Loaded when it is wanted: a program that only runs nodes needs no web server.
  const { InspectorServer } = await import('./server/inspector-server.js');
  return InspectorServer.start(cluster, runCommandsOn(context), options);
}
