import type { ClientGuest } from '../../../src/router/carriers/carrier.js';
import type { NatsOptions } from '../../../src/router/carriers/options.js';
import type { ClientParty } from '../../../src/router/carriers/party.js';
import { Cable } from './cable.js';
import { briskLimits, CarrierPeer } from './carrier-peer.js';
import type { ClientWorld } from './client-conformance.js';
import type { CarrierWorld, Wanted } from './conformance.js';
import { NatsServer } from './nats-server.js';

let lives = 5000;

/** Carriers over a real NATS server, which all reach through one cable. */
export class NatsWorld implements CarrierWorld, ClientWorld {
  readonly connectionsEach = 1;
  readonly server: NatsServer;
  readonly cable: Cable;
  readonly #peers: CarrierPeer[] = [];

  private constructor(server: NatsServer, cable: Cable) {
    this.server = server;
    this.cable = cable;
  }

  static async start(settings = ''): Promise<NatsWorld> {
    const server = await NatsServer.start(settings);
    return new NatsWorld(server, await Cable.to(server.address));
  }

  async make(
    wanted: Wanted,
    more: Partial<NatsOptions> = {},
    client?: (guest: ClientGuest) => void,
  ): Promise<CarrierPeer> {
    const { node, cluster = 'shop', clusterId = null, incarnation = lives++, limits = {} } = wanted;
    const options: NatsOptions = {
      kind: 'nats',
      identity: { self: { kind: 'node', cluster, node }, clusterId, incarnation },
      servers: [this.cable.address],
      limits: { ...briskLimits, ...limits },
      ...more,
    };
    const peer = new CarrierPeer(options, client);
    this.#peers.push(peer);
    return peer;
  }

  async serve(
    node: number,
    admit: (guest: ClientGuest) => void,
    more: Parameters<ClientWorld['serve']>[2] = {},
  ): Promise<CarrierPeer> {
    return (await this.make({ node, ...more }, { clients: true }, admit)).open();
  }

  client(self: ClientParty, more: Partial<NatsOptions> = {}): NatsOptions {
    const identity = { self, clusterId: null, incarnation: lives++ };
    return { kind: 'nats', identity, servers: [this.cable.address], limits: briskLimits, ...more };
  }

  addressesOf(): string[] {
    return [];
  }

  async introduce(one: CarrierPeer, _other: CarrierPeer, node: number): Promise<void> {
    one.carrier.setRemote(node, []);
  }

  cut(): void {
    this.cable.cut();
  }

  mend(): void {
    this.cable.mend();
  }

  stall(): void {
    this.cable.stall();
  }

  flow(): void {
    this.cable.flow();
  }

  async end(): Promise<void> {
    this.flow();
    await Promise.all(this.#peers.map((peer) => peer.close()));
    await this.cable.close();
    await this.server.end();
  }
}
