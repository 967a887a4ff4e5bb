import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { NodeId } from '../raft/entry.js';
import { addTally, emptyTally, type LinkTally } from './counters.js';
import { type Envelopes, FrameSender, receiveFrames } from './frame-sender.js';
import { Gauge } from './gauge.js';

/*
 * Two nodes of one router, on a link that nothing ails, need nobody between them: each frame that passes the router costs
 * the waking of one more thread. So the router gives them a line of their own. It stays the master of the line: in
 * memory that all three share stands whether frames may pass, and a frame is heard only if it has been allowed to without
 * a break since it was sent. What is cut is cut when the router says so, whatever is under way.
 */

/** Of the shared words, 32 bits each: odd while frames may pass, and another number each time that changes. */
const passWord = 0;
const countsOffset = 8;
/** Counts of 64 bits: the sender's, then the receiver's. */
const counts = { sent: 0, bytesSent: 1, delivered: 2, bytesDelivered: 3, cut: 4 } as const;
const countCount = 5;

/** What the ends of one direction and the router share. */
export interface LaneMemory {
  readonly state: SharedArrayBuffer;
  readonly gauge: SharedArrayBuffer;
}

/** A node's end of a line to another, as the router hands it out. */
export interface DirectGrant {
  readonly peer: NodeId;
  readonly port: MessagePort;
  readonly out: LaneMemory;
  readonly in: LaneMemory;
}

/** What a node tells the router that it takes direct lines, beside that to the router. */
export const takesDirectLines = 'takes direct lines';

/** One direction of a direct line. */
class Lane {
  readonly gauge: Gauge;
  readonly #words: Int32Array;
  readonly #counts: BigInt64Array;

  constructor({ state, gauge }: LaneMemory) {
    this.gauge = new Gauge(gauge);
    this.#words = new Int32Array(state, 0, countsOffset / Int32Array.BYTES_PER_ELEMENT);
    this.#counts = new BigInt64Array(state, countsOffset, countCount);
  }

  static allocate(): LaneMemory {
    const state = new SharedArrayBuffer(countsOffset + countCount * BigInt64Array.BYTES_PER_ELEMENT);
    return { state, gauge: Gauge.allocate() };
  }

