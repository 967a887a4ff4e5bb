import type { Clock } from '../../../ground/clock.js';
import type { Random } from '../../../ground/random.js';
import type { ClientGuest } from '../carrier.js';
import { type CarrierTally, type EndReason, emptyRemoteTally } from '../counters.js';
import {
  encodeGreeting,
  type Greeting,
  type Hello,
  judgeHello,
  type Peer,
  parseGreeting,
  type Refusal,
  refusal,
  welcomeFrom,
} from '../handshake.js';
import { LaneQueue } from '../lane-queue.js';
import type { LogValve } from '../log-valve.js';
import { membersFrameOf, type Whereabouts } from '../members-frame.js';
import type { CarrierIdentity, CarrierLimits } from '../options.js';
import { type Party, partyText } from '../party.js';
import type { NatsBus } from './nats-bus.js';
import { Assembly, parsePart, partsOf } from './parts.js';
import type { AnswerTopic } from './subjects.js';

/** What may wait for one client, of what may wait for a node. */
const clientShare = 4;

export interface NatsDeskHost {
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: CarrierLimits;
  readonly tally: CarrierTally;
  readonly log: LogValve;
  readonly bus: NatsBus;
  /** The servers, for the log. */
  readonly address: string;
  readonly identity: () => CarrierIdentity;
  readonly subject: (to: Party, topic: AnswerTopic, life: number) => string;
  readonly members: () => Whereabouts;
  /** Takes a client that was let in. */
  readonly admit: (guest: ClientGuest) => void;
}

/**
 * A node's clients on the bus. A client says hello until it is welcomed, repeats the token that it was welcomed with,
 * which lets it in, and goes on repeating it, which shows that it lives. Of what it asks nothing may be missing: a gap
 * ends its line, and it begins anew.
 */
export class NatsDesk {
  readonly #host: NatsDeskHost;
  readonly #guests = new Map<string, Guest>();
  #timer: unknown;

  constructor(host: NatsDeskHost) {
    this.#host = host;
    this.#lookLater();
  }

  /** Somebody asks who is there. */
  hearSeek(sender: Party, life: number, data: Uint8Array): void {
    const hello = this.#helloIn(sender, life, data);
    const peer = hello === null ? null : this.#judged(sender, life, hello);
    if (peer !== null) this.#say(sender, 'present', life, welcomeFrom(this.#host.identity(), peer, 0));
  }

  hearHello(sender: Party, life: number, data: Uint8Array): void {
    const said = parseGreeting(data);
    const known = this.#guests.get(keyOf(sender, life));
    if (said?.greeting === 'goodbye') {
      if (said.token === known?.token) known.over('shutdown', said.detail);
      return;
    }
    const hello = this.#helloIn(sender, life, data);
    const peer = hello === null ? null : this.#judged(sender, life, hello);
    if (hello === null || peer === null) return;
    if (known?.token === hello.token) known.confirm();
    // Two hellos may be under way; and who was let in and knows its token no more begins anew.
    const isExpected = known !== undefined && (known.token === hello.token || !known.isLetIn);
    const guest = isExpected ? known : this.#welcome(sender, life, peer);
    if (guest !== null) {
      this.#say(sender, 'welcome', life, welcomeFrom(this.#host.identity(), peer, guest.token));
    }
  }

  hearAsk(sender: Party, life: number, data: Uint8Array): void {
    const part = parsePart(data);
    const guest = this.#guests.get(keyOf(sender, life));
    if (part === null || guest === undefined || guest.token !== part.token) this.#host.tally.partsLost++;
    else guest.take(part);
  }

