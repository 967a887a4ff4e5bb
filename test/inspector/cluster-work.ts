import { KeyValueClient } from '../../src/application/key-value/client.js';
import type { RaftCluster } from '../../src/cluster/raft-cluster.js';
import type { LogIndex, NodeId } from '../../src/raft/entry.js';

export function keyValue(cluster: RaftCluster): KeyValueClient {
  return new KeyValueClient(cluster);
}

/** Waits until a node has applied so much. */
export async function untilHeight(cluster: RaftCluster, id: NodeId, index: LogIndex): Promise<void> {
  if ((await cluster.info(id)).height >= index) return;
  await new Promise<void>((resolve) => {
    const listener = (event: { readonly id: NodeId; readonly height: LogIndex }) => {
      if (event.id !== id || event.height < index) return;
      cluster.events.off('committed', listener);
      resolve();
    };
    cluster.events.on('committed', listener);
  });
}

/** Waits until something on a page is so, at most ten seconds: a page draws what it knows with its next frame. */
export async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('Waited ten seconds for the page, in vain.');
}
