import type { MessagePort } from 'node:worker_threads';
import type { Transport } from '../ground/transport.js';
import type { NodeId } from '../raft/entry.js';
import { type Envelopes, FrameSender, receiveFrames } from './frame-sender.js';
import { Gauge } from './gauge.js';

/**
 * A node's end of its line to the router. Frames leave together when they are flushed. What arrives before `receive`
 * waits in the port. Frames that find the line full, or the router gone, are dropped, as a network would.
 */
export class PortTransport implements Transport {
  readonly #port: MessagePort;
  readonly #gauge: Gauge;
  readonly #sender: FrameSender;

  /** @param gauge the memory that the router gave with the port. */
  constructor(port: MessagePort, gauge: SharedArrayBuffer) {
    this.#port = port;
    this.#gauge = new Gauge(gauge);
    this.#sender = new FrameSender(port, this.#gauge, 'toRouter');
  }

  send(to: NodeId, frame: Uint8Array): void {
    this.#sender.add(to, frame);
  }

  flush(): void {
    this.#sender.flush();
  }

  receive(handler: (from: NodeId, frame: Uint8Array) => void): void {
    this.#port.on('message', (envelopes: Envelopes) => {
      receiveFrames(envelopes, (from, frame) => {
        this.#gauge.leave('toNode', frame.byteLength);
        handler(from, frame);
      });
    });
  }

  /** Frames dropped because the line to the router was full. */
  get dropped(): number {
    return this.#gauge.turnedAway('toRouter');
  }

  /** Hangs up: the router finds the node unreachable from then on. What was sent before still leaves. */
  close(): void {
    this.flush();
    this.#port.close();
  }
}
