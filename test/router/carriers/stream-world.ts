import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClientGuest } from '../../../src/router/carriers/carrier.js';
import type { TcpOptions, TlsOptions } from '../../../src/router/carriers/options.js';
import type { ClientParty } from '../../../src/router/carriers/party.js';
import {
  certificateFiles,
  writeDevelopmentCertificates,
} from '../../../src/server/development-certificates.js';
import { Cable } from './cable.js';
import { briskLimits, CarrierPeer } from './carrier-peer.js';
import type { ClientWorld } from './client-conformance.js';
import type { CarrierWorld, Wanted } from './conformance.js';

let certificates: Promise<string> | null = null;

/** A directory with certificates for clusters `shop` and `bank`, made once a process. */
export function sharedCertificates(): Promise<string> {
  certificates ??= (async () => {
    const directory = await mkdtemp(join(tmpdir(), 'conclave-certificates-'));
    process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
    await writeDevelopmentCertificates(join(directory, 'shop'), {
      cluster: 'shop',
      nodes: [1, 2, 3],
      clients: [
        { role: 'writer', name: 'web' },
        { role: 'reader', name: 'web' },
      ],
    });
    await writeDevelopmentCertificates(join(directory, 'bank'), { cluster: 'bank', nodes: [1, 2] });
    return directory;
  })();
  return certificates;
}

let lives = 1000;

/** Carriers over TLS or plain TCP, each behind a cable. */
export class StreamWorld implements CarrierWorld {
  readonly connectionsEach = 2;
  readonly #kind: 'tls' | 'tcp';
  readonly #peers: CarrierPeer[] = [];
  readonly #cables = new Map<CarrierPeer, Cable>();

  constructor(kind: 'tls' | 'tcp') {
    this.#kind = kind;
  }

  /** Options for a carrier that listens at a free port. */
  async options(wanted: Wanted): Promise<TlsOptions | TcpOptions> {
    const { node, cluster = 'shop', clusterId = null, incarnation = lives++, limits = {} } = wanted;
    const self = { kind: 'node', cluster, node } as const;
    const common = {
      identity: { self, clusterId, incarnation },
      listen: '127.0.0.1:0',
      limits: { ...briskLimits, ...limits },
    };
    if (this.#kind === 'tcp') return { kind: 'tcp', ...common };
    const directory = join(await sharedCertificates(), cluster);
    return { kind: 'tls', ...common, credentials: { ...certificateFiles(directory, self), checkMs: 0 } };
  }

  async make(wanted: Wanted): Promise<CarrierPeer> {
    return this.#behindCable(await this.options(wanted));
  }

  /** A carrier with these options, opened, which others reach over a cable of this world. */
  async takeBehindCable(
    options: TlsOptions | TcpOptions,
    client?: (guest: ClientGuest) => void,
  ): Promise<CarrierPeer> {
    return (await this.#behindCable(options, client)).open();
  }

  async #behindCable(
    options: TlsOptions | TcpOptions,
    client?: (guest: ClientGuest) => void,
  ): Promise<CarrierPeer> {
    const cable = await Cable.to();
    try {
      const peer = this.take(new CarrierPeer({ ...options, advertise: cable.address }, client));
      peer.opened = (address) => {
        cable.target = address;
      };
      this.#cables.set(peer, cable);
      return peer;
    } catch (error) {
      await cable.close();
      throw error;
    }
  }

  /** One that the world closes at its end. */
  take(peer: CarrierPeer): CarrierPeer {
    this.#peers.push(peer);
    return peer;
  }

  async introduce(one: CarrierPeer, other: CarrierPeer, node: number): Promise<void> {
    one.carrier.setRemote(node, [this.cableTo(other).address]);
  }

  cableTo(peer: CarrierPeer): Cable {
    return this.#cables.get(peer)!;
  }

  cut(): void {
    for (const cable of this.#cables.values()) cable.cut();
  }

  mend(): void {
    for (const cable of this.#cables.values()) cable.mend();
  }

  stall(): void {
    for (const cable of this.#cables.values()) cable.stall();
  }

  flow(): void {
    for (const cable of this.#cables.values()) cable.flow();
  }

  async end(): Promise<void> {
    this.flow();
    await Promise.all(this.#peers.map((peer) => peer.close()));
    await Promise.all([...this.#cables.values()].map((cable) => cable.close()));
  }
}

/** Nodes over plain TCP that let clients in, all behind one cable each. */
export class StreamClientWorld implements ClientWorld {
  readonly #world = new StreamWorld('tcp');

  async serve(
    node: number,
    admit: (guest: ClientGuest) => void,
    more: Parameters<ClientWorld['serve']>[2] = {},
  ): Promise<CarrierPeer> {
    const options = { ...(await this.#world.options({ node, ...more })), clients: true };
    return this.#world.takeBehindCable(options, admit);
  }

  client(self: ClientParty): TcpOptions {
    const identity = { self, clusterId: null, incarnation: lives++ };
    return { kind: 'tcp', identity, limits: briskLimits };
  }

  addressesOf(peer: CarrierPeer): string[] {
    return [this.#world.cableTo(peer).address];
  }

  cut(): void {
    this.#world.cut();
  }

  mend(): void {
    this.#world.mend();
  }

  stall(): void {
    this.#world.stall();
  }

  flow(): void {
    this.#world.flow();
  }

  end(): Promise<void> {
    return this.#world.end();
  }
}
