import { readFileSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Connections at one time, where the process may open files enough. */
const connectionsMax = 128;
const connectionsMin = 16;
/** Of the files that the process may open, a web server's connections are at most one in so many. */
const shareOfFiles = 8;
/** Where the system does not tell how many they are: as few as any that one meets. */
const openFilesUnknown = 256;

/** A request must be whole within these times, and a connection without one is closed. The system checks every second. */
export const serverTimes = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
} as const;

/**
 * A web server's connections, so few that the files which they are to the system are not those that the log needs.
 * One address has half of them at most. Where there is no room, one that has not proven who it is gives way to a
 * newcomer, the oldest first: whoever has finds room, however many others only hold theirs.
 */
export class HttpConnections {
  readonly #max: number;
  /** In the order in which they came, with their addresses, which they forget at their end. */
  readonly #all = new Map<Socket, string>();
  readonly #proven = new WeakSet<Socket>();
  readonly #busy = new WeakSet<Socket>();

  constructor(server: Server, openFilesMax = openFiles()) {
    this.#max = Math.max(connectionsMin, Math.min(connectionsMax, Math.floor(openFilesMax / shareOfFiles)));
    server.on('connection', (socket) => this.#add(socket));
  }

  /** Who asks on this connection is known: it gives way to nobody. */
  prove({ socket }: IncomingMessage): void {
    this.#proven.add(socket);
  }

  /**
   * Notes that a request is being answered. A connection asks one thing at a time, as browsers do: what would wait
   * there, or be carried out at once without number, ends it.
   * @returns whether it may be.
   */
  begin({ socket }: IncomingMessage, response: ServerResponse): boolean {
    if (this.#busy.has(socket)) {
      socket.destroy();
      return false;
    }
    this.#busy.add(socket);
    response.once('close', () => this.#busy.delete(socket));
    return true;
  }

  #add(socket: Socket): void {
    const { remoteAddress: address = '' } = socket;
    const neighbours = [...this.#all].flatMap(([other, its]) => (its === address ? [other] : []));
    const isRoom =
      (neighbours.length < this.#max / 2 || this.#evict(neighbours)) &&
      (this.#all.size < this.#max || this.#evict(this.#all.keys()));
    if (!isRoom) {
      socket.destroy();
      return;
    }
    this.#all.set(socket, address);
    socket.once('close', () => this.#all.delete(socket));
  }

  #evict(among: Iterable<Socket>): boolean {
    for (const socket of among) {
      if (this.#proven.has(socket)) continue;
      this.#all.delete(socket);
      socket.destroy();
      return true;
    }
    return false;
  }
}

/** How many files this process may have open. */
function openFiles(): number {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit);
  } catch {
    return openFilesUnknown;
  }
}