  /** What a frame that leaves now is stamped with; null while none may pass. */
  get pass(): number | null {
    const pass = Atomics.load(this.#words, passWord);
    return pass % 2 === 0 ? null : pass;
  }

  /** Opens or shuts it; for the router alone. */
  set(isOpen: boolean): void {
    if (isOpen !== (this.pass !== null)) Atomics.add(this.#words, passWord, 1);
  }

  add(name: keyof typeof counts, more: number): void {
    if (more > 0) Atomics.add(this.#counts, counts[name], BigInt(more));
  }

  /** What became of its frames. */
  tally(): LinkTally {
    const [sent, bytesSent, delivered, bytesDelivered, cut] = [...this.#counts.keys()].map((slot) =>
      Number(Atomics.load(this.#counts, slot)),
    ) as [number, number, number, number, number];
    const inFlight = Math.max(0, sent - delivered - cut);
    const dropped = this.gauge.turnedAway('toNode');
    return {
      ...emptyTally(),
      ...{ sent: sent + dropped, bytesSent, delivered, bytesDelivered, cut, dropped, inFlight },
    };
  }
}

/** A node's end of a line to one other node. */
export class DirectLine {
  readonly #port: MessagePort;
  readonly #out: Lane;
  readonly #in: Lane;
  readonly #sender: FrameSender;
  #sent = 0;
  #bytesSent = 0;

  /** @param heard takes each frame that arrives; @param ended the other end is gone. */
  constructor(grant: DirectGrant, heard: (frame: Uint8Array) => void, ended: () => void) {
    this.#port = grant.port;
    this.#out = new Lane(grant.out);
    this.#in = new Lane(grant.in);
    this.#sender = new FrameSender(grant.port, this.#out.gauge, 'toNode');
    this.#port.on('message', (envelopes: Envelopes) => this.#hear(envelopes, heard));
    this.#port.on('close', ended);
  }

  /** Takes a frame. False when it may not go this way now; one that finds the line full is dropped, and counted. */
  add(frame: Uint8Array): boolean {
    const pass = this.#out.pass;
    if (pass === null) return false;
    const { byteLength } = frame;
    if (this.#sender.add(pass, frame)) {
      this.#sent++;
      this.#bytesSent += byteLength;
    }
    return true;
  }

  /** Posts what was added since the last time. */
  flush(): void {
    if (this.#sent === 0) return;
    // Counted first: what is not sent yet cannot have been delivered.
    this.#out.add('sent', this.#sent);
    this.#out.add('bytesSent', this.#bytesSent);
    this.#sent = this.#bytesSent = 0;
    this.#sender.flush();
  }

  close(): void {
    this.#port.close();
  }

  #hear(envelopes: Envelopes, heard: (frame: Uint8Array) => void): void {
    let [delivered, bytes, cut] = [0, 0, 0];
    receiveFrames(envelopes, (pass, frame) => {
      this.#in.gauge.leave('toNode', frame.byteLength);
      if (pass !== this.#in.pass) {
        cut++;
        return;
      }
      delivered++;
      bytes += frame.byteLength;
      heard(frame);
    });
    this.#in.add('delivered', delivered);
    this.#in.add('bytesDelivered', bytes);
    this.#in.add('cut', cut);
  }
}

/** The router's hand on all direct lines between its nodes. */
export class DirectLines {
  readonly #lanes = new Map<NodeId, Map<NodeId, Lane>>();
  /** Of lines that are no more, by sender and receiver. */
  readonly #earlier = new Map<NodeId, Map<NodeId, LinkTally>>();
  readonly #isClear: (from: NodeId, to: NodeId) => boolean;
  /** Is any shut? It may be allowed to open without anybody's saying so, when all on its way through the router has arrived. */
  #anyIsShut = false;

  /** @param isClear whether frames of a link need nobody to slow them down, lose them or hold them up. */
  constructor(isClear: (from: NodeId, to: NodeId) => boolean) {
    this.#isClear = isClear;
  }

  /** A line between two nodes; each is to be given its end. */
  grant(a: NodeId, b: NodeId): readonly [ofA: DirectGrant, ofB: DirectGrant] {
    const { port1, port2 } = new MessageChannel();
    const [there, back] = [this.#newLane(a, b), this.#newLane(b, a)];
    return [
      { peer: b, port: port1, out: there, in: back },
      { peer: a, port: port2, out: back, in: there },
    ];
  }

  /** A node's lines are no more: what was under way on them found nobody. */
  retire(id: NodeId): void {
    for (const [from, lanes] of this.#lanes) {
      for (const [to, lane] of lanes) {
        if (from !== id && to !== id) continue;
        lane.set(false);
        lanes.delete(to);
        const { inFlight, ...tally } = lane.tally();
        this.#keep(from, to, { ...tally, unreachable: inFlight, inFlight: 0 });
      }
    }
  }

  /** Something changed: who may pass now? */
  look(): void {
    this.#anyIsShut = false;
    for (const [from, lanes] of this.#lanes) {
      for (const [to, lane] of lanes) {
        const isClear = this.#isClear(from, to);
        lane.set(isClear);
        if (!isClear) this.#anyIsShut = true;
      }
    }
  }

  /** Frames have arrived through the router. */
  arrived(): void {
    if (this.#anyIsShut) this.look();
  }

  /** What became of the frames of all lines, those before included. */
  *tallies(): Iterable<readonly [from: NodeId, to: NodeId, LinkTally]> {
    for (const [from, tallies] of this.#earlier) for (const [to, tally] of tallies) yield [from, to, tally];
    for (const [from, lanes] of this.#lanes) for (const [to, lane] of lanes) yield [from, to, lane.tally()];
  }

  #keep(from: NodeId, to: NodeId, tally: LinkTally): void {
    const ofSender = this.#earlier.get(from) ?? new Map<NodeId, LinkTally>();
    const sum = ofSender.get(to) ?? emptyTally();
    addTally(sum, tally);
    this.#earlier.set(from, ofSender.set(to, sum));
  }

  #newLane(from: NodeId, to: NodeId): LaneMemory {
    const memory = Lane.allocate();
    const lane = new Lane(memory);
    lane.set(this.#isClear(from, to));
    if (lane.pass === null) this.#anyIsShut = true;
    const lanes = this.#lanes.get(from) ?? new Map<NodeId, Lane>();
    this.#lanes.set(from, lanes.set(to, lane));
    return memory;
  }
}
