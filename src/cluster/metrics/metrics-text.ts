import type { Spread } from '../../node/measures/distribution.js';
import type { NodeMeasures } from '../../node/measures/measures.js';
import type { NodeId } from '../../raft/entry.js';
import type { NetworkCounters } from '../../router/counters.js';
import type { Metric, Sample } from './metric.js';
import { networkMetrics } from './network-metrics.js';
import { nodeMetrics } from './node-metrics.js';

/** What was measured at one moment. */
export interface Measured {
  /** Null of one that does not listen. */
  readonly nodes: ReadonlyMap<NodeId, NodeMeasures | null>;
  readonly network: NetworkCounters;
  /** What this process's own calls have under way. */
  readonly pending: { readonly commands: number; readonly reads: number };
  /** Until when this member's certificate is good, in milliseconds since 1970. */
  readonly certificateEndsMs?: number | null;
}

const clusterMetrics: readonly Metric<Measured>[] = [
  {
    type: 'gauge',
    name: 'conclave_node_up',
    help: 'Whether the node of this process runs and answers.',
    samples: ({ nodes }) =>
      [...nodes].map(([node, measures]) => ({ labels: { node }, value: Number(measures !== null) })),
  },
  {
    type: 'gauge',
    name: 'conclave_calls_pending',
    help: 'Calls of this process that have not ended.',
    samples: ({ pending: { commands, reads } }) => [
      { labels: { call: 'propose' }, value: commands },
      { labels: { call: 'read' }, value: reads },
    ],
  },
  {
    type: 'gauge',
    name: 'conclave_certificate_expiry_timestamp_seconds',
    help: 'When the certificate of this process ends, in seconds since 1970; nothing without one.',
    samples: ({ certificateEndsMs = null }) =>
      certificateEndsMs === null ? [] : [{ labels: {}, value: certificateEndsMs / 1000 }],
  },
];

/** The names of all metrics that there are. */
export const metricNames: readonly string[] = [...clusterMetrics, ...nodeMetrics, ...networkMetrics].map(
  ({ name }) => name,
);

/**
 * What was measured, as Prometheus reads it. The nodes count on their own threads, and each text has a registry of its
 * own: nothing is kept here, and nothing goes into the library's global one. It is loaded by those who ask.
 */
export async function metricsText(measured: Measured): Promise<string> {
  const { AggregatorRegistry } = await import('prom-client');
  const { nodes, network } = measured;
  return AggregatorRegistry.aggregate([
    [
      ...clusterMetrics.map((metric) => valuesOf(metric, [[{}, measured]])),
      ...nodeMetrics.map((metric) =>
        valuesOf(
          metric,
          [...nodes].flatMap(([node, measures]): [Sample['labels'], NodeMeasures][] =>
            measures === null ? [] : [[{ node }, measures]],
          ),
        ),
      ),
      ...networkMetrics.map((metric) => valuesOf(metric, [[{}, network]])),
    ],
  ]).metrics();
}

/** As the library has a metric when it hands it from one process to another. */
function valuesOf<Source>(
  { name, help, type, samples, spread }: Metric<Source>,
  sources: readonly (readonly [labels: Sample['labels'], source: Source])[],
): object {
  const values = sources.flatMap(([own, source]): (Sample & { readonly metricName?: string })[] => {
    if (spread !== undefined) return bucketsOf(name, own, spread(source));
    return (samples?.(source) ?? []).map(({ labels, value }) => ({ labels: { ...own, ...labels }, value }));
  });
  return { name, help, type, values, aggregator: 'sum' };
}

/** Buckets count what is at most their bound, all that is below it included. */
function bucketsOf(name: string, labels: Sample['labels'], { bounds, counts, sum }: Spread) {
  let count = 0;
  const buckets = counts.map((each, at) => {
    count += each;
    const le = bounds[at] ?? '+Inf';
    return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: count };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ];
}
