import type { Clock } from '../ground/clock.js';
import { Random } from '../ground/random.js';
import type { NodeId } from '../raft/entry.js';
import type { Carrier, ClientGuest } from './carriers/carrier.js';
import type { RemoteCounters } from './carriers/counters.js';
import { createCarrier } from './carriers/create-carrier.js';
import type { CarrierEvent } from './carriers/events.js';
import { laneOf } from './carriers/lane.js';
import type { CarrierOptions } from './carriers/options.js';
import type { NetworkCounters } from './counters.js';

export interface GatewayHost {
  readonly clock: Clock;
  /** Takes a frame that arrived for a node of this process. */
  readonly receive: (to: NodeId, from: NodeId, frame: Uint8Array) => void;
  /** Takes a client that was let in at the carrier of a node. */
  readonly client: (of: NodeId, guest: ClientGuest) => void;
  readonly tell: (of: NodeId, event: CarrierEvent) => void;
}

/**
 * The side of the router that faces other processes: a carrier for each node of this process that has one, and the
 * nodes that are elsewhere. What it sends has passed the links' policies already, and what it receives passes them
 * on its way in.
 */
export class Gateway {
  readonly #host: GatewayHost;
  readonly #carriers = new Map<NodeId, Carrier>();
  readonly #remotes = new Map<NodeId, readonly string[]>();
  #clusterId: string | null = null;

  constructor(host: GatewayHost) {
    this.#host = host;
  }

  /** Opens a carrier for a node, in the place of an earlier one. Resolves with where it listens. */
  async carry(id: NodeId, options: CarrierOptions): Promise<string | null> {
    await this.drop(id);
    const carrier = createCarrier(options, {
      clock: this.#host.clock,
      // Not the network's: what it draws must not depend on connections. And another in each life.
      random: new Random(options.identity.incarnation),
      receive: ({ node }, frame) => this.#host.receive(id, node, frame),
      client: (guest) => this.#host.client(id, guest),
      tell: (event) => this.#host.tell(id, event),
    });
    this.#carriers.set(id, carrier);
    try {
      const address = await carrier.open();
      if (this.#clusterId !== null) carrier.adopt(this.#clusterId);
      for (const [remote, addresses] of this.#remotes)
        if (remote !== id) carrier.setRemote(remote, addresses);
      return address;
    } catch (error) {
      await this.drop(id);
      throw error;
    }
  }

  /** Ends the carrier of a node, if it has one. */
  async drop(id: NodeId): Promise<void> {
    const carrier = this.#carriers.get(id);
    this.#carriers.delete(id);
    await carrier?.close();
  }

  setRemote(id: NodeId, addresses: readonly string[]): void {
    this.#remotes.set(id, addresses);
    for (const [of, carrier] of this.#carriers) if (of !== id) carrier.setRemote(id, addresses);
  }

  removeRemote(id: NodeId): void {
    this.#remotes.delete(id);
    for (const carrier of this.#carriers.values()) carrier.removeRemote(id);
  }

  introduce(address: string): void {
    for (const carrier of this.#carriers.values()) carrier.introduce(address);
  }

  adopt(clusterId: string): void {
    this.#clusterId = clusterId;
    for (const carrier of this.#carriers.values()) carrier.adopt(clusterId);
  }

  async reload(): Promise<void> {
    await Promise.all([...this.#carriers.values()].map((carrier) => carrier.reload()));
  }

  /** False if the sender has no carrier, or the receiver is nowhere. */
  send(from: NodeId, to: NodeId, frame: Uint8Array): boolean {
    return this.#carriers.get(from)?.send(to, laneOf(frame), frame) ?? false;
  }

  /** The network's counters, with those of the carriers beside each link. */
  describe(counters: NetworkCounters): NetworkCounters {
    if (this.#carriers.size === 0) return counters;
    const carriers = [...this.#carriers].map(([of, carrier]) => ({ of, ...carrier.counters() }));
    const ends = new Map<string, RemoteCounters>();
    for (const { of, remotes } of carriers) {
      for (const { node, ...carried } of remotes) {
        ends.set(`${of} ${node}`, carried);
        ends.set(`${node} ${of}`, carried);
      }
    }
    const links = counters.links.map((link) => {
      const carried = ends.get(`${link.from} ${link.to}`);
      return carried === undefined ? link : { ...link, carried };
    });
    return { ...counters, links, carriers };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#carriers.keys()].map((id) => this.drop(id)));
  }
}
