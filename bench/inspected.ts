import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { RaftCluster } from '../src/index.js';
import { inspect } from '../src/inspector/inspect.js';
import { closedLoop, median, medianRange, warmUp } from './measure.js';

/** What watching costs. */
export interface InspectionCost {
  readonly unwatchedPerSecond: number;
  readonly watchedPerSecond: number;
  /** Watched to unwatched, median over the pairs of slices; 1 means that watching costs nothing. */
  readonly ratio: number;
  /** Between these the true median lies, with a confidence of 95 %. */
  readonly ratioRange: readonly [low: number, high: number];
  /** Watched to unwatched, likewise, of the processor time that a command takes. */
  readonly cpuRatio: number;
}

const inFlight = 1024;
const commandBytes = 16;
const warmingSlices = 4;
const pairsOfOneCluster = 10;
/** Not counted at the start of a slice: that a page is open is measured, not that it opens. */
const settlingMs = 100;

/** A thread that reads all that the inspector tells, as a page does, from `open` to `close`. It answers both. */
const readerSource = `
const { get } = require('node:http');
const { parentPort, workerData } = require('node:worker_threads');
let request = null;
parentPort.on('message', (message) => {
  if (message === 'close') return request.destroy();
  const { origin, hash } = new URL(workerData);
  request = get(origin + '/api/events?' + hash.slice(1), (response) => {
    response.once('data', () => parentPort.postMessage('reading')).resume();
    response.on('error', () => {}).on('close', () => parentPort.postMessage('closed'));
  });
});
`;

/**
 * Clusters under load, watched and not in turn, in slices so short that what drifts meets both alike; which comes first
 * changes from pair to pair. A cluster serves for a few pairs only: logs are kept whole, and collecting garbage beside
 * millions of entries is a noise louder than what is measured. The reader stands for the page: what a browser draws is
 * its own affair.
 */
export async function measureInspection(pairs: number, sliceSeconds: number): Promise<InspectionCost> {
  const measured: Pair[] = [];
  while (measured.length < pairs) {
    await withWatchedCluster(async (slice) => {
      // What watches is to be warm, too.
      for (let at = 0; at < warmingSlices; at++) await slice(true, sliceSeconds);
      for (let at = 0; at < pairsOfOneCluster && measured.length < pairs; at++) {
        const isWatchedFirst = at % 2 === 1;
        const first = await slice(isWatchedFirst, sliceSeconds);
        const second = await slice(!isWatchedFirst, sliceSeconds);
        measured.push(
          isWatchedFirst ? { watched: first, unwatched: second } : { watched: second, unwatched: first },
        );
      }
    });
  }
  const ratios = measured.map(({ watched, unwatched }) => watched.perSecond / unwatched.perSecond);
  const cpuRatios = measured.map(
    ({ watched, unwatched }) => watched.cpuMicroseconds / unwatched.cpuMicroseconds,
  );
  const [low, high] = medianRange(ratios);
  return {
    unwatchedPerSecond: Math.round(median(measured.map(({ unwatched }) => unwatched.perSecond))),
    watchedPerSecond: Math.round(median(measured.map(({ watched }) => watched.perSecond))),
    ratio: rounded(median(ratios)),
    ratioRange: [rounded(low), rounded(high)],
    cpuRatio: rounded(median(cpuRatios)),
  };
}

type MeasureSlice = (isWatched: boolean, seconds: number) => Promise<Slice>;

/** Starts a cluster, warms it up, and has slices of it measured. */
async function withWatchedCluster(measure: (slice: MeasureSlice) => Promise<void>): Promise<void> {
  const cluster = await RaftCluster.start({
    nodes: 3,
    application: { module: new URL('./counter.js', import.meta.url) },
    storage: { kind: 'memory' },
    seed: 1,
  });
  const inspector = await inspect(cluster, { port: 0 });
  const reader = new Worker(readerSource, { eval: true, workerData: inspector.url });
  const command = new Uint8Array(commandBytes).fill(1);
  const propose = () => cluster.propose(command, { timeoutMs: 30_000 });
  try {
    await cluster.waitForLeader({ timeoutMs: 10_000 });
    await warmUp(inFlight, propose);
    await measure(async (isWatched, seconds) => {
      if (isWatched) await tell(reader, 'open');
      await closedLoop(inFlight, settlingMs, propose);
      const before = process.cpuUsage();
      const answered = (await closedLoop(inFlight, seconds * 1000, propose)).length;
      const { user, system } = process.cpuUsage(before);
      if (isWatched) await tell(reader, 'close');
      return { perSecond: answered / seconds, cpuMicroseconds: (user + system) / answered };
    });
  } finally {
    await reader.terminate();
    await cluster.close();
  }
}

/** Resolves when the reader has done it. */
async function tell(reader: Worker, what: 'open' | 'close'): Promise<void> {
  const done = once(reader, 'message');
  reader.postMessage(what);
  await done;
}

interface Slice {
  readonly perSecond: number;
  /** Processor time of all threads for one command. */
  readonly cpuMicroseconds: number;
}

interface Pair {
  readonly unwatched: Slice;
  readonly watched: Slice;
}

function rounded(ratio: number): number {
  return Number(ratio.toPrecision(3));
}
