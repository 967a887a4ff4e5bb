import type { MessagePort } from 'node:worker_threads';
import type { NodeId } from '../raft/entry.js';
import type { Direction, Gauge } from './gauge.js';

/** What passes between a node and the router: by turns the other node (receiver or sender), and a frame, unread. */
export type Envelopes = readonly (NodeId | Uint8Array)[];

/** Frames of at least this many bytes are handed over instead of copied. Measured: the two cost the same at 256. */
const transferBytesMin = 512;

/** Posts the frames of a turn together: waking the other thread costs more than what it is told. */
export class FrameSender {
  readonly #port: MessagePort;
  readonly #gauge: Gauge;
  readonly #direction: Direction;
  #envelopes: (NodeId | Uint8Array)[] = [];
  #handedOver: ArrayBuffer[] = [];

  constructor(port: MessagePort, gauge: Gauge, direction: Direction) {
    this.#port = port;
    this.#gauge = gauge;
    this.#direction = direction;
  }

  /**
   * Takes a frame, which belongs to the receiver from then on. Small ones are copied, large ones are handed over:
   * detaching memory costs more than copying little of it.
   * @returns false if the queue is full and the frame was dropped.
   */
  add(other: NodeId, frame: Uint8Array): boolean {
    if (!this.#gauge.tryEnter(this.#direction, frame.byteLength)) return false;
    // A view is posted with all the memory it looks at: make it its own first.
    const exact = frame.byteLength === frame.buffer.byteLength ? frame : new Uint8Array(frame);
    this.#envelopes.push(other, exact);
    if (exact.byteLength >= transferBytesMin) this.#handedOver.push(exact.buffer as ArrayBuffer);
    return true;
  }

  /** Posts what was added since the last time. */
  flush(): void {
    if (this.#envelopes.length === 0) return;
    this.#port.postMessage(this.#envelopes, this.#handedOver);
    this.#envelopes = [];
    this.#handedOver = [];
  }
}

/** Shows `handler` each frame, in order. */
export function receiveFrames(
  envelopes: Envelopes,
  handler: (other: NodeId, frame: Uint8Array) => void,
): void {
  for (let at = 0; at < envelopes.length; at += 2) {
    handler(envelopes[at] as NodeId, envelopes[at + 1] as Uint8Array);
  }
}
