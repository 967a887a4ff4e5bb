import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import { type Address, formatAddress } from '../address.js';
import { ListenFailedError } from '../errors.js';
import {
  encodeGreeting,
  type Hello,
  judgeHello,
  type Peer,
  parseGreeting,
  type Refusal,
  refusal,
  welcomeFrom,
} from '../handshake.js';
import type { Way } from '../lane.js';
import { type Party, partyText } from '../party.js';
import { FramedSocket, messageKind } from './framed-socket.js';
import { noteRefusal, refuse, remoteAddress, type StreamParts } from './stream-parts.js';

/** A connection whose other side is known, and what it said. */
export interface Accepted {
  readonly socket: FramedSocket;
  readonly peer: Peer;
  readonly hello: Hello;
  readonly address: string;
}

/** A connection from its arrival to its end. */
interface Guest {
  readonly address: string;
  /** What is to be destroyed to be rid of it. */
  socket: Socket;
  readonly timer: unknown;
  isPending: boolean;
  isRefused: boolean;
  isClient: boolean;
}

/**
 * Lets others in: makes them say who they are within a bound, and keeps their number within another. Clients
 * have a bound of their own below it, so that they cannot keep nodes out.
 */
export class Listener {
  readonly #parts: StreamParts;
  readonly #ways: readonly Way[];
  readonly #opened: (accepted: Accepted) => void;
  readonly #server: Server;
  /** By where they come from, the oldest first. */
  readonly #guests = new Map<string, Guest>();
  #pending = 0;
  #clients = 0;

