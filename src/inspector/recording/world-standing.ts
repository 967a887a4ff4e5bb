import type { NodeId } from '../../raft/entry.js';
import { networkState } from '../../router/network-state.js';
import type { SimulatedHost } from '../../simulation/world/simulated-host.js';
import type { World } from '../../simulation/world/world.js';
import type { Life, WorldFrame } from './format.js';

/** How things stand in a simulated world, outside its nodes. */
export function standingOf({ hosts, network }: World): Omit<WorldFrame, 'kind' | 'at'> {
  const leaders = hosts
    .filter(({ id, actor }) => actor?.replica.leaderId === id)
    .map(({ id, actor }) => ({ id, term: actor?.replica.currentTerm ?? 0 }));
  const ids = hosts.map(({ id }) => id);
  return {
    lives: hosts.map((host) => ({ id: host.id, life: lifeOf(host) })),
    leader: leaders.sort((a, b) => b.term - a.term)[0] ?? null,
    ...networkState(ids, network.wiring),
    groups: groupsOf(ids, (from, to) => !network.wiring.policy(from, to).cut),
  };
}

function lifeOf({ actor, isAsleep, isStopped }: SimulatedHost): Life {
  if (actor === null) return 'crashed';
  if (isAsleep) return 'paused';
  return isStopped ? 'stopped' : 'running';
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
