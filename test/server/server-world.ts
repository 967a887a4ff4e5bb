import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RaftClient } from '../../src/client/raft-client.js';
import type { ServerOptions } from '../../src/server/options.js';
import { RaftServer } from '../../src/server/raft-server.js';
import { briskLimits } from '../router/carriers/carrier-peer.js';

/** Ports that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Long enough for a machine with more to do than it has processors. */
export const timings = { electionTimeoutMsMin: 500, electionTimeoutMsMax: 1000, heartbeatMs: 100 };

/** What is undefined is not given. */
type Changes = { readonly [Name in keyof ServerOptions]?: ServerOptions[Name] | undefined };

/** Members of one cluster as servers of this process: each with its threads, its connections and its directory. */
export class ServerWorld {
  readonly directory = mkdtempSync(join(tmpdir(), 'conclave-server-'));
  readonly servers = new Map<number, RaftServer>();
  readonly members: Record<number, string>;
  readonly #clients: RaftClient[] = [];

  constructor(members: Record<number, string>) {
    this.members = members;
  }

  static async of(ids: readonly number[]): Promise<ServerWorld> {
    const ports = await freePorts(ids.length);
    return new ServerWorld(Object.fromEntries(ids.map((id, at) => [id, `127.0.0.1:${ports[at]}`])));
  }

  get addresses(): string[] {
    return Object.values(this.members);
  }

  options(id: number, changes: Changes = {}): ServerOptions {
    const options = {
      id,
      cluster: 'shop',
      data: join(this.directory, `data-${id}`),
      listen: this.members[id]!,
      members: this.members,
      timings,
      carrierLimits: briskLimits,
      ...changes,
    };
    return Object.fromEntries(
      Object.entries(options).filter(([, value]) => value !== undefined),
    ) as unknown as ServerOptions;
  }

  async start(id: number, changes: Changes = {}): Promise<RaftServer> {
    const server = await RaftServer.start(this.options(id, changes));
    this.servers.set(id, server);
    return server;
  }

  async startAll(changes: Partial<ServerOptions> = {}): Promise<void> {
    const ids = Object.keys(this.members).map(Number);
    await Promise.all(ids.map((id) => this.start(id, changes)));
    await this.ready();
  }

  async ready(): Promise<void> {
    await Promise.all([...this.servers.values()].map((server) => server.ready({ timeoutMs: 30_000 })));
  }

  async stop(id: number): Promise<void> {
    await this.servers.get(id)?.close();
    this.servers.delete(id);
  }

  async connect(addresses: string | readonly string[] = this.addresses): Promise<RaftClient> {
    const client = await RaftClient.connect(addresses, {
      cluster: 'shop',
      limits: briskLimits,
      timeoutMs: 20_000,
    });
    this.#clients.push(client);
    return client;
  }

  async end(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    await Promise.all([...this.servers.values()].map((server) => server.close({ drainMs: 0 })));
    rmSync(this.directory, { recursive: true, force: true });
  }
}
