import { type Actor, createActor } from 'xstate';
import { type LinkEvent, linkMachine } from '../../../../machines/link.js';
import type { Clock } from '../../../ground/clock.js';
import type { NodeId } from '../../../ground/ids.js';
import type { Random } from '../../../ground/random.js';
import { backOffMs } from '../back-off.js';
import type { EndReason, RemoteTally } from '../counters.js';
import type { Peer } from '../handshake.js';
import { type Lane, lanes } from '../lane.js';
import { LaneQueue } from '../lane-queue.js';
import type { CarrierLimits } from '../options.js';
import type { NatsBus } from './nats-bus.js';
import { partsOf } from './parts.js';

export interface NatsLineHost {
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: CarrierLimits;
  readonly buses: Readonly<Record<Lane, NatsBus>>;
  /** Says hello to the node, with the token that it welcomed us with. */
  readonly greet: (to: NodeId, token: number | null) => void;
  readonly subject: (to: NodeId, lane: Lane) => string;
  readonly opened: (to: NodeId, peer: Peer) => void;
  readonly ended: (to: NodeId, peer: Peer, reason: EndReason, detail: string) => void;
}

/** How we were welcomed last. It outlives a loss of the bus: over there, numbers go on from where they were. */
interface Acquaintance {
  readonly token: number;
  readonly numbers: Record<Lane, number>;
}

interface Open extends Acquaintance {
  readonly peer: Peer;
  heardMs: number;
}

/** The way to one remote node over the bus: what waits for it, and whether it is there. */
export class NatsLine {
  readonly #host: NatsLineHost;
  readonly #to: NodeId;
  readonly #tally: RemoteTally;
  readonly #queues: Readonly<Record<Lane, LaneQueue>>;
  readonly #chart: Actor<typeof linkMachine>;
  #acquaintance: Acquaintance | null = null;
  #open: Open | null = null;
  #opened = 0;
  #openedMs = 0;
  #failures = 0;
  #timer: unknown;
  #pumpIsDue = false;

  constructor(host: NatsLineHost, to: NodeId, tally: RemoteTally) {
    this.#host = host;
    this.#to = to;
    this.#tally = tally;
    const queue = () => new LaneQueue(host.limits, host.clock, tally);
    this.#queues = { control: queue(), bulk: queue() };
    this.#chart = createActor(this.#bind(), { clock: host.clock });
    this.#chart.start();
    this.dial();
  }

  /** Who is there, while it is known. */
  get peer(): Peer | null {
    return this.#open?.peer ?? null;
  }

  send(lane: Lane, frame: Uint8Array): void {
    this.#queues[lane].push(frame);
    if (this.#pumpIsDue || this.#open === null) return;
    this.#pumpIsDue = true;
    queueMicrotask(() => {
      this.#pumpIsDue = false;
      this.pump();
    });
  }

  /** Publishes what waits, as far as there is room on the bus. */
  pump(): void {
    const { buses, subject } = this.#host;
    for (const lane of lanes) {
      const open = this.#open;
      const bus = buses[lane];
      while (open !== null && !bus.isFull) {
        const frame = this.#queues[lane].shift();
        if (frame === undefined) break;
        // One frame may exceed the room that is left: its parts belong together.
        for (const part of partsOf(frame, open.token, () => ++open.numbers[lane], bus.bytesMax)) {
          bus.publish(subject(this.#to, lane), part);
        }
        this.#tally.framesSent++;
        this.#tally.bytesSent += frame.byteLength;
      }
    }
  }

  /** The node has welcomed us, or said so again. Another token is another acquaintance: numbers begin anew. */
  welcomed(peer: Peer, token: number): void {
    if (this.#open?.token === token) {
      this.#open.heardMs = this.#host.clock.now();
      return;
    }
    if (this.#open !== null) this.end('replaced', 'It knew us no more, and has welcomed us anew.');
    if (this.#acquaintance?.token !== token) this.#acquaintance = { token, numbers: { control: 0, bulk: 0 } };
    const now = this.#host.clock.now();
    this.#openedMs = now;
    this.#open = { ...this.#acquaintance, peer, heardMs: now };
    this.#tally.connections++;
    if (this.#opened++ > 0) this.#tally.reconnections++;
    this.#host.opened(this.#to, peer);
    this.#say({ type: 'peer.welcomed' });
    // Repeating the token shows that it is a living process that speaks.
    this.#host.greet(this.#to, token);
    this.#lookLater();
  }

  /** It may be there now: says hello at once. */
  dial(): void {
    this.#say({ type: 'host.dial' });
  }

  end(reason: EndReason, detail: string): void {
    const open = this.#open;
    if (open === null) return;
    this.#open = null;
    this.#host.clock.clearTimeout(this.#timer);
    this.#host.ended(this.#to, open.peer, reason, detail);
    this.#say({ type: 'connection.ended' });
  }

  close(): void {
    for (const lane of lanes) this.#queues[lane].clear();
    this.end('shutdown', '');
    this.#say({ type: 'host.close' });
  }

  #say(event: LinkEvent): void {
    if (this.#chart.getSnapshot().status === 'active') this.#chart.send(event);
  }

  #lookLater(): void {
    const { clock, limits, greet } = this.#host;
    this.#timer = clock.setTimeout(() => {
      const open = this.#open;
      if (open === null) return;
      const silentMs = clock.now() - open.heardMs;
      if (silentMs >= limits.silenceMsMax) {
        this.end('silent', `Nothing was heard for ${Math.round(silentMs)} ms.`);
        return;
      }
      greet(this.#to, open.token);
      this.#lookLater();
    }, limits.pingMs);
  }

  #bind(): typeof linkMachine {
    const { limits, clock, random } = this.#host;
    return linkMachine.provide({
      guards: { isProven: () => clock.now() - this.#openedMs >= limits.provenMs },
      actions: {
        dial: () => this.#host.greet(this.#to, this.#acquaintance?.token ?? null),
        carry: () => this.pump(),
        noteFailure: () => {
          this.#failures++;
        },
        forgetFailures: () => {
          this.#failures = 0;
        },
        // A bus has no connection between the two that could be abandoned, finished or hung up.
        abandon: () => {},
        tellSilence: () => {},
        finish: () => {},
        hangUp: () => {},
      },
      delays: {
        dialTimeout: limits.pingMs,
        provenTime: limits.provenMs,
        backOff: () => backOffMs(limits, this.#failures, random),
        finishTimeout: 0,
      },
    });
  }
}
