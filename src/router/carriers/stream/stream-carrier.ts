import { ClosedError } from '../../../ground/errors.js';
import type { NodeId } from '../../../ground/ids.js';
import { type Address, formatAddress, parseAddress } from '../address.js';
import type { Carrier, CarrierHost } from '../carrier.js';
import { type CarrierCounters, emptyRemoteTally, RemoteTallies } from '../counters.js';
import { reasonOf } from '../errors.js';
import type { Peer } from '../handshake.js';
import { isLane, type Lane, lanes } from '../lane.js';
import {
  requireAddress,
  requireClusterId,
  requireRemote,
  type TcpOptions,
  type TlsOptions,
} from '../options.js';
import { ClientDesk } from './client-desk.js';
import type { Connection } from './connection.js';
import { DialedLine } from './dialed-line.js';
import { Reception } from './reception.js';
import { type StreamParts, streamParts } from './stream-parts.js';

/** Addresses that are asked at a time who is there; one more, and the oldest is asked no longer. */
const seedsMax = 64;
const checkMsDefault = 30_000;

interface Remote {
  readonly lines: Readonly<Record<Lane, DialedLine>>;
  configured: readonly Address[];
  /** Where it said itself that it is. */
  advertised: Address | null;
}

/** Carries over TLS, or over plain TCP where nobody can listen in. */
export class StreamCarrier implements Carrier {
  readonly protection: 'certificates' | 'nothing';
  readonly #options: TlsOptions | TcpOptions;
  readonly #host: CarrierHost;
  readonly #tallies = new RemoteTallies();
  readonly #parts: StreamParts;
  readonly #remotes = new Map<NodeId, Remote>();
  readonly #seeds = new Map<string, DialedLine>();
  readonly #clients: ClientDesk;
  #reception: Reception | null = null;
  #checkTimer: unknown;
  readonly #renewals = new Set<unknown>();
  #isClosed = false;

  /** @param options checked. */
  constructor(options: TlsOptions | TcpOptions, host: CarrierHost) {
    this.#options = options;
    this.#host = host;
    this.#parts = streamParts(options, host);
    this.#clients = new ClientDesk(this.#parts, () => this.#whereabouts());
    this.protection = this.#parts.sockets.protection;
  }

  async open(): Promise<string | null> {
    await this.#parts.sockets.open();
    if (this.#isClosed) throw new ClosedError('The carrier');
    this.#checkLater();
    const { listen } = this.#options;
    if (listen === undefined) return null;
    const areClientsLetIn = this.#options.clients === true && this.#host.client !== undefined;
    const reception = new Reception(this.#parts, areClientsLetIn ? [...lanes, 'client'] : lanes, {
      opened: (connection, advertise) => this.#accept(connection, advertise),
      received: (connection, frame) => {
        if (isLane(connection.lane)) this.#receive(connection.peer, connection.lane, frame);
        else this.#clients.heard(connection, frame);
      },
      ended: (connection) => this.#clients.ended(connection),
    });
    const { host, port } = await reception.open(parseAddress(listen));
    if (this.#isClosed) {
      await reception.close();
      throw new ClosedError('The carrier');
    }
    const address = formatAddress({ host, port });
    this.#reception = reception;
    // All addresses of this machine are none that others could dial.
    if (host !== '0.0.0.0' && host !== '::') this.#parts.advertise ??= address;
    this.#host.tell({ type: 'listening', address });
    return address;
  }

  setRemote(node: NodeId, addresses: readonly string[]): void {
    requireRemote(this.#options, node, addresses);
    if (this.#isClosed) return;
    const configured = addresses.map(parseAddress);
    const known = this.#remotes.get(node);
    if (known !== undefined && sameAddresses(known.configured, configured)) return;
    const remote = known ?? { lines: this.#linesTo(node), configured, advertised: null };
    this.#remotes.set(node, remote);
    remote.configured = configured;
    remote.advertised = null;
    this.#direct(remote);
    // It may have come before it was named.
    for (const { peer } of this.#reception?.connectionsOf(node) ?? []) this.#noteMember(peer);
    this.#clients.tellMembers();
  }

  /** Every member of which it is known where it is, this one included. */
  #whereabouts(): [NodeId, string[]][] {
    const { identity, advertise } = this.#parts;
    const here: [NodeId, string[]][] =
      identity.self.kind === 'node' && advertise !== null ? [[identity.self.node, [advertise]]] : [];
    const elsewhere = [...this.#remotes].map(([node, { advertised, configured }]): [NodeId, string[]] => [
      node,
      [...new Set([...(advertised === null ? [] : [advertised]), ...configured].map(formatAddress))],
    ]);
    return [...here, ...elsewhere];
  }

  /** Both lanes are dialed at once, so that the first snapshot finds its way open. */
  #linesTo(node: NodeId): Remote['lines'] {
    const line = (lane: Lane) =>
      new DialedLine(this.#parts, { to: node, lane }, this.#tallies.of(node), {
        opened: (peer) => this.#noteLife(peer),
        received: (peer, frame) => this.#receive(peer, lane, frame),
      });
    return { control: line('control'), bulk: line('bulk') };
  }

