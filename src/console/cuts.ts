import type { NodeId } from '../raft/entry.js';
import type { NetworkState } from '../router/network-state.js';

/** Wider cells give way to a number. */
const cellWidthMax = 14;

/** From whom a node is cut off, in a cell of a table: `2 3` both ways, `to 4` and `from 1` one way; empty if nobody. */
export function cutsOf(id: NodeId, network: NetworkState, ids: readonly NodeId[]): string {
  const group = network.groups.find((one) => one.includes(id)) ?? [];
  const isCut = (from: NodeId, to: NodeId) =>
    !group.includes(from === id ? to : from) || policyOf(network, from, to).cut;
  const others = ids.filter((other) => other !== id);
  const [to, from] = [others.filter((other) => isCut(id, other)), others.filter((other) => isCut(other, id))];
  const both = to.filter((other) => from.includes(other));
  const ways = [
    both.join(' '),
    ...to.filter((other) => !both.includes(other)).map((other) => `to ${other}`),
    ...from.filter((other) => !both.includes(other)).map((other) => `from ${other}`),
  ];
  const cell = ways.filter((way) => way !== '').join(', ');
  if (cell.length <= cellWidthMax) return cell;
  const touched = new Set([...to, ...from]).size;
  return touched === others.length && both.length === touched ? 'all others' : `${touched} nodes`;
}

function policyOf({ link, links }: NetworkState, from: NodeId, to: NodeId): NetworkState['link'] {
  return links.find((one) => one.from === from && one.to === to)?.policy ?? link;
}
