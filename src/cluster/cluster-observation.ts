import type { ChartStep, Observation, ObservedState, OuterChart } from '../node/watch/observation.js';
import type { NodeId } from '../raft/entry.js';

/** What is told of a watched cluster: bundles of its nodes, and of the charts outside them. */
export type ClusterObservation =
  | { readonly source: 'node'; readonly id: NodeId; readonly observation: Observation }
  /** Its process cannot be reached, so that nothing is known of it until it tells again. */
  | { readonly source: 'unreachable'; readonly id: NodeId }
  /** Told once to whoever comes: how a node that is down last stood. */
  | { readonly source: 'remains'; readonly id: NodeId; readonly state: ObservedState }
  | {
      readonly source: 'chart';
      readonly chart: OuterChart;
      readonly active: readonly string[];
      readonly steps: readonly ChartStep[];
    };
