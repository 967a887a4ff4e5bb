import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Debian's nats-server, or null where it is not installed. */
export const natsServerVersion: string | null = (() => {
  const { stdout, status } = spawnSync('nats-server', ['--version'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : null;
})();

/**
 * Skips the suite with a word where there is no nats-server; where all is to be tested, its absence is a failure.
 * To be called in a `before` hook.
 */
export function needNatsServer(context: Mocha.Context): void {
  if (natsServerVersion !== null) return;
  if (process.env.CI) throw new Error('nats-server is not installed: apt-get install nats-server');
  console.log('      nats-server is not installed (apt-get install nats-server): not tested');
  context.skip();
}

/** A real NATS server, at one port over all its lives. */
export class NatsServer {
  readonly port: number;
  readonly #directory: string;
  #process: ChildProcess | null = null;

  private constructor(port: number, directory: string) {
    this.port = port;
    this.#directory = directory;
  }

  /** @param settings further lines of its configuration. */
  static async start(settings = ''): Promise<NatsServer> {
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const { port } = probe.address() as AddressInfo;
    probe.close();
    await once(probe, 'close');
    const directory = await mkdtemp(join(tmpdir(), 'conclave-nats-'));
    await writeFile(join(directory, 'nats.conf'), `listen: 127.0.0.1:${port}\n${settings}\n`);
    const server = new NatsServer(port, directory);
    await server.start();
    return server;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const child = spawn('nats-server', ['-c', join(this.#directory, 'nats.conf')], { stdio: 'ignore' });
    this.#process = child;
    for (let tries = 0; tries < 500; tries++) {
      if (child.exitCode !== null) throw new Error(`nats-server ended with ${child.exitCode}.`);
      if (await isListening(this.port)) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error('nats-server does not listen.');
  }

  /** Kill -9. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (child === null || child.exitCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  async end(): Promise<void> {
    await this.kill();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
