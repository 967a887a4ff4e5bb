import type { MessagePort } from 'node:worker_threads';
import type { Transport } from '../node/ports.js';
import type { NodeId } from '../raft/entry.js';
import { Gauge } from './gauge.js';
import { type Envelope, postFrame } from './post-frame.js';

/**
 * A node's end of its line to the router. What arrives before `receive` waits in the port. Frames that find the
 * line full, or the router gone, are dropped, as a network would.
 */
export class PortTransport implements Transport {
  readonly #port: MessagePort;
  readonly #gauge: Gauge;

  /** @param gauge the memory that the router gave with the port. */
  constructor(port: MessagePort, gauge: SharedArrayBuffer) {
    this.#port = port;
    this.#gauge = new Gauge(gauge);
  }

  send(to: NodeId, frame: Uint8Array): void {
    postFrame(this.#port, this.#gauge, 'toRouter', to, frame);
  }

  receive(handler: (from: NodeId, frame: Uint8Array) => void): void {
    this.#port.on('message', ([from, frame]: Envelope) => {
      this.#gauge.leave('toNode', frame.byteLength);
      handler(from, frame);
    });
  }

  /** Frames dropped because the line to the router was full. */
  get dropped(): number {
    return this.#gauge.turnedAway('toRouter');
  }

  /** Hangs up: the router finds the node unreachable from then on. */
  close(): void {
    this.#port.close();
  }
}
