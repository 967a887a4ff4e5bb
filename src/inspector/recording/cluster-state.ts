import { Configuration } from '../../raft/configuration.js';
import type { NodeId } from '../../raft/entry.js';
import type { MembersStep, Network, NodeStep, OuterStep, RecordingHeader, Step } from './format.js';
import { levelsOf } from './levels.js';
import { isLeading, type NodeSeen, nodeAfter, termOf, unseen } from './node-seen.js';

/** How everything stands after one step. Every view of it is drawn from this and from nothing else. */
export class ClusterState {
  /** The step after which it stands so, and when that was. */
  nr = 0;
  at = 0;
  network: Network | null = null;
  /** Who belongs to the cluster, and what they can decide. */
  configuration: Configuration;
  /** Ascending. */
  nodes: Map<NodeId, NodeSeen>;
  readonly charts: Map<OuterStep['chart'], readonly string[]>;

  private constructor(
    configuration: Configuration,
    nodes: Map<NodeId, NodeSeen>,
    charts: Map<OuterStep['chart'], readonly string[]>,
  ) {
    this.configuration = configuration;
    this.nodes = nodes;
    this.charts = charts;
  }

  static of({ nodes }: RecordingHeader): ClusterState {
    const seen = new Map(nodes.map(({ id, votes }) => [id, unseen(id, votes)]));
    const [voters, learners] = [true, false].map((is) =>
      nodes.flatMap(({ id, votes }) => (votes === is ? [id] : [])),
    ) as [NodeId[], NodeId[]];
    // A recording of nobody who votes is drawn as well as can be.
    const configuration =
      voters.length === 0 ? Configuration.of(learners) : Configuration.of(voters, learners);
    return new ClusterState(configuration, seen, new Map());
  }

  /** Nodes and all else are never changed in place, so that a copy costs little. */
  copy(): ClusterState {
    const copy = new ClusterState(this.configuration, new Map(this.nodes), new Map(this.charts));
    copy.nr = this.nr;
    copy.at = this.at;
    copy.network = this.network;
    return copy;
  }

  /** Of the nodes that run and say they lead, the one of the highest term. */
  get leader(): NodeSeen | null {
    let leader: NodeSeen | null = null;
    for (const node of this.nodes.values()) {
      if (isLeading(node) && termOf(node) > termOf(leader)) leader = node;
    }
    return leader;
  }

  apply(step: Step): void {
    this.nr = step.nr;
    this.at = step.at;
    switch (step.kind) {
      case 'network': {
        const { groups, link, links } = step;
        this.network = { groups, link, links };
        return;
      }
      case 'members':
        this.#applyMembers(step);
        return;
      case 'outer':
        this.charts.set(step.chart, step.active);
        return;
      case 'mark':
        return;
      default:
        this.#applyToNode(step);
    }
  }

  #applyMembers({ nodes, voters, votersOutgoing, learners }: MembersStep): void {
    this.configuration = Configuration.between(votersOutgoing, voters, learners);
    const before = this.nodes;
    this.nodes = new Map(
      [...nodes]
        .sort((a, b) => a - b)
        .map((id) => {
          const isVoter = this.configuration.isVoter(id);
          const known = before.get(id) ?? unseen(id, isVoter);
          return [id, known.isVoter === isVoter ? known : { ...known, isVoter }];
        }),
    );
  }

  #applyToNode(step: NodeStep): void {
    const node = this.nodes.get(step.node);
    if (node === undefined) return;
    const next = nodeAfter(node, step);
    if (next === node) return;
    this.nodes.set(node.id, next);
    if (movesLevels(step)) {
      for (const [id, levels] of levelsOf(this.nodes, this.configuration)) {
        const known = this.nodes.get(id);
        if (known !== undefined) this.nodes.set(id, { ...known, levels });
      }
    }
  }
}

/** Roles and levels that others' levels depend on. */
function movesLevels(step: NodeStep): boolean {
  if (step.kind === 'stand' || step.kind === 'life') return true;
  const { change } = step;
  if (change === undefined) return false;
  return (
    change.log !== undefined ||
    change.commitIndex !== undefined ||
    change.height !== undefined ||
    change.role !== undefined ||
    change.term !== undefined
  );
}
