import type { ClusterEventMap } from '../../src/client/events.js';
import type { RaftCluster } from '../../src/cluster/raft-cluster.js';

/** The next event of this name that matches. */
export function nextEvent<Name extends keyof ClusterEventMap>(
  cluster: RaftCluster,
  name: Name,
  matches: (event: ClusterEventMap[Name]) => boolean = () => true,
): Promise<ClusterEventMap[Name]> {
  return new Promise((resolve) => {
    const listener = (event: ClusterEventMap[Name]) => {
      if (!matches(event)) return;
      cluster.events.off(name, listener);
      resolve(event);
    };
    cluster.events.on(name, listener);
  });
}
