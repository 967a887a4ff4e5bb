import type { NodeId } from '../../raft/entry.js';
import { networkState } from '../../router/network-state.js';
import type { World } from '../../simulation/world/world.js';
import type { Network } from '../recording/format.js';

/** How the network of a simulated world is wired. */
export function networkOf({ hosts, network }: World): Network {
  const ids = hosts.map(({ id }) => id);
  return {
    ...networkState(ids, network.wiring),
    groups: groupsOf(ids, (from, to) => !network.wiring.policy(from, to).cut),
  };
}

/** Who reaches whom, be it through others. A simulated partition is made of cut links alone. */
function groupsOf(ids: readonly NodeId[], reaches: (from: NodeId, to: NodeId) => boolean): NodeId[][] {
  const groups: NodeId[][] = [];
  const left = new Set(ids);
  for (const first of ids) {
    if (!left.delete(first)) continue;
    const group = [first];
    for (const one of group) {
      for (const other of left) {
        if ((reaches(one, other) || reaches(other, one)) && left.delete(other)) group.push(other);
      }
    }
    groups.push(group.sort((a, b) => a - b));
  }
  return groups;
}
