import type { MessagePort } from 'node:worker_threads';
import type { Transport } from '../ground/transport.js';
import type { NodeId } from '../raft/entry.js';
import { type DirectGrant, DirectLine, takesDirectLines } from './direct-line.js';
import { type Envelopes, FrameSender, receiveFrames } from './frame-sender.js';
import { Gauge } from './gauge.js';

/**
 * A node's end of its line to the router, and of the direct lines to other nodes that the router grants: a frame takes
 * one of those where it may. Frames leave together when they are flushed. What arrives before `receive` waits in the port.
 * Frames that find the line full, or the router gone, are dropped, as a network would.
 */
export class PortTransport implements Transport {
  readonly #port: MessagePort;
  readonly #gauge: Gauge;
  readonly #sender: FrameSender;
  readonly #direct = new Map<NodeId, DirectLine>();

  /** @param gauge the memory that the router gave with the port. */
  constructor(port: MessagePort, gauge: SharedArrayBuffer) {
    this.#port = port;
    this.#gauge = new Gauge(gauge);
    this.#sender = new FrameSender(port, this.#gauge, 'toRouter');
    port.postMessage(takesDirectLines);
    port.on('close', () => this.#hangUp());
  }

  send(to: NodeId, frame: Uint8Array): void {
    if (this.#direct.get(to)?.add(frame) !== true) this.#sender.add(to, frame);
  }

  flush(): void {
    this.#sender.flush();
    for (const line of this.#direct.values()) line.flush();
  }

  receive(handler: (from: NodeId, frame: Uint8Array) => void): void {
    this.#port.on('message', (said: Envelopes | DirectGrant) => {
      if ('peer' in said) {
        this.#take(said, handler);
        return;
      }
      receiveFrames(said, (from, frame) => {
        this.#gauge.leave('toNode', frame.byteLength);
        handler(from, frame);
      });
    });
  }

  /** A line to a node that has begun anew takes the place of the one before. */
  #take(grant: DirectGrant, handler: (from: NodeId, frame: Uint8Array) => void): void {
    const { peer } = grant;
    this.#direct.get(peer)?.close();
    const line = new DirectLine(
      grant,
      (frame) => handler(peer, frame),
      () => {
        if (this.#direct.get(peer) === line) this.#direct.delete(peer);
      },
    );
    this.#direct.set(peer, line);
  }

  #hangUp(): void {
    for (const line of this.#direct.values()) line.close();
    this.#direct.clear();
  }

  /** To whom there is a direct line, though it may be shut. */
  get neighbours(): NodeId[] {
    return [...this.#direct.keys()];
  }

  /** Frames dropped because the line to the router was full. */
  get dropped(): number {
    return this.#gauge.turnedAway('toRouter');
  }

  /** Hangs up: the router finds the node unreachable from then on. What was sent before still leaves. */
  close(): void {
    this.flush();
    this.#hangUp();
    this.#port.close();
  }
}
