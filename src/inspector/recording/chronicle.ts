import { grantedBy } from './campaign.js';
import { Campaigns, type Turn } from './campaigns.js';
import type { ClusterState } from './cluster-state.js';
import type { Happening, NodeStep, Step } from './format.js';
import type { NodeSeen } from './node-seen.js';
import { whyItResigns } from './reasons.js';

/** A happening at its place in the order. */
export interface Told extends Happening {
  readonly nr: number;
  /** The steps in which it happened again without anything between that would be told. */
  readonly repeats: readonly number[];
}

/** Happenings that are remembered. */
const toldMax = 5000;

/** What people look for in a recording, gathered step by step: faults, and the story of every election. */
export class Chronicle {
  readonly campaigns = new Campaigns();
  #told: (Told & { readonly repeats: number[] })[] = [];

  get told(): readonly Told[] {
    return this.#told;
  }

  /** Takes a step. @param was its node before it, and `state` how everything stands after it. */
  take(step: Step, was: NodeSeen | null, state: ClusterState): void {
    if (step.kind === 'mark') this.#tell(step);
    if (
      (step.kind === 'life' || step.kind === 'network' || step.kind === 'members') &&
      step.told !== undefined
    ) {
      this.#tell({ ...step.told, nr: step.nr, at: step.at, node: step.kind === 'life' ? step.node : null });
    }
    if (was === null || step.kind === 'mark' || !('node' in step)) return;
    const node = state.nodes.get(was.id) ?? was;
    if (step.kind === 'chart' && was.state?.role === 'leader' && node.state?.role !== 'leader') {
      const text = `node ${node.id} leads no longer (term ${was.state.term}): ${whyItResigns(step)}`;
      this.#tell({ nr: step.nr, at: step.at, mark: 'failing', text, node: node.id });
    }
    this.#tellCandidacy(step);
    for (const turn of this.campaigns.take(step, was, state)) this.#tellTurn(turn, step, node);
  }

  forgetBefore(nr: number): void {
    this.campaigns.forgetBefore(nr);
  }

  /** Who may stand is set from outside, like a fault, and decides elections like one. */
  #tellCandidacy(step: NodeStep): void {
    if (step.kind !== 'chart' || step.change?.candidacy === undefined) return;
    const { nr, at, node, change } = step;
    const [mark, may] = change.candidacy
      ? (['repair', 'may stand'] as const)
      : (['fault', 'may not stand'] as const);
    this.#tell({ nr, at, mark, text: `node ${node} ${may} for election`, node });
  }

  #tellTurn({ what, campaign }: Turn, { nr, at }: NodeStep, { id }: NodeSeen): void {
    const { term, why, preVotes, stood, voters, needed, end } = campaign;
    const tell = (mark: Happening['mark'], text: string) => this.#tell({ nr, at, mark, text, node: id });
    switch (what) {
      case 'begins':
        tell('timeout', `node ${id} asks whether it could win term ${term}: ${why}`);
        return;
      case 'again':
        this.#repeat(campaign.node, nr);
        return;
      case 'stands': {
        const support =
          preVotes.length === 0
            ? why
            : `${grantedBy(preVotes).length} of ${voters} would vote for it, ${needed} are needed`;
        tell('standing', `node ${id} stands for election in term ${term}: ${support}`);
        return;
      }
      case 'wins': {
        const votes = grantedBy(stood?.votes ?? []);
        const of =
          votes.length === 0 ? '' : ` with the votes of ${listed(votes)}, ${needed} of ${voters} needed`;
        tell('election', `node ${id} leads term ${term}${of}`);
        return;
      }
      case 'fails': {
        const votes = stood === null ? '' : ` with ${grantedBy(stood.votes).length} of ${voters} votes`;
        tell('failing', `node ${id} does not win term ${term}${votes}: ${end?.why ?? ''}`);
      }
    }
  }

  #tell({ nr, at, mark, text, node, link }: Happening & { readonly nr: number }): void {
    this.#told.push({ nr, at, mark, text, node, repeats: [], ...(link === undefined ? {} : { link }) });
    if (this.#told.length > toldMax) this.#told.splice(0, toldMax / 10);
  }

  #repeat(node: number, nr: number): void {
    const last = this.#told.findLast((told) => told.mark === 'timeout' && told.node === node);
    last?.repeats.push(nr);
  }
}

/** Such as `0, 1 and 3`. */
export function listed(ids: readonly number[]): string {
  return ids.length < 2 ? ids.join('') : `${ids.slice(0, -1).join(', ')} and ${ids.at(-1)}`;
}
