import type { NodeId } from '../raft/entry.js';
import type { LinkPolicy } from './link-policy.js';
import type { Wiring } from './wiring.js';

/** How the network between a cluster's nodes is wired at the moment. */
export interface NetworkState {
  /** Nodes that reach each other but for cut links; one group when the network is whole. */
  readonly groups: readonly (readonly NodeId[])[];
  /** The policy of every link that `links` does not name. */
  readonly link: LinkPolicy;
  readonly links: readonly { readonly from: NodeId; readonly to: NodeId; readonly policy: LinkPolicy }[];
}

export function networkState(
  ids: readonly NodeId[],
  wiring: Pick<Wiring, 'policy' | 'connected'>,
): NetworkState {
  const groups: NodeId[][] = [];
  for (const id of ids) {
    const group = groups.find(([first = id]) => wiring.connected(first, id));
    if (group === undefined) groups.push([id]);
    else group.push(id);
  }
  const link = wiring.policy(undefined, undefined);
  const common = JSON.stringify(link);
  const links = ids
    .flatMap((from) =>
      ids.filter((to) => to !== from).map((to) => ({ from, to, policy: wiring.policy(from, to) })),
    )
    .filter(({ policy }) => JSON.stringify(policy) !== common);
  return { groups, link, links };
}
