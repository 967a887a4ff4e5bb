import type { NodeId } from '../../ground/ids.js';

/** Nodes whose lives are remembered, and former lives of each. */
const nodesMax = 1024;
const formerMax = 32;

interface Known {
  current: number;
  readonly former: number[];
}

/**
 * Which process is a node now. A process that was followed by another of the same node is not listened to any more:
 * two that run at once, say from a copied disk, could otherwise promise two things in one node's name.
 */
export class Lives {
  readonly #nodes = new Map<NodeId, Known>();

  isSuperseded(node: NodeId, incarnation: number): boolean {
    return this.#nodes.get(node)?.former.includes(incarnation) ?? false;
  }

  /** Takes note of a process that has shown that it lives. True if it follows another one. */
  note(node: NodeId, incarnation: number): boolean {
    const known = this.#nodes.get(node);
    if (known === undefined) {
      for (const oldest of this.#nodes.keys()) {
        if (this.#nodes.size < nodesMax) break;
        this.#nodes.delete(oldest);
      }
      this.#nodes.set(node, { current: incarnation, former: [] });
      return false;
    }
    if (known.current === incarnation) return false;
    known.former.push(known.current);
    if (known.former.length > formerMax) known.former.shift();
    known.current = incarnation;
    return true;
  }
}