  /** @param opened takes those that were let in. */
  constructor(parts: StreamParts, ways: readonly Way[], opened: (accepted: Accepted) => void) {
    this.#parts = parts;
    this.#ways = ways;
    this.#opened = opened;
    this.#server = parts.sockets.serve({
      accepted: (socket) => this.#receive(socket),
      ready: (socket) => this.#greet(socket),
      failed: (socket, detail) => this.#failed(socket, detail),
    });
  }

  /** @throws ListenFailedError */
  async open(address: Address): Promise<Address> {
    this.#server.listen({ host: address.host, port: address.port });
    try {
      await once(this.#server, 'listening');
    } catch (cause) {
      throw new ListenFailedError(formatAddress(address), cause);
    }
    // What goes wrong from now on (no handle left for one more, say) is that connection's loss.
    this.#server.on('error', () => {});
    return { host: address.host, port: (this.#server.address() as AddressInfo).port };
  }

  get pending(): number {
    return this.#pending;
  }

  /** Lets nobody in any more. Those that are in stay. */
  stop(): void {
    this.#server.close();
    for (const guest of this.#guests.values()) if (guest.isPending) guest.socket.destroy();
  }

  /** Resolves when the last connection has ended. */
  async closed(): Promise<void> {
    if (this.#guests.size > 0) await once(this.#server, 'close');
  }

  #receive(socket: Socket): void {
    const { limits, clock } = this.#parts;
    const address = remoteAddress(socket);
    socket.on('error', () => {});
    if (socket.remoteAddress === undefined) {
      socket.destroy();
      return;
    }
    const earlier = this.#guests.get(address);
    if (earlier !== undefined) this.#forget(earlier);
    if (this.#guests.size >= limits.connectionsMax) {
      noteRefusal(
        this.#parts,
        refusal('full', `There are ${this.#guests.size} connections.`),
        true,
        address,
        null,
      );
      socket.destroy();
      return;
    }
    if (this.#pending >= limits.pendingMax) this.#dismissOldest();
    socket.setKeepAlive(true, 10_000);
    const timer = clock.setTimeout(() => this.#expire(guest), limits.handshakeMsMax);
    const guest: Guest = { address, socket, timer, isPending: true, isRefused: false, isClient: false };
    this.#guests.set(address, guest);
    this.#pending++;
    socket.once('close', () => this.#forget(guest));
  }

  /** Idle ones are old: who is in earnest is through within milliseconds. */
  #dismissOldest(): void {
    for (const guest of this.#guests.values()) {
      if (!guest.isPending) continue;
      this.#noteOnce(guest, refusal('full', 'Too many connections had not said who they are.'));
      this.#forget(guest);
      guest.socket.destroy();
      return;
    }
  }

  #expire(guest: Guest): void {
    this.#noteOnce(guest, refusal('timeout', 'It did not say in time who it is.'));
    guest.socket.destroy();
  }

  #failed(socket: Socket, detail: string): void {
    const guest = this.#guests.get(remoteAddress(socket));
    if (guest !== undefined) this.#noteOnce(guest, refusal('tls', detail));
    socket.destroy();
  }

  #noteOnce(guest: Guest, because: Refusal): void {
    if (guest.isRefused) return;
    guest.isRefused = true;
    noteRefusal(this.#parts, because, true, guest.address, null);
  }

  #forget(guest: Guest): void {
    if (this.#guests.get(guest.address) !== guest) return;
    this.#guests.delete(guest.address);
    if (guest.isClient) this.#clients--;
    this.#admit(guest);
  }

  /** It is pending no more. */
  #admit(guest: Guest): void {
    if (!guest.isPending) return;
    guest.isPending = false;
    this.#pending--;
    this.#parts.clock.clearTimeout(guest.timer);
  }

  /** The acceptor's part of the handshake. */
  #greet(socket: Socket): void {
    const guest = this.#guests.get(remoteAddress(socket));
    if (guest === undefined || guest.isRefused) {
      socket.destroy();
      return;
    }
    if (guest.socket !== socket) {
      guest.socket = socket;
      socket.once('close', () => this.#forget(guest));
    }
    const certified = this.#parts.sockets.identify(socket);
    const framed = new FramedSocket(socket, {
      heard: () => {},
      ended: (reason, detail) => {
        if (reason === 'malformed' || reason === 'sequence')
          this.#noteOnce(guest, refusal('malformed', detail));
      },
    });
    if (certified !== null && 'greeting' in certified) {
      this.#refuse(guest, framed, certified, null);
      return;
    }
    framed.handlers = {
      ...framed.handlers,
      heard: (kind, payload) => this.#hearHello(guest, framed, certified, kind, payload),
    };
  }

  #hearHello(
    guest: Guest,
    socket: FramedSocket,
    certified: Party | null,
    kind: number,
    payload: Uint8Array,
  ): void {
    const { identity, lives, limits, random } = this.#parts;
    const said = kind === messageKind.greeting ? parseGreeting(payload) : null;
    const who = certified === null ? null : partyText(certified);
    if (said?.greeting === 'refusal') {
      this.#hearRefusal(guest, socket, said, who);
      return;
    }
    if (said?.greeting !== 'hello') {
      this.#refuse(guest, socket, refusal('malformed', 'What it said first is no hello.'), who);
      return;
    }
    const peer = judgeHello(said, identity, certified, this.#ways);
    if ('greeting' in peer) {
      this.#refuse(guest, socket, peer, who);
      return;
    }
    if (peer.party.kind === 'node' && lives.isSuperseded(peer.party.node, peer.incarnation)) {
      const because = refusal('superseded', `Another process has been ${partyText(peer.party)} since.`);
      this.#refuse(guest, socket, because, partyText(peer.party));
      return;
    }
    if (said.lane === 'client' && this.#clients >= limits.clientsMax) {
      this.#refuse(guest, socket, refusal('full', `There are ${this.#clients} clients.`), who);
      return;
    }
    const token = random.uint32();
    socket.handlers = {
      ...socket.handlers,
      heard: (nextKind, ready) =>
        this.#hearReady(guest, { socket, peer, hello: said }, token, nextKind, ready),
    };
    socket.send(messageKind.greeting, encodeGreeting(welcomeFrom(identity, peer, token)));
  }

  #hearReady(
    guest: Guest,
    accepted: Omit<Accepted, 'address'>,
    token: number,
    kind: number,
    payload: Uint8Array,
  ): void {
    const { socket, peer } = accepted;
    const said = kind === messageKind.greeting ? parseGreeting(payload) : null;
    if (said?.greeting === 'refusal') this.#hearRefusal(guest, socket, said, partyText(peer.party));
    else if (
      kind !== messageKind.ready ||
      payload.byteLength !== 4 ||
      Buffer.from(payload).readUInt32BE(0) !== token
    ) {
      const because = refusal('malformed', 'It did not repeat what it was welcomed with.');
      this.#refuse(guest, socket, because, partyText(peer.party));
    } else {
      this.#admit(guest);
      guest.isClient = accepted.hello.lane === 'client';
      if (guest.isClient) this.#clients++;
      this.#opened({ ...accepted, address: guest.address });
    }
  }

  #hearRefusal(guest: Guest, socket: FramedSocket, said: Refusal, who: string | null): void {
    guest.isRefused = true;
    noteRefusal(this.#parts, said, false, guest.address, who);
    socket.turnAway();
  }

  #refuse(guest: Guest, socket: FramedSocket, because: Refusal, who: string | null): void {
    guest.isRefused = true;
    refuse(this.#parts, socket, because, guest.address, who);
  }
}
