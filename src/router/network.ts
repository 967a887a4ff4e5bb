import type { Clock } from '../ground/clock.js';
import type { Random } from '../ground/random.js';
import type { NodeId } from '../raft/entry.js';
import { addTally, emptyTally, type LinkTally, type NetworkCounters } from './counters.js';
import { type Due, DueQueue } from './due-queue.js';
import { drawLatencyMs, isStraight, type LinkPolicy, reorderingMsMin } from './link-policy.js';
import { type NetworkControls, Wiring } from './wiring.js';

/** Frames under way on one link, unless told otherwise. What does not fit is dropped and counted. */
export const queueMaxDefault = 4096;
/** Bytes under way on one link, and on all of them. A frame always enters an empty queue, whatever its size. */
export const queueBytesMaxDefault = 64 * 1024 * 1024;
const bytesMaxDefault = 512 * 1024 * 1024;
/** Links that are kept: 256 nodes, each with each. Frames on further ones are unreachable. */
const linksMax = 65_536;

/** What became of a frame at its receiver: taken, no room, or nobody there. */
export type Delivery = 'delivered' | 'dropped' | 'unreachable';

export interface NetworkOptions {
  readonly clock: Pick<Clock, 'now' | 'setTimeout' | 'clearTimeout'>;
  /** All chance of the network comes from here. */
  readonly random: Random;
  /** Takes a frame that arrives; its bytes are the receiver's. May be called from within `send`. */
  readonly deliver: (to: NodeId, from: NodeId, frame: Uint8Array) => Delivery;
  /** The policy of all links at first (clean). */
  readonly link?: Partial<LinkPolicy>;
  /** Frames under way on one link at most. */
  readonly queueMax?: number;
  /** Bytes under way on one link at most. */
  readonly queueBytesMax?: number;
  /** Bytes under way on all links at most. */
  readonly bytesMax?: number;
}

interface Link {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly tally: LinkTally;
  policy: LinkPolicy;
  blocked: boolean;
  straight: boolean;
  /** Of its queued frames. */
  bytes: number;
  /** Queued frames that stand in line; those that left it by reordering are not among them. */
  inLine: number;
  /** When the last in line is due: none behind it is due earlier. */
  lineDueMs: number;
  sequence: number;
  sequenceDelivered: number;
}

interface Flight extends Due {
  readonly link: Link;
  readonly frame: Uint8Array;
  readonly sequence: number;
  readonly inLine: boolean;
}

/**
 * The switchboard: takes frames, and hands them on as the links' policies say. It owns no thread, no port and no
 * clock, so the router's thread and a simulation in virtual time run this same code.
 *
 * A frame on a straight link is handed on within `send`, unread. All others wait in one queue ordered by the
 * moment they are due, with one timer for the first. Frames under way on a link that is cut or partitioned are
 * lost, as a wire would lose them.
 */
export class Network implements NetworkControls {
  readonly #clock: NetworkOptions['clock'];
  readonly #random: Random;
  readonly #deliver: NetworkOptions['deliver'];
  readonly #queueMax: number;
  readonly #queueBytesMax: number;
  readonly #bytesMax: number;
  readonly #wiring: Wiring;
  readonly #links = new Map<NodeId, Map<NodeId, Link>>();
  #linkCount = 0;
  /** Frames on links beyond `linksMax`. */
  readonly #stray = emptyTally();
  readonly #flights = new DueQueue<Flight>();
  /** Of all queued frames. */
  #bytes = 0;
  #order = 0;
  #timer: unknown;
  #timerDueMs = Number.POSITIVE_INFINITY;
  #landing = false;

