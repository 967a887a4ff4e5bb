/** What one run gave. */
export interface Measurement {
  readonly committedPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Not counted at the start of a run: threads start, code is compiled, buffers grow. */
const warmUpMs = 700;

/**
 * Keeps `inFlight` commands under way for `seconds`, each client sending the next when the last is answered, and
 * counts those answered after the warm-up.
 */
export async function measureClosedLoop(
  inFlight: number,
  seconds: number,
  command: () => Promise<unknown>,
): Promise<Measurement> {
  const begin = performance.now() + warmUpMs;
  const end = begin + seconds * 1000;
  const latencies: number[] = [];
  const client = async () => {
    for (let sent = performance.now(); sent < end; ) {
      await command();
      const answered = performance.now();
      if (answered >= begin && answered < end) latencies.push(answered - sent);
      sent = answered;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, client));
  const sorted = Float64Array.from(latencies).sort();
  const quantile = (q: number) => sorted[Math.floor(q * (sorted.length - 1))] ?? Number.NaN;
  return { committedPerSecond: latencies.length / seconds, p50Ms: quantile(0.5), p99Ms: quantile(0.99) };
}

/** The middle value, so that one noisy run does not decide. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
