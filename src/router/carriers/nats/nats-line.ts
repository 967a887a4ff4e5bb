import { type Actor, createActor } from 'xstate';
import { type LinkEvent, linkMachine } from '../../../../machines/link.js';
import type { Clock } from '../../../ground/clock.js';
import type { NodeId } from '../../../ground/ids.js';
import type { Random } from '../../../ground/random.js';
import { backOffMs } from '../back-off.js';
import type { EndReason, RemoteTally } from '../counters.js';
import type { Peer } from '../handshake.js';
import { LaneQueue, type QueueLimits } from '../lane-queue.js';
import type { CarrierLimits } from '../options.js';
import type { NatsBus } from './nats-bus.js';
import { partsOf } from './parts.js';

export interface NatsLineHost<Lane extends string> {
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: CarrierLimits;
  /** Of what waits in each lane. */
  readonly bounds: QueueLimits;
  readonly buses: Readonly<Record<Lane, NatsBus>>;
  /** May what is lost under way be missing among what follows? If not, each loss begins anew. */
  readonly mayMiss: boolean;
  /** Says hello to the node, with the token that it welcomed us with. */
  readonly greet: (to: NodeId, token: number | null) => void;
  readonly subject: (to: NodeId, lane: Lane) => string;
  /** Where the bus tells if nobody hears what is said to the node, if that is of use. */
  readonly nobody?: (to: NodeId) => string;
  readonly opened: (to: NodeId, peer: Peer) => void;
  readonly ended: (to: NodeId, token: number, reason: EndReason, detail: string) => void;
}

/** How we were welcomed last. Where something may be missing, numbers go on after a loss of the bus. */
interface Acquaintance<Lane extends string> {
  readonly token: number;
  readonly numbers: Record<Lane, number>;
}

interface Open<Lane extends string> extends Acquaintance<Lane> {
  readonly peer: Peer;
  heardMs: number;
}

/** The way to one remote node over the bus: what waits for it, and whether it is there. */
export class NatsLine<Lane extends string> {
  readonly #host: NatsLineHost<Lane>;
  readonly #lanes: readonly Lane[];
  readonly #to: NodeId;
  readonly #tally: RemoteTally;
  readonly #queues: Readonly<Record<Lane, LaneQueue>>;
  readonly #chart: Actor<typeof linkMachine>;
  #acquaintance: Acquaintance<Lane> | null = null;
  #open: Open<Lane> | null = null;
  #opened = 0;
  #openedMs = 0;
  #failures = 0;
  #timer: unknown;
  #pumpIsDue = false;

  constructor(host: NatsLineHost<Lane>, to: NodeId, tally: RemoteTally) {
    this.#host = host;
    this.#lanes = Object.keys(host.buses) as Lane[];
    this.#to = to;
    this.#tally = tally;
    this.#queues = each(this.#lanes, () => new LaneQueue(host.bounds, host.clock, tally));
    this.#chart = createActor(this.#bind(), { clock: host.clock });
    this.#chart.start();
    this.dial();
  }

  /** What the node welcomed us with, while the line is open. */
  get token(): number | null {
    return this.#open?.token ?? null;
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
    const { buses, subject, nobody } = this.#host;
    for (const lane of this.#lanes) {
      const open = this.#open;
      const bus = buses[lane];
      while (open !== null && !bus.isFull) {
        const frame = this.#queues[lane].shift();
        if (frame === undefined) break;
        // One frame may exceed the room that is left: its parts belong together.
        for (const part of partsOf(frame, open.token, () => ++open.numbers[lane], bus.bytesMax)) {
          bus.publish(subject(this.#to, lane), part, nobody?.(this.#to));
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
    if (this.#acquaintance?.token !== token)
      this.#acquaintance = { token, numbers: each(this.#lanes, () => 0) };
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

  /** Says hello again, with what is new. */
  greet(): void {
    if (this.#open !== null) this.#host.greet(this.#to, this.#open.token);
  }

  /** It may be there now: says hello at once. */
  dial(): void {
    this.#say({ type: 'host.dial' });
  }

  /** Nobody heard what was said, or whoever did refuses: it is tried again later. */
  unanswered(detail: string): void {
    if (this.#open !== null) this.end('closed', detail);
    else if (this.#chart.getSnapshot().matches('dialing')) this.#say({ type: 'connection.ended' });
  }

  end(reason: EndReason, detail: string): void {
    const open = this.#open;
    if (open === null) return;
    this.#open = null;
    if (!this.#host.mayMiss) this.#acquaintance = null;
    this.#host.clock.clearTimeout(this.#timer);
    this.#host.ended(this.#to, open.token, reason, detail);
    this.#say({ type: 'connection.ended' });
  }

  /** Forgets what waits. */
  forget(): void {
    for (const lane of this.#lanes) this.#queues[lane].clear();
  }

  close(): void {
    this.forget();
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

function each<Lane extends string, Value>(lanes: readonly Lane[], make: () => Value): Record<Lane, Value> {
  return Object.fromEntries(lanes.map((lane) => [lane, make()])) as Record<Lane, Value>;
}
