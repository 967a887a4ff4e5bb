import type { ClusterState } from './cluster-state.js';
import type { NodeStep, Step } from './format.js';

/** What is drawn over time, one value a bucket; null where nothing is known. */
export interface LoadSeries {
  /** The middle of each bucket, in seconds. */
  readonly seconds: number[];
  readonly commitsPerSecond: (number | null)[];
  readonly latencyMs: (number | null)[];
  readonly term: (number | null)[];
}

/** The part of a scale that values take up. */
export interface ValueRange {
  readonly min: number;
  readonly max: number;
}

/**
 * What a curve is drawn in. Amounts are seen from zero; of terms every step is to be seen however high they are, and
 * stays below the marks at the top.
 */
export function valueRange(values: readonly (number | null)[], areTerms: boolean): ValueRange {
  const known = values.filter((value) => value !== null);
  const top = Math.max(1, ...known);
  if (!areTerms) return { min: 0, max: top * 1.15 };
  const min = Math.max(0, Math.min(top, ...known) - 1);
  return { min, max: top + Math.max(1, (top - min) * 0.4) };
}

/** Where a scale is lettered: at whole numbers, two to five of them where there is room. */
export function fewSplits({ min, max }: ValueRange): number[] {
  const least = Math.max(1, (max - min) / 4);
  const step = 10 ** Math.floor(Math.log10(least));
  const each = [1, 2, 5].map((times) => times * step).find((wide) => wide >= least) ?? step * 10;
  const first = Math.ceil(min / each);
  return Array.from(
    { length: Math.max(0, Math.floor(max / each) - first + 1) },
    (_, at) => (first + at) * each,
  );
}

const bucketMs = 500;
/** When no node has said anything for so long, in milliseconds, nobody listened, or none runs. */
const silenceMsMin = 2_500;

interface Bucket {
  commits: number;
  latencySumMs: number;
  latencySamples: number;
  term: number;
}

/** Gathers a recording's figures: commits, how long they took, the highest term. */
export class LoadGatherer {
  readonly #buckets = new Map<number, Bucket>();
  /** Silences, as the buckets between two that were told of; both ends are known. */
  #silences: { readonly after: number; readonly before: number }[] = [];
  #lastAtMs: number | null = null;
  #commitIndex = 0;
  #term = 0;
  #firstBucket = 0;

  /** Takes a step, after which everything stands so. */
  take(step: Step, state: ClusterState): void {
    if ('node' in step && step.kind !== 'mark' && step.kind !== 'life') this.#takeOf(step, state);
  }

  /** The figures from `fromMs` through `toMs`. Quiet buckets hold zero commits; of silence nothing is known. */
  series(fromMs: number, toMs: number): LoadSeries {
    const series: LoadSeries = { seconds: [], commitsPerSecond: [], latencyMs: [], term: [] };
    let term: number | null = null;
    const first = Math.max(this.#firstBucket, Math.floor(fromMs / bucketMs));
    for (let number = first; number * bucketMs <= toMs; number++) {
      const bucket = this.#buckets.get(number);
      const share = Math.min(1, (toMs - number * bucketMs) / bucketMs);
      // A bucket that has hardly begun would show a drop that is none.
      if (share < 0.5) break;
      term = bucket?.term ?? term;
      series.seconds.push(((number + 0.5) * bucketMs) / 1000);
      const isSilent = this.#silences.some(({ after, before }) => number > after && number < before);
      series.commitsPerSecond.push(isSilent ? null : ((bucket?.commits ?? 0) * 1000) / bucketMs);
      const samples = bucket?.latencySamples ?? 0;
      series.latencyMs.push(bucket === undefined || samples === 0 ? null : bucket.latencySumMs / samples);
      series.term.push(term);
    }
    return series;
  }

  /** Forgets what lies before, so that a page open for days stays small. */
  forgetBefore(ms: number): void {
    this.#firstBucket = Math.floor(ms / bucketMs);
    for (const number of this.#buckets.keys()) if (number < this.#firstBucket) this.#buckets.delete(number);
    this.#silences = this.#silences.filter(({ before }) => before > this.#firstBucket);
  }

  #takeOf(step: Exclude<NodeStep, { kind: 'life' }>, { nodes }: ClusterState): void {
    const { at, node, kind, latency } = step;
    const seen = nodes.get(node);
    const lastAtMs = this.#lastAtMs;
    this.#lastAtMs = at;
    const number = Math.floor(at / bucketMs);
    const isFirst = lastAtMs === null || at - lastAtMs > silenceMsMin;
    if (lastAtMs === null) this.#firstBucket = number;
    else if (isFirst) this.#silences.push({ after: Math.floor(lastAtMs / bucketMs), before: number });
    const bucket = this.#buckets.get(number) ?? { commits: 0, latencySumMs: 0, latencySamples: 0, term: 0 };
    this.#buckets.set(number, bucket);
    this.#term = Math.max(this.#term, seen?.state?.term ?? 0);
    bucket.term = this.#term;
    const commitIndex = seen?.levels.commit ?? 0;
    // Where a node begins to tell, also after a silence, is where counting begins, not so many commits at once.
    if (!isFirst && kind !== 'stand') bucket.commits += Math.max(0, commitIndex - this.#commitIndex);
    this.#commitIndex = Math.max(this.#commitIndex, commitIndex);
    if (latency !== undefined) {
      bucket.latencySumMs += latency.meanMs * latency.samples;
      bucket.latencySamples += latency.samples;
    }
  }
}
