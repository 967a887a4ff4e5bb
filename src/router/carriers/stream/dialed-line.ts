import { type Actor, createActor } from 'xstate';
import { type LinkEvent, linkMachine } from '../../../../machines/link.js';
import type { NodeId } from '../../../ground/ids.js';
import { type Address, formatAddress } from '../address.js';
import { backOffMs } from '../back-off.js';
import type { EndReason, RemoteTally } from '../counters.js';
import type { Peer } from '../handshake.js';
import type { Way } from '../lane.js';
import { LaneQueue, unbounded } from '../lane-queue.js';
import { partyText } from '../party.js';
import { Connection } from './connection.js';
import { Dialing } from './dialing.js';
import type { FramedSocket } from './framed-socket.js';
import type { StreamParts } from './stream-parts.js';

export interface LineHandlers {
  readonly opened: (peer: Peer, address: Address) => void;
  readonly received: (peer: Peer, frame: Uint8Array) => void;
  /** The connection is gone, and what it had not carried waits for the next. */
  readonly ended?: (peer: Peer) => void;
}

/**
 * One lane to one remote node, over a connection of this side's own.
 *
 * Each side dials what it sends on. So no two can meet halfway and each give way to the other; a side that has moved
 * reaches those that have not, who learn from it where it is; and frames of a lane have one way, in which none
 * overtakes another.
 */
export class DialedLine {
  readonly #parts: StreamParts;
  readonly #to: NodeId | null;
  readonly #lane: Way;
  readonly #tally: RemoteTally;
  readonly #handlers: LineHandlers;
  readonly #queue: LaneQueue;
  readonly #chart: Actor<typeof linkMachine>;
  #addresses: readonly Address[] = [];
  #tries = 0;
  #failures = 0;
  #opened = 0;
  #openedMs = 0;
  #dialing: Dialing | null = null;
  #connection: Connection | null = null;
  #ageTimer: unknown;
  #closed: () => void = () => {};

  /** @param to the node that has to be there; null takes any of the cluster. */
  constructor(
    parts: StreamParts,
    target: { readonly to: NodeId | null; readonly lane: Way },
    tally: RemoteTally,
    handlers: LineHandlers,
  ) {
    this.#parts = parts;
    this.#to = target.to;
    this.#lane = target.lane;
    this.#tally = tally;
    this.#handlers = handlers;
    // What a client asks for is said once, and its session bounds what a node is given.
    const bounds = target.lane === 'client' ? unbounded : parts.limits;
    this.#queue = new LaneQueue(bounds, parts.clock, tally);
    this.#chart = createActor(this.#bind(), { clock: parts.clock });
    this.#chart.start();
  }

  /** The connection, while there is one. */
  get connection(): Connection | null {
    return this.#connection;
  }

  /** Where the other side may be, the likeliest first. A connection to elsewhere is made anew. */
  setAddresses(addresses: readonly Address[]): void {
    this.#addresses = addresses;
    this.#tries = 0;
    const current = this.#connection?.address;
    if (current === undefined) this.#say({ type: 'host.dial' });
    else if (!addresses.some((each) => formatAddress(each) === current)) this.renew();
  }