  constructor(options: NetworkOptions) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#deliver = options.deliver;
    this.#queueMax = options.queueMax ?? queueMaxDefault;
    this.#queueBytesMax = options.queueBytesMax ?? queueBytesMaxDefault;
    this.#bytesMax = options.bytesMax ?? bytesMaxDefault;
    this.#wiring = new Wiring(options.link);
  }

  /** Takes a frame from a node. The bytes are the network's from then on. */
  send(from: NodeId, to: NodeId, frame: Uint8Array): void {
    const link = this.#links.get(from)?.get(to) ?? this.#open(from, to);
    const tally = link?.tally ?? this.#stray;
    tally.sent++;
    tally.bytesSent += frame.byteLength;
    if (link === undefined) tally.unreachable++;
    else if (link.blocked) tally.cut++;
    else if (link.straight && tally.inFlight === 0) this.#land(link, frame, ++link.sequence);
    else this.#launch(link, frame);
  }

  #open(from: NodeId, to: NodeId): Link | undefined {
    if (this.#linkCount >= linksMax) return undefined;
    this.#linkCount++;
    const policy = this.#wiring.policy(from, to);
    const link: Link = {
      from,
      to,
      tally: emptyTally(),
      policy,
      blocked: policy.cut || !this.#wiring.connected(from, to),
      straight: isStraight(policy),
      bytes: 0,
      inLine: 0,
      lineDueMs: 0,
      sequence: 0,
      sequenceDelivered: 0,
    };
    const ofSender = this.#links.get(from) ?? new Map<NodeId, Link>();
    this.#links.set(from, ofSender.set(to, link));
    return link;
  }

  #launch(link: Link, frame: Uint8Array): void {
    const { loss, duplication } = link.policy;
    if (this.#random.chance(loss)) {
      link.tally.lost++;
      return;
    }
    // Copied before the first leaves: its receiver owns its bytes and may detach them.
    const copy = this.#random.chance(duplication) ? new Uint8Array(frame) : undefined;
    this.#fly(link, frame);
    if (copy === undefined) return;
    link.tally.duplicated++;
    this.#fly(link, copy);
  }

  #fly(link: Link, frame: Uint8Array): void {
    const now = this.#clock.now();
    const sequence = ++link.sequence;
    const inLine = !this.#random.chance(link.policy.reordering);
    let dueMs = now + drawLatencyMs(link.policy, this.#random);
    if (inLine) {
      dueMs = Math.max(dueMs, link.lineDueMs);
      // A timer may be late: while frames stand in line nothing passes at once, even if it is due.
      if (dueMs <= now && link.inLine === 0) {
        this.#land(link, frame, sequence);
        return;
      }
    } else {
      dueMs += this.#random.between(0, Math.max(link.policy.latencyMsMax, reorderingMsMin));
    }
    if (!this.#isRoom(link, frame.byteLength)) {
      link.tally.dropped++;
      return;
    }
    if (inLine) {
      link.lineDueMs = dueMs;
      link.inLine++;
    }
    link.tally.inFlight++;
    link.bytes += frame.byteLength;
    this.#bytes += frame.byteLength;
    this.#flights.push({ dueMs, order: ++this.#order, link, frame, sequence, inLine });
    this.#arm();
  }

  #isRoom({ tally, bytes }: Link, more: number): boolean {
    if (tally.inFlight === 0) return this.#bytes === 0 || this.#bytes + more <= this.#bytesMax;
    const fits = bytes + more <= this.#queueBytesMax && this.#bytes + more <= this.#bytesMax;
    return fits && tally.inFlight < this.#queueMax;
  }

  #land(link: Link, frame: Uint8Array, sequence: number): void {
    const bytes = frame.byteLength;
    const { tally } = link;
    const delivery = this.#deliver(link.to, link.from, frame);
    tally[delivery]++;
    if (delivery !== 'delivered') return;
    tally.bytesDelivered += bytes;
    if (sequence < link.sequenceDelivered) tally.reordered++;
    else link.sequenceDelivered = sequence;
  }

  /** One timer, for the flight that is due first. */
  #arm(): void {
    if (this.#landing) return;
    const first = this.#flights.peek();
    const dueMs = first === undefined ? Number.POSITIVE_INFINITY : first.dueMs;
    if (dueMs === this.#timerDueMs) return;
    this.#disarm();
    if (first === undefined) return;
    this.#timerDueMs = dueMs;
    this.#timer = this.#clock.setTimeout(
      () => {
        this.#timerDueMs = Number.POSITIVE_INFINITY;
        this.#landDue();
      },
      Math.max(0, dueMs - this.#clock.now()),
    );
  }

  #disarm(): void {
    if (this.#timerDueMs === Number.POSITIVE_INFINITY) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timerDueMs = Number.POSITIVE_INFINITY;
  }

  #landDue(): void {
    const now = this.#clock.now();
    this.#landing = true;
    try {
      for (
        let next = this.#flights.peek();
        next !== undefined && next.dueMs <= now;
        next = this.#flights.peek()
      ) {
        this.#flights.pop();
        this.#leaveQueue(next);
        this.#land(next.link, next.frame, next.sequence);
      }
    } finally {
      this.#landing = false;
      this.#arm();
    }
  }

  #leaveQueue(flight: Flight): void {
    flight.link.tally.inFlight--;
    // Taken before it lands: its receiver may detach the memory.
    flight.link.bytes -= flight.frame.byteLength;
    this.#bytes -= flight.frame.byteLength;
    if (flight.inLine) flight.link.inLine--;
  }

  /** How it is wired at the moment, to look at. */
  get wiring(): Pick<Wiring, 'policy' | 'connected'> {
    return this.#wiring;
  }

  /** Is a frame that is sent now on this link handed on within `send`, with none under way before it? */
  isClear(from: NodeId, to: NodeId): boolean {
    const link = this.#links.get(from)?.get(to);
    if (link !== undefined) return !link.blocked && link.straight && link.tally.inFlight === 0;
    const policy = this.#wiring.policy(from, to);
    return isStraight(policy) && !policy.cut && this.#wiring.connected(from, to);
  }

  partition(groups: readonly (readonly NodeId[])[]): void {
    this.#wiring.partition(groups);
    this.#rewire();
  }

  isolate(id: NodeId): void {
    this.#wiring.isolate(id);
    this.#rewire();
  }

  cut(from: NodeId, to: NodeId): void {
    this.#wiring.cut(from, to);
    this.#rewire(from, to);
  }

  mend(from: NodeId, to: NodeId): void {
    this.#wiring.mend(from, to);
    this.#rewire(from, to);
  }

  heal(): void {
    this.#wiring.heal();
    this.#rewire();
  }

  setLink(change: Partial<LinkPolicy>, from?: NodeId, to?: NodeId): void {
    this.#wiring.setLink(change, from, to);
    this.#rewire(from, to);
  }

  /** Of all links, or of those that the change can have touched. */
  #rewire(from?: NodeId, to?: NodeId): void {
    let blocks = false;
    for (const link of this.#eachLink()) {
      if ((from !== undefined && link.from !== from) || (to !== undefined && link.to !== to)) continue;
      link.policy = this.#wiring.policy(link.from, link.to);
      link.straight = isStraight(link.policy);
      const wasBlocked = link.blocked;
      link.blocked = link.policy.cut || !this.#wiring.connected(link.from, link.to);
      if (link.blocked && !wasBlocked) blocks = true;
    }
    if (blocks) this.#loseBlocked();
    this.#arm();
  }

  #loseBlocked(): void {
    for (const flight of this.#flights.removeWhere((each) => each.link.blocked)) {
      this.#leaveQueue(flight);
      flight.link.tally.cut++;
      flight.link.lineDueMs = 0;
    }
  }

  *#eachLink(): Generator<Link> {
    for (const ofSender of this.#links.values()) yield* ofSender.values();
  }

  /** A copy of all counters. `overflowed` is the host's to fill in: such frames never came here. */
  counters(overflowed = 0): NetworkCounters {
    const total = { ...this.#stray };
    const links = [];
    for (const { from, to, tally } of this.#eachLink()) {
      addTally(total, tally);
      links.push({ from, to, ...tally });
    }
    return { total, links, overflowed };
  }

  /** Forgets what is under way and its timer. */
  close(): void {
    this.#flights.removeWhere(() => true);
    this.#disarm();
  }
}
