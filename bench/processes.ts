import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { Etcd3 } from 'etcd3';
import { KeyValueClient } from '../src/application/key-value/client.js';
import { RaftClient } from '../src/client/raft-client.js';
import { parseInteger } from '../src/console/notation.js';
import { closedLoop, median, warmUp } from './measure.js';

/*
 * Durable commits of a cluster of three processes through one client, beside three members of etcd through the npm
 * client `etcd3`, on one disk in one run: values of the same size, put under the same keys, round after round.
 *
 *     npm run bench:processes -- [--in-flight 1,64,256] [--bytes 64] [--rounds 5] [--seconds 3] [--directory DIR]
 *     npm run bench:processes -- --nats       over a NATS server, killed and started again in the middle of a run
 */

interface Store {
  readonly name: string;
  put(key: string, value: string): Promise<unknown>;
  end(): Promise<void>;
}

interface Settings {
  readonly inFlight: readonly number[];
  readonly bytes: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly directory: string;
  readonly nats: boolean;
}

const ids = [1, 2, 3];
const program = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
/** Keys that are put, so that the state stays small. */
const keys = 1000;
const patience = { timeoutMs: 60_000 };
/** How long the NATS server is away. */
const awayMs = 1000;

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

const children = new Set<ChildProcess>();

