/** What one run gave. */
export interface Measurement {
  readonly committedPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/**
 * Not counted at the start of a run: threads start, buffers grow, and the engine compiles what it finds hot, which
 * takes it thousands of turns; with one command in flight that is seconds. A service is measured as it is after its
 * first minute: slice after slice until one is hardly better than the best before it.
 */
const warming = { sliceMs: 500, slicesMin: 8, slicesMax: 16, gainMin: 1.05 };

/**
 * After a warm-up, keeps `inFlight` commands under way for `seconds`, each client sending the next when the last is
 * answered, and counts those answered.
 */
export async function measureClosedLoop(
  inFlight: number,
  seconds: number,
  command: () => Promise<unknown>,
): Promise<Measurement> {
  await warmUp(inFlight, command);
  const latencies = await closedLoop(inFlight, seconds * 1000, command);
  const sorted = Float64Array.from(latencies).sort();
  const quantile = (q: number) => sorted[Math.floor(q * (sorted.length - 1))] ?? Number.NaN;
  return { committedPerSecond: latencies.length / seconds, p50Ms: quantile(0.5), p99Ms: quantile(0.99) };
}

/** Brings all threads of a cluster to speed. */
export async function warmUp(inFlight: number, command: () => Promise<unknown>): Promise<void> {
  let best = 0;
  for (let slice = 1; slice <= warming.slicesMax; slice++) {
    const answered = (await closedLoop(inFlight, warming.sliceMs, command)).length;
    if (slice >= warming.slicesMin && answered < best * warming.gainMin) return;
    best = Math.max(best, answered);
  }
}

/** The latencies, in milliseconds, of what was answered within `ms`. */
export async function closedLoop(
  inFlight: number,
  ms: number,
  command: () => Promise<unknown>,
): Promise<number[]> {
  const end = performance.now() + ms;
  const latencies: number[] = [];
  const client = async () => {
    for (let sent = performance.now(); sent < end; ) {
      await command();
      const answered = performance.now();
      if (answered < end) latencies.push(answered - sent);
      sent = answered;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, client));
  return latencies;
}

/** The middle value, so that one noisy run does not decide. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/**
 * Between which values the median of what was sampled lies, with a confidence of 95 %: by the order of the sample, so
 * whatever its distribution (the normal approximation of the binomial, from some ten values on).
 */
export function medianRange(values: readonly number[]): [low: number, high: number] {
  const sorted = [...values].sort((a, b) => a - b);
  const reach = 0.98 * Math.sqrt(sorted.length);
  const at = (rank: number) => sorted[Math.min(Math.max(rank, 0), sorted.length - 1)] ?? Number.NaN;
  return [at(Math.floor(sorted.length / 2 - reach)), at(Math.ceil(sorted.length / 2 + reach))];
}
