import type { Spread } from '../../node/measures/distribution.js';
import type { Counts } from '../../node/measures/node-counts.js';

/** One value of a metric, with its labels. */
export interface Sample {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** What of a metric is the same at all times. Its name ends in its unit, and in `_total` if it is a counter. */
export interface MetricHead {
  readonly name: string;
  readonly help: string;
}

/** A metric whose values are looked up in `Source` when somebody asks for them. */
export interface Metric<Source> extends MetricHead {
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** Of a histogram its buckets, and nothing of the others. */
  readonly samples?: (source: Source) => readonly Sample[];
  readonly spread?: (source: Source) => Spread;
}

/** One that has one value. */
export function single<Source>(
  type: 'counter' | 'gauge',
  name: string,
  help: string,
  value: (source: Source) => number,
): Metric<Source> {
  return { type, name, help, samples: (source) => [{ labels: {}, value: value(source) }] };
}

/** One that has a value for each name that was counted. */
export function counted<Source>(
  name: string,
  help: string,
  label: string,
  counts: (source: Source) => Counts,
): Metric<Source> {
  return { type: 'counter', name, help, samples: (source) => samplesOf(label, counts(source)) };
}

export function samplesOf(label: string, counts: Counts, labels: Sample['labels'] = {}): Sample[] {
  return Object.entries(counts).map(([name, value]) => ({ labels: { ...labels, [label]: name }, value }));
}
