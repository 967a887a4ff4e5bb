import { SystemClock } from '../../../src/ground/clock.js';
import { Random } from '../../../src/ground/random.js';
import type { Carrier, ClientGuest, Sender } from '../../../src/router/carriers/carrier.js';
import type { CarrierCounters, RemoteCounters } from '../../../src/router/carriers/counters.js';
import { createCarrier } from '../../../src/router/carriers/create-carrier.js';
import type { CarrierEvent } from '../../../src/router/carriers/events.js';
import type { Lane } from '../../../src/router/carriers/lane.js';
import type { CarrierLimits, CarrierOptions } from '../../../src/router/carriers/options.js';

export interface Arrival {
  readonly from: Sender;
  readonly frame: Uint8Array;
}

/** Bounds at which a test need not wait long. */
export const briskLimits: Partial<CarrierLimits> = {
  handshakeMsMax: 1500,
  pingMs: 100,
  silenceMsMax: 600,
  backOffMsMin: 10,
  backOffMsMax: 100,
  provenMs: 300,
  renewMsMax: 200,
  closeMsMax: 500,
};

/** A carrier in a test: all that it was handed and told, and ways to wait for more. */
export class CarrierPeer {
  readonly carrier: Carrier;
  readonly arrivals: Arrival[] = [];
  readonly events: CarrierEvent[] = [];
  readonly #waiting = new Set<() => void>();
  /** Where it listens. */
  address = '';
  opened: (address: string) => void = () => {};

  /** @param client takes clients that are let in. */
  constructor(options: CarrierOptions, client?: (guest: ClientGuest) => void) {
    this.carrier = createCarrier(options, {
      clock: new SystemClock(),
      random: new Random(options.identity.incarnation),
      receive: (from, frame) => {
        this.arrivals.push({ from, frame });
        this.#wake();
      },
      ...(client === undefined ? {} : { client }),
      tell: (event) => {
        this.events.push(event);
        this.#wake();
      },
    });
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }

  async open(): Promise<this> {
    this.address = (await this.carrier.open()) ?? '';
    this.opened(this.address);
    return this;
  }

  /** Waits until it holds; looked at after each arrival and event, and now and then. */
  async until(what: string, holds: () => boolean, timeoutMs = 10_000): Promise<void> {
    const endMs = performance.now() + timeoutMs;
    while (!holds()) {
      if (performance.now() > endMs) {
        const last = JSON.stringify(this.events.slice(-5));
        throw new Error(`Waited ${timeoutMs} ms for ${what}. ${this.arrivals.length} frames; ${last}`);
      }
      await new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          this.#waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, 10);
        this.#waiting.add(wake);
      });
    }
  }

  async heard(count: number): Promise<Arrival[]> {
    await this.until(`${count} frames`, () => this.arrivals.length >= count);
    return this.arrivals;
  }

  async told<Type extends CarrierEvent['type']>(
    type: Type,
    matches: (event: Extract<CarrierEvent, { type: Type }>) => boolean = () => true,
  ): Promise<Extract<CarrierEvent, { type: Type }>> {
    const find = () =>
      this.events.find(
        (event): event is Extract<CarrierEvent, { type: Type }> =>
          event.type === type && matches(event as Extract<CarrierEvent, { type: Type }>),
      );
    await this.until(`the event ${type}`, () => find() !== undefined);
    return find()!;
  }

  send(to: number, text: string, lane: Lane = 'control'): boolean {
    return this.carrier.send(to, lane, Buffer.from(text));
  }

  /** Sends until the other side has heard it, and everything that was sent meanwhile. */
  async reach(other: CarrierPeer, node: number, text: string): Promise<void> {
    await this.#insist(other, node, text);
    const last = `${text} (and no more)`;
    await this.#insist(other, node, last);
    const kept = other.arrivals.filter(({ frame }) => Buffer.from(frame).toString() !== last);
    other.arrivals.splice(0, other.arrivals.length, ...kept);
  }

  async #insist(other: CarrierPeer, node: number, text: string): Promise<void> {
    const endMs = performance.now() + 10_000;
    for (let waitMs = 20; !other.texts.includes(text); waitMs *= 2) {
      if (performance.now() > endMs) {
        throw new Error(`"${text}" never arrived. ${JSON.stringify(this.events.slice(-5))}`);
      }
      this.send(node, text);
      await other.until('it', () => other.texts.includes(text), Math.min(waitMs, 1000)).catch(() => {});
    }
  }

  get texts(): string[] {
    return this.arrivals.map(({ frame }) => Buffer.from(frame).toString());
  }

  get counters(): CarrierCounters {
    return this.carrier.counters();
  }

  remote(node: number): RemoteCounters {
    return this.counters.remotes.find((each) => each.node === node)!;
  }

  close(): Promise<void> {
    return this.carrier.close();
  }
}
