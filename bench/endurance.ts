import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { type ClusterOptions, KeyValueClient, RaftCluster } from '../src/index.js';
import { blockBytes } from './ballast.js';

/*
 * What takes minutes to show: that a cluster's memory and disk level off, and that a large state can be snapshotted and
 * sent while it serves. Each run prints JSON, an object a line.
 */

const MiB = 1024 * 1024;
const application = { module: new URL('./ballast.js', import.meta.url) };

new Command('endurance')
  .description('What takes minutes to show, on this machine’s disk (below TMPDIR).')
  .addCommand(
    new Command('commands')
      .description('many small commands through three nodes on disk: what memory and disk come to')
      .option('--count <n>', 'commands', whole, 10_000_000)
      .option('--snapshot-every <n>', 'entries', whole, 100_000)
      .option('--in-flight <n>', 'commands at once', whole, 1024)
      .action(commands),
  )
  .addCommand(
    new Command('state')
      .description(
        'a large state snapshotted by all, and installed into a fresh member: what commits take meanwhile',
      )
      .option('--mebibytes <n>', 'of state', whole, 500)
      .option('--rate <n>', 'commands a second', whole, 100)
      .option('--idle-seconds <n>', 'measured before', whole, 20)
      .action(state),
  )
  .addCommand(
    new Command('recovery')
      .description('how long a member takes to come back from a snapshot and the entries after it')
      .option('--entries <n>', 'after the snapshot', whole, 100_000)
      .option('--rounds <n>', 'restarts', whole, 5)
      .action(recovery),
  )
  .parse();

interface CommandsOptions {
  readonly count: number;
  readonly snapshotEvery: number;
  readonly inFlight: number;
}

async function commands({ count, snapshotEvery, inFlight }: CommandsOptions): Promise<void> {
  await withCluster({ snapshotEvery, application }, async (cluster, directory) => {
    const command = new Uint8Array(16).fill(1);
    const startedMs = performance.now();
    const portion = Math.ceil(count / 20);
    for (let done = 0; done < count; ) {
      let left = Math.min(portion, count - done);
      done += left;
      const client = async () => {
        while (left-- > 0) await cluster.propose(command, { timeoutMs: 60_000 });
      };
      await Promise.all(Array.from({ length: inFlight }, client));
      const seconds = (performance.now() - startedMs) / 1000;
      print({ commands: done, seconds: Math.round(seconds), ...(await footprint(cluster, directory)) });
    }
  });
}

interface StateOptions {
  readonly mebibytes: number;
  readonly rate: number;
  readonly idleSeconds: number;
}

async function state({ mebibytes, rate, idleSeconds }: StateOptions): Promise<void> {
  // Snapshots are taken when they are asked for; and the log, of small commands, is cut by the segment.
  const options = { snapshotLogBytes: 2 ** 40, segmentBytes: MiB / 16, application };
  await withCluster(options, async (cluster, directory) => {
    const { term } = await cluster.ready({ timeoutMs: 30_000 });
    const blocks = Math.ceil((mebibytes * MiB) / blockBytes);
    await Promise.all(Array.from({ length: blocks }, () => cluster.propose(new Uint8Array(1))));
    const idle = await measured(cluster, rate, sleep(idleSeconds * 1000));
    print({ what: 'idle', ...idle });
    // Two are kept, and the log from the older one on.
    for (const what of ['first snapshots', 'second snapshots']) {
      const taken = await measured(cluster, rate, cluster.snapshot());
      print({ what, ...taken, p99ToIdle: taken.p99Ms / idle.p99Ms });
    }
    let sentBytes = 0;
    cluster.events.on('snapshotInstalled', ({ bytes }) => {
      sentBytes = bytes;
    });
    const added = await measured(cluster, rate, join(cluster));
    print({
      what: 'installed into a fresh member',
      sentMiB: inMiB(sentBytes),
      ...added,
      p99ToIdle: added.p99Ms / idle.p99Ms,
    });
    const after = (await cluster.ready()).term;
    print({ terms: after - term, ...(await footprint(cluster, directory)) });
  });
}

interface RecoveryOptions {
  readonly entries: number;
  readonly rounds: number;
}

