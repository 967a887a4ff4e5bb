import type { ClientGuest } from '../carrier.js';
import { emptyRemoteTally } from '../counters.js';
import { LaneQueue } from '../lane-queue.js';
import { membersFrameOf, type Whereabouts } from '../members-frame.js';
import type { Connection } from './connection.js';
import type { StreamParts } from './stream-parts.js';

/** Nobody waits for a stale answer, but nobody may miss one either: a client that is too slow is sent away instead. */
const waitMsMax = Number.MAX_SAFE_INTEGER;
/** What may wait for one client, of what may wait for a node. */
const clientShare = 4;

/** The connections of clients. Each hears where the members are, at first and whenever that changes. */
export class ClientDesk {
  readonly #parts: StreamParts;
  readonly #members: () => Whereabouts;
  readonly #guests = new Map<Connection, ClientGuest>();

  constructor(parts: StreamParts, members: () => Whereabouts) {
    this.#parts = parts;
    this.#members = members;
  }

  open(connection: Connection): ClientGuest {
    const { limits, clock } = this.#parts;
    const tally = emptyRemoteTally();
    const bounds = { ...limits, waitMsMax, queueBytesMax: Math.ceil(limits.queueBytesMax / clientShare) };
    const queue = new LaneQueue(bounds, clock, tally);
    const guest: ClientGuest = {
      party: connection.peer.party,
      heard: () => {},
      ended: () => {},
      send: (frame) => {
        queue.push(frame);
        if (tally.overflowed > 0) guest.end('overloaded', 'It reads its answers too slowly.');
        else connection.kick();
      },
      end: (reason, detail) => connection.end(reason, detail),
    };
    connection.carry(queue);
    this.#guests.set(connection, guest);
    guest.send(membersFrameOf(this.#members()));
    return guest;
  }

  heard(connection: Connection, frame: Uint8Array): void {
    this.#guests.get(connection)?.heard(frame);
  }

  ended(connection: Connection): void {
    const guest = this.#guests.get(connection);
    this.#guests.delete(connection);
    guest?.ended();
  }

  /** The members, or where they are, have changed. */
  tellMembers(): void {
    for (const guest of [...this.#guests.values()]) guest.send(membersFrameOf(this.#members()));
  }
}
