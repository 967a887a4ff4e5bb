import { once } from 'node:events';
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
const warmingSlices = 4;

/** A thread that reads all that the inspector tells, as a page does, from `open` to `close`. It answers both. */
const readerSource = `
const { parentPort, workerData } = require('node:worker_threads');
let ended = null;
parentPort.on('message', async (message) => {
  if (message === 'close') return ended.abort();
  ended = new AbortController();
  const response = await fetch(workerData + 'api/events', { signal: ended.signal });
  let isFirst = true;
  try {
    for await (const _ of response.body) {
      if (isFirst) parentPort.postMessage('reading');
      isFirst = false;
    }
  } catch {}
  parentPort.postMessage('closed');
});
`;

/**
 * One cluster under load, watched and not in turn, in slices so short that what drifts, and a log that grows, meet
 * both alike; which comes first changes from pair to pair. The reader stands for the page: what a browser draws is its
 * own affair.
 */
export async function measureInspection(pairs: number, sliceSeconds: number): Promise<InspectionCost> {
  const cluster = await RaftCluster.start({
    nodes: 3,
    application: { module: new URL('./counter.js', import.meta.url) },
    storage: { kind: 'memory' },
    seed: 1,
  });
  const inspector = await cluster.inspect({ port: 0 });
  const reader = new Worker(readerSource, { eval: true, workerData: inspector.url });
  try {
    await cluster.waitForLeader({ timeoutMs: 10_000 });
    const command = new Uint8Array(commandBytes).fill(1);
    const propose = () => cluster.propose(command, { timeoutMs: 30_000 });
    const slice = async (isWatched: boolean): Promise<Slice> => {
      if (isWatched) await tell(reader, 'open');
      const before = process.cpuUsage();
      const answered = (await closedLoop(inFlight, sliceSeconds * 1000, propose)).length;
      const { user, system } = process.cpuUsage(before);
      if (isWatched) await tell(reader, 'close');
      return { perSecond: answered / sliceSeconds, cpuMicroseconds: (user + system) / answered };
    };
    await warmUp(inFlight, propose);
    // What watches is to be warm, too.
    for (let at = 0; at < warmingSlices; at++) await slice(true);
    const measured: Pair[] = [];
    while (measured.length < pairs) {
      const isWatchedFirst = measured.length % 2 === 1;
      const first = await slice(isWatchedFirst);
      const second = await slice(!isWatchedFirst);
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

function ratioOf(pairs: readonly Pair[], value: (slice: Slice) => number): number {
  return Number(
    median(pairs.map(({ watched, unwatched }) => value(watched) / value(unwatched))).toPrecision(3),
  );
}
