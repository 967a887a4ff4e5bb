import type { Clock } from '../../../ground/clock.js';
import { type EndReason, endReasons } from '../counters.js';
import type { Peer } from '../handshake.js';
import type { Way } from '../lane.js';
import type { LaneQueue } from '../lane-queue.js';
import type { CarrierLimits } from '../options.js';
import { type FramedSocket, messageKind } from './framed-socket.js';

export interface ConnectionHandlers {
  readonly received: (frame: Uint8Array) => void;
  /** A frame of this many bytes was handed to the socket. */
  readonly sent: (bytes: number) => void;
  /** The other side is about to end it: what it sent before has arrived. */
  readonly goodbye: () => void;
  /** Called once. */
  readonly ended: (reason: EndReason, detail: string) => void;
}

/** An open connection: both sides know each other. Carries frames both ways, and notices when nobody is there. */
export class Connection {
  readonly peer: Peer;
  readonly lane: Way;
  readonly address: string;
  readonly #socket: FramedSocket;
  readonly #clock: Clock;
  readonly #limits: CarrierLimits;
  readonly #handlers: ConnectionHandlers;
  #queue: LaneQueue | null = null;
  #pumpIsDue = false;
  #timer: unknown;
  #heardMs: number;
  #lookedMs: number;
  #isOver = false;
  #isFinishing = false;

  constructor(
    socket: FramedSocket,
    about: { readonly peer: Peer; readonly lane: Way; readonly address: string },
    parts: { readonly clock: Clock; readonly limits: CarrierLimits },
    handlers: ConnectionHandlers,
  ) {
    this.peer = about.peer;
    this.lane = about.lane;
    this.address = about.address;
    this.#socket = socket;
    this.#clock = parts.clock;
    this.#limits = parts.limits;
    this.#handlers = handlers;
    this.#heardMs = this.#lookedMs = this.#clock.now();
    socket.frameBytesMax = this.#limits.frameBytesMax;
    socket.handlers = {
      heard: (kind, payload) => this.#hear(kind, payload),
      ended: (reason, detail) => this.#over(reason, detail),
    };
    socket.drained = () => this.#pump();
    this.#lookLater();
  }

  /** Sends what is in the queue, now and whenever `kick` tells that more came. */
  carry(queue: LaneQueue): void {
    this.#queue = queue;
    this.#pump();
  }

  /** Frames were queued. They leave together once whoever queues them has done so. */
  kick(): void {
    if (this.#pumpIsDue) return;
    this.#pumpIsDue = true;
    queueMicrotask(() => {
      this.#pumpIsDue = false;
      this.#pump();
    });
  }

  /** Ends it in good order: what was handed over is written out. Whoever calls this bounds how long that may take. */
  finish(reason: EndReason): void {
    if (this.#isOver) return;
    this.#isFinishing = true;
    this.sayGoodbye(reason);
    this.#socket.finish(reason);
  }

  /** Asks the other side to end it, if that is who sends: it alone can do so without losing what it has sent. */
  sayGoodbye(reason: EndReason): void {
    this.#socket.send(messageKind.goodbye, Buffer.from(reason));
  }

  end(reason: EndReason, detail = ''): void {
    this.#socket.end(reason, detail);
  }

  #pump(): void {
    const queue = this.#queue;
    if (queue === null || queue.length === 0 || this.#isOver || this.#isFinishing) return;
    this.#socket.together(() => {
      while (!this.#socket.isCongested) {
        const frame = queue.shift();
        if (frame === undefined) break;
        this.#socket.send(messageKind.frame, frame);
        this.#handlers.sent(frame.byteLength);
      }
    });
  }

  #hear(kind: number, payload: Uint8Array): void {
    switch (kind) {
      case messageKind.frame:
        this.#handlers.received(payload);
        break;
      case messageKind.ping:
        // Only to who reads: answers must not pile up before one who asks and does not.
        if (!this.#socket.isCongested) this.#socket.send(messageKind.pong);
        break;
      case messageKind.pong:
        break;
      case messageKind.goodbye:
        this.#socket.expect(endReasons.find((each) => each === Buffer.from(payload).toString()) ?? 'closed');
        this.#handlers.goodbye();
        break;
      default:
        this.#socket.end('malformed', `Message kind ${kind} is none that an open connection has.`);
    }
  }

  #lookLater(): void {
    this.#timer = this.#clock.setTimeout(() => this.#look(), this.#limits.pingMs);
  }

  /** Bytes that arrive, and bytes that leave after they had to wait, show that somebody is there. */
  #look(): void {
    const now = this.#clock.now();
    // It was this process that stood still: what has arrived in the meantime is not read yet.
    const stoodStill = now - this.#lookedMs > 2 * this.#limits.pingMs;
    this.#lookedMs = now;
    if (this.#socket.hasHeard || stoodStill) this.#heardMs = now;
    this.#socket.hasHeard = false;
    const silentMs = now - this.#heardMs;
    if (silentMs >= this.#limits.silenceMsMax) {
      this.#socket.end('silent', `Nothing was heard for ${Math.round(silentMs)} ms.`);
      return;
    }
    if (!this.#socket.isCongested) this.#socket.send(messageKind.ping);
    this.#lookLater();
  }

  #over(reason: EndReason, detail: string): void {
    this.#isOver = true;
    this.#clock.clearTimeout(this.#timer);
    this.#handlers.ended(reason, detail);
  }
}
