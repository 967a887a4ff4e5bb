import type { NodeId } from '../../../ground/ids.js';
import type { Address } from '../address.js';
import type { Way } from '../lane.js';
import { partyText, partyUri } from '../party.js';
import { Connection } from './connection.js';
import { type Accepted, Listener } from './listener.js';
import type { StreamParts } from './stream-parts.js';

export interface ReceptionHandlers {
  /** Let in, known, and listening from now on. `advertise` is where it says that it is to be found. */
  readonly opened: (connection: Connection, advertise: string | null) => void;
  readonly received: (connection: Connection, frame: Uint8Array) => void;
  readonly sent?: (connection: Connection, bytes: number) => void;
  readonly ended?: (connection: Connection) => void;
}

/**
 * The connections that others have made. One a party and lane (and process, for clients of one name): who comes
 * again has lost the first. None grows older than the certificates that it was made with by more than a bound.
 */
export class Reception {
  readonly #parts: StreamParts;
  readonly #handlers: ReceptionHandlers;
  readonly #listener: Listener;
  readonly #connections = new Map<string, Connection>();
  readonly #timers = new Map<Connection, unknown>();

  /** @param ways what those may come for who are let in. */
  constructor(parts: StreamParts, ways: readonly Way[], handlers: ReceptionHandlers) {
    this.#parts = parts;
    this.#handlers = handlers;
    this.#listener = new Listener(parts, ways, (accepted) => this.#open(accepted));
  }

  /** @throws ListenFailedError */
  open(address: Address): Promise<Address> {
    return this.#listener.open(address);
  }

  /** Those that have not said yet who they are. */
  get pending(): number {
    return this.#listener.pending;
  }

  get connections(): Iterable<Connection> {
    return this.#connections.values();
  }

  get size(): number {
    return this.#connections.size;
  }

  connectionsOf(node: NodeId): Connection[] {
    return [...this.#connections.values()].filter(
      ({ peer: { party } }) => party.kind === 'node' && party.node === node,
    );
  }

  /** Has every connection made anew within the bound, spread over it. */
  renewAll(): void {
    const { renewMsMax } = this.#parts.limits;
    for (const connection of this.#connections.values()) {
      this.#dismissAfter(connection, this.#parts.random.between(0, renewMsMax));
    }
  }

  /** Resolves when all have ended: in good order, or at the bound. */
  async close(): Promise<void> {
    const { clock, limits } = this.#parts;
    this.#listener.stop();
    for (const connection of this.#connections.values()) connection.finish('shutdown');
    const timer = clock.setTimeout(() => {
      for (const connection of this.#connections.values()) connection.end('shutdown');
    }, limits.closeMsMax);
    await this.#listener.closed();
    clock.clearTimeout(timer);
  }

  #open({ socket, peer, hello, address }: Accepted): void {
    const { clock, limits, log, tally } = this.#parts;
    const { lane } = hello;
    const said = { peer: partyText(peer.party), lane, dialed: false, address };
    const life = peer.party.kind === 'node' ? '' : ` ${peer.incarnation}`;
    const key = `${partyUri(peer.party)}${life} ${lane}`;
    this.#connections.get(key)?.end('replaced', 'It has connected anew.');
    const connection: Connection = new Connection(socket, { peer, lane, address }, this.#parts, {
      received: (frame) => this.#handlers.received(connection, frame),
      sent: (bytes) => this.#handlers.sent?.(connection, bytes),
      // Who sends has written everything out; it closes, or we do.
      goodbye: () => {},
      ended: (reason, detail) => {
        tally.ended[reason]++;
        log.tell({ type: 'disconnected', ...said, reason, detail });
        clock.clearTimeout(this.#timers.get(connection));
        this.#timers.delete(connection);
        if (this.#connections.get(key) === connection) this.#connections.delete(key);
        this.#handlers.ended?.(connection);
      },
    });
    this.#connections.set(key, connection);
    this.#dismissAfter(connection, limits.connectionMsMax + limits.renewMsMax);
    log.tell({
      type: 'connected',
      ...said,
      incarnation: peer.incarnation,
      version: peer.version,
      clusterId: peer.clusterId,
    });
    this.#handlers.opened(connection, hello.advertise);
  }

  /** Asks the dialer to begin anew, and ends it if that is not done in time. */
  #dismissAfter(connection: Connection, delayMs: number): void {
    const { clock, limits } = this.#parts;
    clock.clearTimeout(this.#timers.get(connection));
    const timer = clock.setTimeout(() => {
      connection.sayGoodbye('renewed');
      const last = clock.setTimeout(() => connection.end('renewed'), limits.handshakeMsMax);
      this.#timers.set(connection, last);
    }, delayMs);
    this.#timers.set(connection, timer);
  }
}
