import { Worker } from 'node:worker_threads';
import { RaftCluster } from '../src/index.js';
import { closedLoop, median, warmUp } from './measure.js';

/** What watching costs. */
export interface InspectionCost {
  readonly unwatchedPerSecond: number;
  readonly watchedPerSecond: number;
  /** Watched to unwatched, median over the pairs of slices; 1 means that watching costs nothing. */
  readonly ratio: number;
  /** The same for the processor time that a command takes: steadier where other programs run, too. */
  readonly cpuRatio: number;
}

const inFlight = 1024;
const commandBytes = 16;

/** A thread that reads all that the inspector tells, as a page does, and says when it has begun. */
const readerSource = `
const { parentPort, workerData } = require('node:worker_threads');
fetch(workerData + 'api/events').then(async (response) => {
  let isFirst = true;
  for await (const _ of response.body) {
    if (isFirst) parentPort.postMessage('reading');
    isFirst = false;
  }
}).catch(() => {});
`;

/**
 * Clusters under the same load, one after another: one unwatched and two watched, one unwatched, and so on, so that
 * what drifts meets both alike. Each is new, since a log that has grown is slower to keep. The reader stands for the
 * page: what a browser draws is its own affair.
 */
export async function measureInspection(pairs: number, sliceSeconds: number): Promise<InspectionCost> {
  await measureCluster(false, sliceSeconds);
  const measured: { unwatched: Slice; watched: Slice }[] = [];
  while (measured.length < pairs) {
    const isWatchedFirst = measured.length % 2 === 1;
    const first = await measureCluster(isWatchedFirst, sliceSeconds);
    const second = await measureCluster(!isWatchedFirst, sliceSeconds);
    measured.push(
      isWatchedFirst ? { watched: first, unwatched: second } : { watched: second, unwatched: first },
    );
  }
  return {
    unwatchedPerSecond: Math.round(median(measured.map(({ unwatched }) => unwatched.perSecond))),
    watchedPerSecond: Math.round(median(measured.map(({ watched }) => watched.perSecond))),
    ratio: ratioOf(measured, ({ perSecond }) => perSecond),
    cpuRatio: ratioOf(measured, ({ cpuMicroseconds }) => cpuMicroseconds),
  };
}

async function measureCluster(isWatched: boolean, seconds: number): Promise<Slice> {
  const cluster = await RaftCluster.start({
    nodes: 3,
    application: { module: new URL('./counter.js', import.meta.url) },
    storage: { kind: 'memory' },
    seed: 1,
  });
  try {
    await cluster.waitForLeader({ timeoutMs: 10_000 });
    const inspector = await cluster.inspect({ port: 0 });
    const command = new Uint8Array(commandBytes).fill(1);
    const propose = () => cluster.propose(command, { timeoutMs: 30_000 });
    await warmUp(inFlight, propose);
    const reader = isWatched ? await startReader(inspector.url) : null;
    const before = process.cpuUsage();
    const answered = (await closedLoop(inFlight, seconds * 1000, propose)).length;
    const { user, system } = process.cpuUsage(before);
    await reader?.terminate();
    return { perSecond: answered / seconds, cpuMicroseconds: (user + system) / answered };
  } finally {
    await cluster.close();
  }
}

interface Slice {
  readonly perSecond: number;
  /** Processor time of all threads for one command. */
  readonly cpuMicroseconds: number;
}

function ratioOf(
  pairs: readonly { readonly unwatched: Slice; readonly watched: Slice }[],
  value: (slice: Slice) => number,
): number {
  return Number(
    median(pairs.map(({ watched, unwatched }) => value(watched) / value(unwatched))).toPrecision(3),
  );
}

function startReader(url: string): Promise<Worker> {
  const reader = new Worker(readerSource, { eval: true, workerData: url });
  return new Promise((resolve, reject) => {
    reader.once('message', () => resolve(reader));
    reader.once('error', reject);
  });
}