  /** The members have changed. */
  tellMembers(): void {
    for (const guest of [...this.#guests.values()]) if (guest.isLetIn) guest.tellMembers();
  }

  /** There is room on the bus. */
  pump(): void {
    for (const guest of [...this.#guests.values()]) guest.pump();
  }

  /** What was under way is lost: everybody begins anew. */
  endAll(reason: EndReason, detail: string): void {
    for (const guest of [...this.#guests.values()]) guest.end(reason, detail);
  }

  get open(): number {
    return [...this.#guests.values()].filter(({ isLetIn }) => isLetIn).length;
  }

  close(): void {
    this.#host.clock.clearTimeout(this.#timer);
    this.endAll('shutdown', 'The node ends.');
  }

  #welcome(sender: Party, life: number, peer: Peer): Guest | null {
    const { limits } = this.#host;
    const key = keyOf(sender, life);
    this.#guests.get(key)?.end('replaced', 'It has begun anew.');
    const unknown = [...this.#guests.values()].filter(({ isLetIn }) => !isLetIn);
    if (unknown.length >= limits.pendingMax) unknown[0]?.over('replaced', 'There were too many.');
    if (this.#guests.size - unknown.length >= limits.clientsMax) {
      this.#refuse(sender, life, refusal('full', `There are ${limits.clientsMax} clients already.`));
      return null;
    }
    const guest = new Guest(this.#host, sender, life, peer, (greeting) => {
      if (this.#guests.get(key) === guest) this.#guests.delete(key);
      if (greeting !== null) this.#say(sender, 'welcome', life, greeting);
    });
    this.#guests.set(key, guest);
    return guest;
  }

  #helloIn(sender: Party, life: number, data: Uint8Array): Hello | null {
    const said = parseGreeting(data);
    if (said?.greeting === 'hello' && said.incarnation === life) return said;
    this.#refuse(sender, life, refusal('malformed', 'What it said is no hello of its own.'));
    return null;
  }

  #judged(sender: Party, life: number, hello: Hello): Peer | null {
    const peer = judgeHello(hello, this.#host.identity(), sender, ['client']);
    if (!('greeting' in peer)) return peer;
    this.#refuse(sender, life, peer);
    return null;
  }

  #refuse(sender: Party, life: number, because: Refusal): void {
    const { tally, log, address } = this.#host;
    const { reason, detail } = because;
    tally.refused[reason]++;
    log.tell({ type: 'refused', byUs: true, reason, detail, address, peer: partyText(sender) });
    this.#say(sender, 'welcome', life, because);
  }

  #say(to: Party, topic: AnswerTopic, life: number, greeting: Greeting): void {
    this.#host.bus.publish(this.#host.subject(to, topic, life), encodeGreeting(greeting));
  }

  #lookLater(): void {
    const { clock, limits } = this.#host;
    this.#timer = clock.setTimeout(() => {
      const sinceMs = clock.now() - limits.silenceMsMax;
      for (const guest of [...this.#guests.values()]) {
        if (guest.heardMs <= sinceMs) guest.end('silent', 'Nothing was heard of it for too long.');
      }
      this.#lookLater();
    }, limits.pingMs);
  }
}

/** A client, or one that may become one. */
class Guest implements ClientGuest {
  readonly party: Party;
  readonly token: number;
  heard: (frame: Uint8Array) => void = () => {};
  ended: () => void = () => {};
  heardMs: number;
  isLetIn = false;
  readonly #host: NatsDeskHost;
  readonly #life: number;
  readonly #peer: Peer;
  readonly #gone: (goodbye: Greeting | null) => void;
  readonly #asked: Assembly;
  readonly #tally = emptyRemoteTally();
  readonly #queue: LaneQueue;
  #number = 0;
  #pumpIsDue = false;
  #isOver = false;

  constructor(
    host: NatsDeskHost,
    party: Party,
    life: number,
    peer: Peer,
    gone: (goodbye: Greeting | null) => void,
  ) {
    const { limits, clock, random } = host;
    this.#host = host;
    this.party = party;
    this.#life = life;
    this.#peer = peer;
    this.#gone = gone;
    this.token = random.uint32();
    this.heardMs = clock.now();
    this.#asked = new Assembly(limits.frameBytesMax);
    const queueBytesMax = Math.ceil(limits.queueBytesMax / clientShare);
    // Nobody waits for a stale answer, but nobody may miss one either: who is too slow is sent away instead.
    const bounds = { ...limits, waitMsMax: Number.MAX_SAFE_INTEGER, queueBytesMax };
    this.#queue = new LaneQueue(bounds, clock, this.#tally);
  }

  /** It has shown that it heard its welcome. */
  confirm(): void {
    this.heardMs = this.#host.clock.now();
    if (this.isLetIn) return;
    this.isLetIn = true;
    const { incarnation, version, clusterId } = this.#peer;
    this.#host.log.tell({ type: 'connected', ...this.#about, incarnation, version, clusterId });
    this.#host.admit(this);
    this.tellMembers();
  }

  take(part: Parameters<Assembly['take']>[0]): void {
    this.confirm();
    const frame = this.#asked.take(part);
    this.#host.tally.partsLost += this.#asked.lost;
    if (this.#asked.lost > 0) this.end('sequence', 'Something that it asked was lost under way.');
    else if (frame !== null) this.heard(frame);
  }

  tellMembers(): void {
    this.send(membersFrameOf(this.#host.members()));
  }

  send(frame: Uint8Array): void {
    if (this.#isOver) return;
    this.#queue.push(frame);
    if (this.#tally.overflowed > 0) {
      this.end('overloaded', 'It reads its answers too slowly.');
      return;
    }
    if (this.#pumpIsDue) return;
    this.#pumpIsDue = true;
    queueMicrotask(() => {
      this.#pumpIsDue = false;
      this.pump();
    });
  }

  pump(): void {
    const { bus, subject } = this.#host;
    const to = subject(this.party, 'answer', this.#life);
    while (!this.#isOver && !bus.isFull) {
      const frame = this.#queue.shift();
      if (frame === undefined) return;
      for (const part of partsOf(frame, this.token, () => ++this.#number, bus.bytesMax))
        bus.publish(to, part);
    }
  }

  end(reason: EndReason, detail: string): void {
    this.#finish(reason, detail, { greeting: 'goodbye', token: this.token, reason, detail });
  }

  /** It has said itself that it goes, or was never let in. */
  over(reason: EndReason, detail: string): void {
    this.#finish(reason, detail, null);
  }

  #finish(reason: EndReason, detail: string, goodbye: Greeting | null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#queue.clear();
    this.#gone(goodbye);
    if (!this.isLetIn) return;
    this.#host.tally.ended[reason]++;
    this.#host.log.tell({ type: 'disconnected', ...this.#about, reason, detail });
    this.ended();
  }

  get #about() {
    const { address } = this.#host;
    return { peer: partyText(this.party), lane: 'client', dialed: false, address } as const;
  }
}

function keyOf(sender: Party, life: number): string {
  return `${partyText(sender)} ${life}`;
}
