import { Random } from '../../src/ground/random.js';
import type { LinkPolicy } from '../../src/router/link-policy.js';
import { type Delivery, Network, type NetworkOptions } from '../../src/router/network.js';
import { VirtualClock } from './virtual-clock.js';

/** A frame that arrived: when, between whom, and the number it carries. */
export interface Arrival {
  readonly atMs: number;
  readonly from: number;
  readonly to: number;
  readonly number: number;
  readonly frame: Uint8Array;
}

type Bounds = Pick<NetworkOptions, 'queueMax' | 'queueBytesMax' | 'bytesMax'>;

/** A switchboard in virtual time, and a record of all that arrives. */
export class NetworkWorld {
  readonly clock = new VirtualClock();
  readonly network: Network;
  readonly arrivals: Arrival[] = [];
  /** What the receivers say to the next frames. */
  delivery: Delivery = 'delivered';

  constructor(link: Partial<LinkPolicy> = {}, seed = 1, bounds: Bounds = {}) {
    this.network = new Network({
      clock: this.clock,
      random: new Random(seed),
      link,
      ...bounds,
      deliver: (to, from, frame) => {
        const number = new DataView(frame.buffer, frame.byteOffset).getUint32(0);
        this.arrivals.push({ atMs: this.clock.now(), from, to, number, frame });
        return this.delivery;
      },
    });
  }

  send(from: number, to: number, number = 0, bytes = 4): Uint8Array {
    const frame = new Uint8Array(bytes);
    new DataView(frame.buffer).setUint32(0, number);
    this.network.send(from, to, frame);
    return frame;
  }

  /** Sends frames 0 … count - 1 from 0 to 1, one every `everyMs`, and waits until all have landed. */
  sendMany(count: number, everyMs: number): void {
    for (let number = 0; number < count; number++) {
      this.send(0, 1, number);
      if (everyMs > 0) this.clock.pass(everyMs);
    }
    this.clock.pass(60_000);
  }

  /** Who hears node `from` now, of nodes 0 … count - 1. */
  heardBy(from: number, count: number): number[] {
    this.arrivals.length = 0;
    for (let to = 0; to < count; to++) if (to !== from) this.send(from, to);
    return this.arrivals.map((arrival) => arrival.to);
  }
}