function start(command: string, words: readonly string[]): ChildProcess {
  const child = spawn(command, words, { stdio: 'ignore' });
  children.add(child);
  child.on('exit', () => children.delete(child));
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

const isInstalled = (command: string) => spawnSync(command, ['--version']).status === 0;

/** @param bus the NATS server's address; null: over plain TCP on loopback. */
async function conclave(directory: string, bus: string | null): Promise<Store> {
  const addresses = (await freePorts(ids.length)).map((port) => `127.0.0.1:${port}`);
  const members = ids.map((id, at) => (bus === null ? `${id}=${addresses[at]}` : id)).join();
  const processes = ids.map((id, at) => {
    const way = bus === null ? ['--listen', String(addresses[at])] : ['--nats', bus];
    const data = join(directory, `conclave-${id}`);
    return start(process.execPath, [
      program,
      'server',
      ...['--id', String(id), '--data', data, '--members', members, ...way],
    ]);
  });
  const client = await RaftClient.connect(bus === null ? addresses : bus, patience);
  await client.ready(patience);
  const store = new KeyValueClient(client);
  return {
    name: bus === null ? 'Conclave' : 'Conclave over NATS',
    put: (key, value) => store.put(key, value, patience),
    end: async () => {
      await client.close();
      await Promise.all(processes.map(kill));
    },
  };
}

async function etcd(directory: string): Promise<Store> {
  const ports = await freePorts(2 * ids.length);
  const url = (at: number) => `http://127.0.0.1:${ports[at]}`;
  const cluster = ids.map((id, at) => `n${id}=${url(2 * at + 1)}`).join();
  const processes = ids.map((id, at) =>
    start('etcd', [
      ...['--name', `n${id}`, '--data-dir', join(directory, `etcd-${id}`), '--log-level', 'error'],
      ...['--listen-client-urls', url(2 * at), '--advertise-client-urls', url(2 * at)],
      ...['--listen-peer-urls', url(2 * at + 1), '--initial-advertise-peer-urls', url(2 * at + 1)],
      ...['--initial-cluster', cluster, '--initial-cluster-state', 'new'],
    ]),
  );
  const client = new Etcd3({ hosts: ids.map((_, at) => url(2 * at)) });
  for (;;) {
    const isReady = await client
      .put('ready')
      .value('yes')
      .then(
        () => true,
        () => false,
      );
    if (isReady) break;
    await new Promise((done) => setTimeout(done, 100));
  }
  return {
    name: 'etcd',
    put: async (key, value) => client.put(key).value(value),
    end: async () => {
      client.close();
      await Promise.all(processes.map(kill));
    },
  };
}

/** What a write that waits for the disk takes, in milliseconds: the median of 200 of 4 KiB. */
function diskMs(directory: string): number {
  const file = openSync(join(directory, 'disk'), 'w');
  const block = Buffer.alloc(4096, 1);
  const times = Array.from({ length: 200 }, () => {
    const begin = performance.now();
    writeSync(file, block);
    fdatasyncSync(file);
    return performance.now() - begin;
  });
  closeSync(file);
  return median(times);
}

async function compare(settings: Settings, directory: string): Promise<void> {
  const { inFlight, bytes, rounds, seconds } = settings;
  console.log(`A write of 4 KiB that waits for this disk takes ${diskMs(directory).toFixed(2)} ms (median).`);
  const stores = [await conclave(directory, null)];
  if (isInstalled('etcd')) stores.push(await etcd(directory));
  else console.log('etcd is not installed (apt-get install etcd-server): Conclave alone.');
  const value = 'x'.repeat(bytes);
  let number = 0;
  const command = (store: Store) => () => store.put(`key-${number++ % keys}`, value);
  try {
    for (const clients of inFlight) {
      const rates = stores.map((): number[] => []);
      const latencies = stores.map((): number[] => []);
      for (const store of stores) await warmUp(clients, command(store));
      for (let round = 0; round < rounds; round++) {
        for (const [at, store] of stores.entries()) {
          const taken = await closedLoop(clients, seconds * 1000, command(store));
          rates[at]?.push(taken.length / seconds);
          latencies[at]?.push(median(taken));
        }
      }
      const words = stores.map(({ name }, at) => {
        const rate = Math.round(median(rates[at] ?? []));
        return `${name} ${rate.toLocaleString('en')} a second (p50 ${median(latencies[at] ?? []).toFixed(2)} ms)`;
      });
      const [ours, theirs] = rates;
      const ratio =
        theirs === undefined ? '' : `: ${(median(ours ?? []) / median(theirs)).toFixed(1)} times as many`;
      console.log(`${clients} in flight, ${bytes} bytes: ${words.join(', ')}${ratio}`);
    }
  } finally {
    for (const store of stores) await store.end();
  }
}

/** A run in the middle of which the NATS server is away for a second. */
async function overNats(settings: Settings, directory: string): Promise<void> {
  const { inFlight, bytes, seconds } = settings;
  const [port = 0] = await freePorts(1);
  const serve = () => start('nats-server', ['-a', '127.0.0.1', '-p', String(port)]);
  let server = serve();
  const store = await conclave(directory, `nats://127.0.0.1:${port}`);
  const value = 'x'.repeat(bytes);
  let number = 0;
  const put = () => store.put(`key-${number++ % keys}`, value);
  try {
    for (const clients of inFlight) {
      await warmUp(clients, put);
      const undisturbed = (await closedLoop(clients, seconds * 1000, put)).length / seconds;
      let answeredMs = 0;
      let gapMs = 0;
      const noted = async () => {
        await put();
        const now = performance.now();
        if (answeredMs > 0) gapMs = Math.max(gapMs, now - answeredMs);
        answeredMs = now;
      };
      const load = closedLoop(clients, seconds * 1000 + awayMs, noted);
      await new Promise((done) => setTimeout(done, (seconds * 1000) / 2));
      await kill(server);
      await new Promise((done) => setTimeout(done, awayMs));
      server = serve();
      const answered = (await load).length;
      console.log(
        `${clients} in flight, ${bytes} bytes over NATS: ${Math.round(undisturbed).toLocaleString('en')} a second; with the server away for ${awayMs} ms in the middle ${answered.toLocaleString('en')} of them in ${seconds + awayMs / 1000} s, none refused, at most ${Math.round(gapMs)} ms from one to the next`,
      );
    }
  } finally {
    await store.end();
    await kill(server);
  }
}

const several = (text: string) => text.split(',').map((each) => parseInteger('--in-flight', each, 1, 65_536));
const whole = (name: string, max: number) => (text: string) => parseInteger(name, text, 1, max);

await new Command('bench:processes')
  .description('Durable commits of three processes through a client, beside three members of etcd.')
  .option('--in-flight <N,...>', 'commands under way at a time', several, [1, 64, 256])
  .option('--bytes <N>', 'of each value', whole('--bytes', 1_000_000), 64)
  .option('--rounds <N>', 'of each, interleaved', whole('--rounds', 1000), 5)
  .option('--seconds <N>', 'of each round', whole('--seconds', 3600), 3)
  .option('--directory <DIR>', 'on the disk that is meant', '.')
  .option('--nats', 'over a NATS server, which is killed and started again in the middle', false)
  .action(async (settings: Settings) => {
    const directory = mkdtempSync(join(resolve(settings.directory), 'bench-processes-'));
    const end = () => {
      for (const child of children) child.kill('SIGKILL');
      rmSync(directory, { recursive: true, force: true });
    };
    process.once('SIGINT', () => {
      end();
      process.exit(130);
    });
    try {
      await (settings.nats ? overNats : compare)(settings, directory);
    } finally {
      end();
    }
  })
  .parseAsync();
