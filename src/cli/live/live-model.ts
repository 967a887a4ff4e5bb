import type { CommandContext } from '../../console/command.js';
import { cutsOf } from '../../console/cuts.js';
import type { NodeInformation } from '../../node/information.js';
import type { NodeId } from '../../raft/entry.js';
import type { News } from '../news.js';
import type { ViewModel } from './view.js';

/** Heights over this long make the rate of commits. */
const rateWindowMs = 2_000;

/** What the live view knows: nodes as last asked, and what was last told of each. */
export class LiveModel {
  readonly #lastEvents = new Map<NodeId, string>();
  /** Commit indexes lately seen, oldest first. */
  #commits: { readonly atMs: number; readonly index: number }[] = [];
  #nodes: readonly NodeInformation[] = [];

  hear({ nodes, short }: News): void {
    for (const id of nodes) this.#lastEvents.set(id, short);
  }

  /** @param atMs the time of the question, on any clock. */
  see(nodes: readonly NodeInformation[], atMs: number): void {
    this.#nodes = nodes;
    const index = Math.max(0, ...nodes.map((node) => node.commitIndex));
    this.#commits = this.#commits.filter((seen) => atMs - seen.atMs <= rateWindowMs);
    this.#commits.push({ atMs, index });
  }

  view({ cluster, blocks }: CommandContext): ViewModel {
    const network = cluster.network();
    return {
      nodes: this.#nodes.map((node) => ({
        ...node,
        cuts: cutsOf(node.id, network, cluster.ids),
        lastEvent: this.#lastEvents.get(node.id) ?? '',
      })),
      leader: cluster.leader(),
      blockIntervalMs: blocks.intervalMs,
      commitsPerSecond: this.#rate(),
    };
  }

  #rate(): number {
    const first = this.#commits[0];
    const last = this.#commits[this.#commits.length - 1];
    if (first === undefined || last === undefined || last.atMs === first.atMs) return 0;
    return Math.max(0, Math.round(((last.index - first.index) * 1000) / (last.atMs - first.atMs)));
  }
}
