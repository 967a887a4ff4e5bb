import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { packBytes } from '../src/ground/byte-strings.js';
import { Router } from '../src/router/router.js';
import type { FloorTask } from './floor-worker.js';
import { type Measurement, measureClosedLoop } from './measure.js';
import type { Row } from './rows.js';

/** What the architecture itself allows: the same threads, router, batching and clients, and no Raft. */
export function measureFloor(row: Row, seconds: number): Promise<Measurement> {
  return withFloor(row, (send) => {
    const command = new Uint8Array(row.bytes).fill(1);
    return measureClosedLoop(row.inFlight, seconds, () => send(command));
  });
}

/** Starts its threads and ends them again; `use` is given what sends a command and waits until a majority has it. */
export async function withFloor<T>(
  row: Pick<Row, 'nodes' | 'storage'>,
  use: (send: (command: Uint8Array) => Promise<void>) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'conclave-floor-'));
  const router = new Router({ seed: 1 });
  const nodes = Array.from({ length: row.nodes }, (_, id) => startNode(router, row, id, directory));
  try {
    const client = new BatchingClient((nodes[0] as FloorNode).port);
    await client.send(new Uint8Array(1));
    return await use((command) => client.send(command));
  } finally {
    for (const { port } of nodes) port.postMessage('close');
    await Promise.all(nodes.map(({ ended }) => ended));
    await Promise.all(nodes.map(({ pool }) => pool.destroy()));
    await router.close();
    await rm(directory, { recursive: true, force: true });
  }
}

interface FloorNode {
  readonly port: MessagePort;
  readonly pool: Piscina;
  readonly ended: Promise<void>;
}

function startNode(
  router: Router,
  row: Pick<Row, 'nodes' | 'storage'>,
  id: number,
  directory: string,
): FloorNode {
  const { networkPort, gauge } = router.attach(id);
  const { port1: hostPort, port2: port } = new MessageChannel();
  const filename = new URL('./floor-worker.js', import.meta.url).href;
  const pool = new Piscina({ filename, minThreads: 1, maxThreads: 1, atomics: 'disabled', idleTimeout: 0 });
  const task: FloorTask = {
    id,
    nodes: row.nodes,
    networkPort,
    gauge,
    hostPort,
    directory: row.storage === 'disk' ? join(directory, `node-${id}`) : null,
  };
  const ended = pool.run(task, { name: 'run', transferList: [networkPort, hostPort] });
  return { port, pool, ended };
}

/** Sends what is proposed within a turn as one message, as a session of the cluster does. */
class BatchingClient {
  readonly #port: MessagePort;
  #commands: Uint8Array[] = [];
  #waiting: (() => void)[] = [];
  #answered = 0;

  constructor(port: MessagePort) {
    this.#port = port;
    port.on('message', ({ count }: { count: number }) => this.#answer(count));
  }

  send(command: Uint8Array): Promise<void> {
    if (this.#commands.length === 0) queueMicrotask(() => this.#flush());
    this.#commands.push(command);
    return new Promise((answered) => this.#waiting.push(answered));
  }

  #flush(): void {
    const commands = packBytes(this.#commands);
    this.#port.postMessage({ commands, count: this.#commands.length }, [commands.buffer]);
    this.#commands = [];
  }

  /** Answers come in the order of the commands. */
  #answer(count: number): void {
    for (const end = this.#answered + count; this.#answered < end; this.#answered++) {
      this.#waiting[this.#answered]?.();
    }
    if (this.#answered < 65_536) return;
    this.#waiting = this.#waiting.slice(this.#answered);
    this.#answered = 0;
  }
}