  send(frame: Uint8Array): void {
    this.#queue.push(frame);
    if (this.#connection !== null) this.#connection.kick();
  }

  /** The other side has reached us: it may be reached again. */
  heard(): void {
    this.#say({ type: 'peer.heard' });
  }

  /** Makes the connection anew, in good order. */
  renew(): void {
    this.#say({ type: 'host.renew' });
  }

  /** Resolves when the connection has ended, which nobody but the other side bounds. */
  close(): Promise<void> {
    this.#queue.clear();
    return new Promise((resolve) => {
      this.#closed = resolve;
      this.#say({ type: 'host.close' });
      if (this.#connection === null) resolve();
    });
  }

  /** Ends the connection at once. */
  end(reason: EndReason): void {
    this.#connection?.end(reason);
  }

  #say(event: LinkEvent): void {
    if (this.#chart.getSnapshot().status === 'active') this.#chart.send(event);
  }

  #bind(): typeof linkMachine {
    const { limits, clock, random } = this.#parts;
    return linkMachine.provide({
      guards: {
        isProven: () => clock.now() - this.#openedMs >= limits.provenMs,
      },
      actions: {
        dial: () => this.#dial(),
        abandon: () => this.#abandon(),
        tellSilence: () => this.#tellSilence(),
        carry: () => this.#connection?.carry(this.#queue),
        finish: () => this.#connection?.finish('renewed'),
        hangUp: () => {
          this.#dialing?.abandon();
          this.#connection?.finish('shutdown');
        },
        noteFailure: () => {
          this.#failures++;
        },
        forgetFailures: () => {
          this.#failures = 0;
        },
      },
      delays: {
        dialTimeout: limits.handshakeMsMax,
        provenTime: limits.provenMs,
        backOff: () => backOffMs(limits, this.#failures, random),
        finishTimeout: limits.handshakeMsMax,
      },
    });
  }

  #dial(): void {
    const address = this.#addresses[this.#tries++ % this.#addresses.length];
    if (address === undefined) return;
    const target = { to: this.#to, lane: this.#lane, address };
    const dialing = new Dialing(this.#parts, target, {
      welcomed: (socket, peer) => this.#open(socket, peer, address),
      failed: (detail) => {
        if (this.#dialing !== dialing) return;
        this.#dialing = null;
        this.#tellUnreachable(dialing.address, detail);
        this.#say({ type: 'connection.ended' });
      },
    });
    this.#dialing = dialing;
  }

  #tellSilence(): void {
    if (this.#dialing !== null) this.#tellUnreachable(this.#dialing.address, 'It did not answer.');
  }

  #tellUnreachable(address: string, detail: string): void {
    const peer = this.#to === null ? 'somebody' : `node ${this.#to}`;
    this.#parts.log.tell({ type: 'unreachable', peer, address, detail });
  }

  #open(socket: FramedSocket, peer: Peer, address: Address): void {
    this.#dialing = null;
    // Where it was found it is looked for first the next time.
    this.#tries--;
    const { clock, limits, random, log, tally } = this.#parts;
    const about = { peer, lane: this.#lane, address: formatAddress(address) };
    const said = { peer: partyText(peer.party), lane: this.#lane, dialed: true, address: about.address };
    const connection = new Connection(socket, about, this.#parts, {
      received: (frame) => this.#handlers.received(peer, frame),
      sent: (bytes) => {
        this.#tally.framesSent++;
        this.#tally.bytesSent += bytes;
      },
      goodbye: () => this.#say({ type: 'peer.goodbye' }),
      ended: (reason, detail) => {
        tally.ended[reason]++;
        log.tell({ type: 'disconnected', ...said, reason, detail });
        this.#over(connection);
      },
    });
    this.#connection = connection;
    this.#openedMs = clock.now();
    this.#tally.connections++;
    if (this.#opened++ > 0) this.#tally.reconnections++;
    this.#ageTimer = clock.setTimeout(() => this.renew(), limits.connectionMsMax * random.between(0.8, 1));
    log.tell({
      type: 'connected',
      ...said,
      incarnation: peer.incarnation,
      version: peer.version,
      clusterId: peer.clusterId,
    });
    this.#say({ type: 'peer.welcomed' });
    this.#handlers.opened(peer, address);
  }

  #over(connection: Connection): void {
    if (this.#connection !== connection) return;
    this.#connection = null;
    this.#parts.clock.clearTimeout(this.#ageTimer);
    this.#say({ type: 'connection.ended' });
    this.#handlers.ended?.(connection.peer);
    this.#closed();
  }

  /** Forgotten first: its end is no news. */
  #abandon(): void {
    this.#dialing?.abandon();
    this.#dialing = null;
    const connection = this.#connection;
    this.#connection = null;
    this.#parts.clock.clearTimeout(this.#ageTimer);
    connection?.end('closed');
    if (connection !== null) this.#handlers.ended?.(connection.peer);
  }

  /** Forgets what waits: whoever gave it will say it otherwise. */
  forget(): void {
    this.#queue.clear();
  }
}
