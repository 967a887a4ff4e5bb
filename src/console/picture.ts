import { setTimeout as delay } from 'node:timers/promises';
import type { MemberInformation } from '../client/events.js';
import type { NodeInformation } from '../node/information.js';
import type { CommandContext } from './command.js';

/** How often a cluster is looked at while something is waited for. */
export const lookEveryMs = 20;
const settleMsMax = 1_000;

export function livingNodes(nodes: readonly NodeInformation[]): NodeInformation[] {
  return nodes.filter((node) => node.role !== 'dead');
}

/**
 * Do all living nodes have one height, one commit index and one digest, and nothing in their logs beyond it? The
 * last keeps nodes that have just recovered, and do not know yet what is committed, from agreeing on nothing.
 */
export function hasConverged(nodes: readonly NodeInformation[]): boolean {
  const living = livingNodes(nodes);
  const [first] = living;
  return (
    first !== undefined &&
    living.every(
      (node) =>
        node.height === first.height &&
        node.commitIndex === first.commitIndex &&
        node.digest === first.digest &&
        node.lastLogIndex === node.height,
    )
  );
}

/** Do all living nodes follow one leader? Then what sets them apart is on its way, and a moment brings them together. */
function followOne(nodes: readonly NodeInformation[]): boolean {
  const [first, ...others] = livingNodes(nodes);
  return (
    first !== undefined &&
    first.leaderId !== null &&
    others.every((node) => node.leaderId === first.leaderId && node.term === first.term)
  );
}

/**
 * All nodes at one moment, as far as there is one: nodes that follow one leader and differ by what is under way
 * are looked at again, without new blocks, until they agree, for a second at most. Nodes that are cut apart, or
 * have no leader, are shown as they are.
 */
export async function takePicture({ cluster, blocks }: CommandContext): Promise<MemberInformation[]> {
  const first = await cluster.infos();
  if (hasConverged(first) || !followOne(first)) return first;
  return blocks.paused(async () => {
    const deadline = performance.now() + settleMsMax;
    let nodes = first;
    while (!hasConverged(nodes) && followOne(nodes) && performance.now() < deadline) {
      await delay(lookEveryMs);
      nodes = await cluster.infos();
    }
    return nodes;
  });
}