  #direct({ lines, advertised, configured }: Remote): void {
    const addresses = advertised === null ? configured : [advertised, ...configured];
    if (addresses.length === 0) return;
    for (const lane of lanes) lines[lane].setAddresses(addresses);
  }

  removeRemote(node: NodeId): void {
    const remote = this.#remotes.get(node);
    this.#remotes.delete(node);
    this.#clients.tellMembers();
    for (const lane of lanes) void remote?.lines[lane].close();
    // One that bears its number later begins with nothing, and may.
    const { identity } = this.#parts;
    const former = (identity.former ?? []).filter((each) => each !== node);
    this.#parts.identity = { ...identity, former };
    for (const connection of this.#reception?.connectionsOf(node) ?? []) connection.end('shutdown');
  }

  introduce(text: string): void {
    const address = requireAddress(this.#options, text);
    if (this.#isClosed || this.#seeds.has(text)) return;
    for (const [oldest, earlier] of this.#seeds) {
      if (this.#seeds.size < seedsMax) break;
      this.#seeds.delete(oldest);
      void earlier.close();
    }
    const seed = new DialedLine(this.#parts, { to: null, lane: 'control' }, emptyRemoteTally(), {
      opened: (peer) => {
        void seed.close();
        this.#seeds.delete(text);
        if (peer.party.kind === 'node') this.#meet(peer.party.node, text, address);
      },
      received: () => {},
    });
    this.#seeds.set(text, seed);
    seed.setAddresses([address]);
  }

  #meet(node: NodeId, text: string, address: Address): void {
    const { self } = this.#parts.identity;
    if (self.kind === 'node' && self.node === node) return;
    const remote = this.#remotes.get(node);
    if (remote === undefined) this.setRemote(node, [text]);
    else this.#learn(remote, address);
    this.#host.tell({ type: 'introduced', node, address: text });
  }

  send(to: NodeId, lane: Lane, frame: Uint8Array): boolean {
    const remote = this.#remotes.get(to);
    if (remote === undefined) return false;
    if (frame.byteLength > this.#parts.limits.frameBytesMax) this.#tallies.of(to).tooLarge++;
    else remote.lines[lane].send(frame);
    return true;
  }

  adopt(clusterId: string): void {
    requireClusterId(clusterId);
    const isNews = this.#parts.identity.clusterId === null;
    this.#parts.identity = { ...this.#parts.identity, clusterId };
    // The others are to hear that this side knows it.
    if (isNews) for (const { lines } of this.#remotes.values()) for (const lane of lanes) lines[lane].renew();
    for (const connection of this.#connections()) {
      const theirs = connection.peer.clusterId;
      if (theirs !== null && theirs !== clusterId) connection.end('renewed', 'It is of another cluster.');
      // Who came before the id was known here, and knew it, could not be noted then.
      else this.#noteMember(connection.peer);
    }
  }

  async reload(): Promise<void> {
    try {
      if (!(await this.#parts.sockets.reload())) return;
    } catch (error) {
      this.#host.tell({ type: 'reloadFailed', detail: reasonOf(error) });
      throw error;
    }
    if (this.#isClosed) return;
    this.#host.tell({ type: 'reloaded', validTo: this.#parts.sockets.validTo ?? '' });
    this.#reception?.renewAll();
    const { clock, limits, random } = this.#parts;
    for (const remote of this.#remotes.values()) {
      for (const lane of lanes) {
        const renewal = clock.setTimeout(
          () => {
            this.#renewals.delete(renewal);
            remote.lines[lane].renew();
          },
          random.between(0, limits.renewMsMax),
        );
        this.#renewals.add(renewal);
      }
    }
  }

  #checkLater(): void {
    if (this.#options.kind !== 'tls' || this.#isClosed) return;
    const { checkMs = checkMsDefault } = this.#options.credentials;
    if (checkMs === 0) return;
    this.#checkTimer = this.#parts.clock.setTimeout(() => {
      // What was wrong is told, and looked at again the next time.
      this.reload()
        .catch(() => {})
        .finally(() => this.#checkLater());
    }, checkMs);
  }

  counters(): CarrierCounters {
    return {
      remotes: this.#tallies.snapshot(),
      connectionsOpen: [...this.#connections()].length,
      connectionsPending: this.#reception?.pending ?? 0,
      ...this.#parts.tally.snapshot(),
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const { clock, limits } = this.#parts;
    clock.clearTimeout(this.#checkTimer);
    for (const renewal of this.#renewals) clock.clearTimeout(renewal);
    const lines = [
      ...this.#seeds.values(),
      ...[...this.#remotes.values()].flatMap(({ lines: each }) => lanes.map((lane) => each[lane])),
    ];
    this.#seeds.clear();
    this.#remotes.clear();
    const timer = clock.setTimeout(() => {
      for (const line of lines) line.end('shutdown');
    }, limits.closeMsMax);
    await Promise.all([this.#reception?.close(), ...lines.map((line) => line.close())]);
    clock.clearTimeout(timer);
  }

  /** Somebody of this cluster has reached us. */
  #accept(connection: Connection, advertise: string | null): void {
    const { party } = connection.peer;
    if (connection.lane === 'client') {
      this.#host.client?.(this.#clients.open(connection));
      return;
    }
    if (party.kind !== 'node') return;
    this.#noteLife(connection.peer);
    this.#noteMember(connection.peer);
    const remote = this.#remotes.get(party.node);
    if (advertise !== null) this.#hearAddress(party.node, remote, advertise);
    if (remote !== undefined) for (const lane of lanes) remote.lines[lane].heard();
  }

  /** A member that knows the cluster's id has data here to keep. One that is named later is noted then. */
  #noteMember({ party, clusterId }: Peer): void {
    const { identity } = this.#parts;
    if (party.kind !== 'node') return;
    if (identity.clusterId === null) this.#host.tell({ type: 'met', node: party.node, clusterId });
    if (clusterId === null || clusterId !== identity.clusterId || !this.#remotes.has(party.node)) return;
    const { former = [] } = identity;
    if (former.includes(party.node)) return;
    this.#parts.identity = { ...identity, former: [...former, party.node] };
    this.#host.tell({ type: 'belongs', node: party.node });
  }

  #hearAddress(node: NodeId, remote: Remote | undefined, text: string): void {
    let address: Address;
    try {
      address = requireAddress(this.#options, text);
    } catch {
      return;
    }
    if (remote !== undefined && sameAddresses([remote.advertised ?? remote.configured[0]], [address])) return;
    if (remote !== undefined) this.#learn(remote, address);
    this.#host.tell({ type: 'advertised', node, address: formatAddress(address) });
  }

  #learn(remote: Remote, address: Address): void {
    remote.advertised = address;
    this.#direct(remote);
    this.#clients.tellMembers();
  }

  /** A process that follows another of the same node: what leads to that one leads nowhere. */
  #noteLife({ party, incarnation }: Peer): void {
    if (party.kind !== 'node' || !this.#parts.lives.note(party.node, incarnation)) return;
    this.#host.tell({ type: 'restarted', node: party.node, incarnation });
    for (const connection of this.#connections()) {
      const { peer } = connection;
      if (peer.party.kind !== 'node' || peer.party.node !== party.node) continue;
      if (peer.incarnation !== incarnation) connection.end('replaced', 'Another process is this node now.');
    }
  }

  #receive({ party, incarnation }: Peer, lane: Lane, frame: Uint8Array): void {
    if (party.kind !== 'node') return;
    const tally = this.#tallies.of(party.node);
    tally.framesReceived++;
    tally.bytesReceived += frame.byteLength;
    this.#host.receive({ node: party.node, incarnation, lane }, frame);
  }

  /** All that are open, dialed and accepted: a list, for what is done with them changes them. */
  #connections(): Connection[] {
    const dialed = [...this.#remotes.values()].flatMap(({ lines }) =>
      lanes.map((lane) => lines[lane].connection),
    );
    return [...dialed.filter((each) => each !== null), ...(this.#reception?.connections ?? [])];
  }
}

function sameAddresses(
  one: readonly (Address | undefined)[],
  other: readonly (Address | undefined)[],
): boolean {
  const texts = (list: typeof one) => list.map((each) => each && formatAddress(each)).join(' ');
  return texts(one) === texts(other);
}
