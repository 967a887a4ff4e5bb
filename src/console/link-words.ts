import type { NodeId } from '../raft/entry.js';
import type { LinkPolicy } from '../router/link-policy.js';
import { describeLatency } from './notation.js';

/** Some links of a network: those of one node, those from or to one, one, or, where nothing is named, all. */
export interface LinkEnds {
  readonly of?: NodeId | undefined;
  readonly from?: NodeId | undefined;
  readonly to?: NodeId | undefined;
}

/** What a change makes of links, and where, such as `200-400 ms on the links from and to node 2`. */
export function describeLinkChange(change: Partial<LinkPolicy>, ends: LinkEnds): string {
  const { cut, latencyMsMin, latencyMsMax, loss, duplication, reordering, distribution } = change;
  const [min, max] = [latencyMsMin ?? latencyMsMax, latencyMsMax ?? latencyMsMin];
  const words = [
    cut === undefined ? '' : cut ? 'nothing passes' : 'messages pass',
    min === undefined || max === undefined ? '' : describeLatency({ latencyMsMin: min, latencyMsMax: max }),
    loss === undefined ? '' : `${percent(loss)} lost`,
    duplication === undefined ? '' : `${percent(duplication)} doubled`,
    reordering === undefined ? '' : `${percent(reordering)} out of order`,
  ].filter((word) => word !== '');
  if (words.length === 0 && distribution !== undefined) words.push(`${distribution} latency`);
  return `${words.join(', ')} ${where(ends)}`;
}

function where({ of, from, to }: LinkEnds): string {
  if (of !== undefined) return `on the links from and to node ${of}`;
  if (from !== undefined && to !== undefined) return `from node ${from} to node ${to}`;
  if (from !== undefined) return `on the links from node ${from}`;
  return to !== undefined ? `on the links to node ${to}` : 'on every link';
}

function percent(probability: number): string {
  return `${Number((probability * 100).toFixed(3))} %`;
}