async function recovery({ entries, rounds }: RecoveryOptions): Promise<void> {
  await withCluster({ snapshotLogBytes: 2 ** 40 }, async (cluster) => {
    const keyValue = new KeyValueClient(cluster);
    const fill = (count: number) => {
      let left = count;
      const client = async () => {
        while (left-- > 0) await keyValue.put(`key ${left % 10_000}`, `value ${left}`, { timeoutMs: 60_000 });
      };
      return Promise.all(Array.from({ length: 1024 }, client));
    };
    await fill(entries);
    await cluster.snapshot();
    await fill(entries);
    for (let round = 0; round < rounds; round++) {
      const { id } = await cluster.ready({ timeoutMs: 30_000 });
      const { lastIndex, snapshotIndex } = await cluster.info(id);
      await cluster.crash(id);
      const startedMs = performance.now();
      await cluster.restart(id);
      const recoveredMs = performance.now() - startedMs;
      // Others committed since: it serves when it has applied that as well.
      while ((await cluster.info(id)).height < lastIndex) await sleep(5);
      const appliedMs = performance.now() - startedMs;
      print({ node: id, entries: lastIndex - snapshotIndex, recoveredMs, appliedMs });
    }
  });
}

/** Adds node 3, and waits until it has applied what was committed when it was let in. */
async function join(cluster: RaftCluster): Promise<void> {
  await cluster.addMember(3, { timeoutMs: 600_000 });
  const { id } = await cluster.ready();
  const { commitIndex } = await cluster.info(id);
  while ((await cluster.info(3)).height < commitIndex) await sleep(20);
}

/** Commits at a steady rate, whatever each takes, until the work is done. */
async function measured(cluster: RaftCluster, rate: number, work: Promise<unknown>) {
  const command = new Uint8Array(16).fill(1);
  const startedMs = performance.now();
  const latencies: number[] = [];
  const underWay: Promise<void>[] = [];
  let isOver = false;
  const ended = work.finally(() => {
    isOver = true;
  });
  for (let at = 0; !isOver; at++) {
    const dueMs = startedMs + (at * 1000) / rate;
    await sleep(Math.max(0, dueMs - performance.now()));
    // One that was due while this thread was kept from asking waited, too.
    const answered = cluster.propose(command, { timeoutMs: 60_000 }).then(() => {
      latencies.push(performance.now() - dueMs);
    });
    underWay.push(answered);
  }
  await Promise.all([ended, ...underWay]);
  latencies.sort((a, b) => a - b);
  const quantile = (q: number) => latencies[Math.floor(q * (latencies.length - 1))] ?? Number.NaN;
  const seconds = (performance.now() - startedMs) / 1000;
  return {
    seconds,
    commits: latencies.length,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    maxMs: quantile(1),
  };
}

async function withCluster(
  { segmentBytes = 16 * MiB, ...options }: ClusterOptions & { readonly segmentBytes?: number },
  run: (cluster: RaftCluster, directory: string) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(path.join(tmpdir(), 'conclave-endurance-'));
  try {
    await using cluster = await RaftCluster.start({
      nodes: 3,
      ...options,
      storage: { kind: 'disk', directory, segmentBytes },
    });
    await cluster.ready({ timeoutMs: 30_000 });
    await run(cluster, directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Memory of the process and of each node's thread, and each node's directory, in MiB. */
async function footprint(cluster: RaftCluster, directory: string) {
  const nodes: Record<string, object> = {};
  for (const id of cluster.ids) {
    const { result } = await cluster.read(new Uint8Array(0), { consistency: 'stale', node: id });
    const { heapUsed, external } = JSON.parse(Buffer.from(result).toString());
    const disk = await bytesIn(path.join(directory, `node-${id}`));
    nodes[`node ${id}`] = { heap: inMiB(heapUsed), buffers: inMiB(external), disk: inMiB(disk) };
  }
  return { rss: inMiB(process.memoryUsage.rss()), ...nodes };
}

async function bytesIn(directory: string): Promise<number> {
  let bytes = 0;
  for (const file of await readdir(directory, { recursive: true })) {
    // One that was listed may be gone.
    bytes += await stat(path.join(directory, file)).then(
      (found) => (found.isFile() ? found.blocks * 512 : 0),
      () => 0,
    );
  }
  return bytes;
}

function inMiB(bytes: number): number {
  return Math.round(bytes / MiB);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function whole(text: string): number {
  const value = Number(text);
  if (!(Number.isSafeInteger(value) && value >= 1))
    throw new InvalidArgumentError('It must be a whole number, at least 1.');
  return value;
}

function print(fields: object): void {
  console.log(
    JSON.stringify(fields, (_, value) => (typeof value === 'number' ? Math.round(value * 100) / 100 : value)),
  );
}
