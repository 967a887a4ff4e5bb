import type { Observation, ObservedTransition, OuterChart } from '../node/watch/observation.js';
import type { NodeId } from '../raft/entry.js';

/** What is told of a watched cluster: bundles of its nodes, and of the charts outside them. */
export type ClusterObservation =
  | { readonly source: 'node'; readonly id: NodeId; readonly observation: Observation }
  | {
      readonly source: 'chart';
      readonly chart: OuterChart;
      readonly active: readonly string[];
      readonly transitions: readonly ObservedTransition[];
    };
