import { InvalidOptionError } from '../../../ground/errors.js';
import type { NodeId } from '../../../ground/ids.js';
import type { ClientCarrier, ClientCarrierHost, ClientLine, ClientLineHandlers } from '../client-carrier.js';
import { CarrierTally, emptyRemoteTally } from '../counters.js';
import { encodeGreeting, type Greeting, helloFrom, judgeWelcome, parseGreeting } from '../handshake.js';
import { unbounded } from '../lane-queue.js';
import { LogValve } from '../log-valve.js';
import { type CarrierIdentity, type CarrierLimits, limitsFrom, type NatsOptions } from '../options.js';
import { partyText } from '../party.js';
import { NatsBus } from './nats-bus.js';
import { NatsLine } from './nats-line.js';
import { Assembly, parsePart } from './parts.js';
import { type ClientTopic, everyMember, spokenOn, subjectOf, tokenOf } from './subjects.js';

/**
 * So many times as often as nodes among themselves clients show that they live: with each time the server tells if nobody
 * hears it, and that a node's process has ended is known nowhere else.
 */
const pingsEach = 4;

interface Known {
  readonly line: NatsLine<'ask'>;
  answered: Assembly;
  received: (frame: Uint8Array) => void;
}

/** A client's lines over a NATS server: to members that are found by their numbers, each on one connection to the bus. */
export class NatsClientCarrier implements ClientCarrier {
  readonly isAddressed = false;
  readonly #host: ClientCarrierHost;
  readonly #limits: CarrierLimits;
  readonly #self: string;
  readonly #servers: string;
  readonly #bus: NatsBus;
  readonly #tally = new CarrierTally();
  readonly #log: LogValve;
  readonly #known = new Map<NodeId, Known>();
  #identity: CarrierIdentity;
  #seekTimer: unknown;
  #isClosed = false;

  /** @param options checked. */
  constructor(options: NatsOptions, host: ClientCarrierHost) {
    const { clock, random } = host;
    const limits = limitsFrom(options.limits);
    this.#host = host;
    this.#limits = { ...limits, pingMs: Math.ceil(limits.pingMs / pingsEach) };
    this.#identity = options.identity;
    this.#servers = options.servers.join(', ');
    this.#self = tokenOf(options.identity.self);
    this.#log = new LogValve(clock, limits.eventsPerSecond, this.#tally, host.tell);
    const { self, incarnation } = options.identity;
    const name = `conclave ${self.cluster} ${partyText(self)}, client`;
    const subjects = [subjectOf(self.cluster, this.#self, '*', '*', incarnation)];
    this.#bus = new NatsBus(
      options,
      { name, subjects },
      { clock, random, limits },
      {
        heard: (subject, data) => this.#hear(subject, data),
        drained: () => {
          for (const { line } of this.#known.values()) line.pump();
        },
        failed: (detail) => this.#log.tell({ type: 'busError', detail }),
        lost: (detail) => {
          this.#log.tell({ type: 'busLost', detail });
          for (const { line } of this.#known.values()) line.end('closed', 'The bus was lost.');
        },
        found: (address) => {
          this.#log.tell({ type: 'busFound', address });
          for (const { line } of this.#known.values()) line.dial();
          this.#seek();
        },
      },
    );
  }

  open(): Promise<void> {
    return this.#bus.open();
  }

  adopt(clusterId: string): void {
    this.#identity = { ...this.#identity, clusterId };
  }

  /** Where a member is in other networks says nothing here, and does no harm. */
  requireAddress(_address: string): void {}

  introduce(address: string): void {
    throw new InvalidOptionError(`${address} is an address, and on a bus nodes are found by their numbers.`);
  }

  line(to: NodeId, handlers: ClientLineHandlers): ClientLine {
    const { clock, random } = this.#host;
    const about = { peer: `node ${to}`, lane: 'client', dialed: true, address: this.#servers } as const;
    const line = new NatsLine<'ask'>(
      {
        clock,
        random,
        limits: this.#limits,
        bounds: unbounded,
        buses: { ask: this.#bus },
        mayMiss: false,
        greet: (node, token) => this.#say(node, 'hello', this.#hello(node, token)),
        subject: (node, topic) => this.#subject(String(node), topic),
        nobody: (node) => this.#nobody(String(node)),
        opened: (_node, peer) => {
          known.answered = new Assembly(this.#limits.frameBytesMax);
          const { incarnation, version, clusterId } = peer;
          this.#log.tell({ type: 'connected', ...about, incarnation, version, clusterId });
          handlers.opened(peer);
        },
        ended: (node, token, reason, detail) => {
          this.#tally.ended[reason]++;
          this.#say(node, 'hello', { greeting: 'goodbye', token, reason, detail });
          this.#log.tell({ type: 'disconnected', ...about, reason, detail });
          handlers.ended();
          this.#seek();
        },
      },
      to,
      emptyRemoteTally(),
    );
    const received = handlers.received;
    const known: Known = { line, answered: new Assembly(this.#limits.frameBytesMax), received };
    this.#known.set(to, known);
    return {
      send: (frame) => line.send('ask', frame),
      setAddresses: () => {},
      forget: () => line.forget(),
      close: async () => {
        line.close();
        if (this.#known.get(to) === known) this.#known.delete(to);
      },
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#host.clock.clearTimeout(this.#seekTimer);
    for (const { line } of this.#known.values()) line.close();
    this.#known.clear();
    await this.#bus.close();
  }

  /** While it speaks with nobody: who is there? Whoever hears it answers, and tells of the others. */
  #seek(): void {
    const { clock } = this.#host;
    clock.clearTimeout(this.#seekTimer);
    if (this.#isClosed || [...this.#known.values()].some(({ line }) => line.peer !== null)) return;
    const hello = encodeGreeting(this.#hello(null, null));
    this.#bus.publish(this.#subject(everyMember, 'seek'), hello, this.#nobody(everyMember));
    this.#seekTimer = clock.setTimeout(() => this.#seek(), this.#limits.pingMs);
  }

  #hello(to: NodeId | null, token: number | null): Greeting {
    return helloFrom(this.#identity, { to, lane: 'client', advertise: null, token });
  }

  #say(to: NodeId, topic: ClientTopic, greeting: Greeting): void {
    this.#bus.publish(this.#subject(String(to), topic), encodeGreeting(greeting), this.#nobody(String(to)));
  }

  #subject(to: string, topic: ClientTopic): string {
    const { self, incarnation } = this.#identity;
    return subjectOf(self.cluster, to, this.#self, topic, incarnation);
  }

  /** Where the server tells that nobody hears what was said to a node. */
  #nobody(of: string): string {
    const { self, incarnation } = this.#identity;
    return subjectOf(self.cluster, this.#self, of, 'nobody', incarnation);
  }

  #hear(subject: string, data: Uint8Array): void {
    const spoken = spokenOn(subject);
    if (spoken?.sender.kind !== 'node') {
      if (subject === this.#nobody(everyMember)) this.#tellNobody();
      return;
    }
    const { sender, topic } = spoken;
    const known = this.#known.get(sender.node);
    if (topic === 'present') this.#hearPresent(sender.node, data);
    else if (topic === 'welcome') this.#hearGreeting(sender.node, data);
    else if (topic === 'nobody') known?.line.unanswered('No process of it is on the bus.');
    else if (topic === 'answer' && known !== undefined) this.#hearAnswer(known, data);
  }

  #hearAnswer(known: Known, data: Uint8Array): void {
    const part = parsePart(data);
    if (part === null || part.token !== known.line.token) {
      this.#tally.partsLost++;
      return;
    }
    const frame = known.answered.take(part);
    this.#tally.partsLost += known.answered.lost;
    if (known.answered.lost > 0) known.line.end('sequence', 'An answer was lost under way.');
    else if (frame !== null) known.received(frame);
  }

  #hearPresent(node: NodeId, data: Uint8Array): void {
    const said = parseGreeting(data);
    if (said?.greeting !== 'welcome' || said.toIncarnation !== this.#identity.incarnation) return;
    const { cluster } = this.#identity.self;
    const peer = judgeWelcome(said, this.#identity, { kind: 'node', cluster, node }, node);
    if (!('greeting' in peer)) this.#host.found(node, null);
  }

  #hearGreeting(node: NodeId, data: Uint8Array): void {
    const said = parseGreeting(data);
    const line = this.#known.get(node)?.line;
    if (said === null || said.greeting === 'hello') this.#tally.refused.malformed++;
    else if (said.greeting === 'refusal') {
      const { reason, detail } = said;
      this.#tally.refusedByOthers[reason]++;
      this.#log.tell({
        type: 'refused',
        byUs: false,
        reason,
        detail,
        address: this.#servers,
        peer: `node ${node}`,
      });
      line?.unanswered(detail);
    } else if (said.greeting === 'goodbye') {
      if (said.token === line?.token) line.end(said.reason, said.detail);
    } else if (said.toIncarnation === this.#identity.incarnation) {
      const { cluster } = this.#identity.self;
      const peer = judgeWelcome(said, this.#identity, { kind: 'node', cluster, node }, node);
      if (!('greeting' in peer)) line?.welcomed(peer, said.token);
      else {
        const { reason, detail } = peer;
        this.#tally.refused[reason]++;
        const from = { address: this.#servers, peer: `node ${node}` };
        this.#log.tell({ type: 'refused', byUs: true, reason, detail, ...from });
        line?.unanswered(detail);
      }
    }
  }

  #tellNobody(): void {
    const { cluster } = this.#identity.self;
    const detail = `No member of cluster ${cluster} is on the bus.`;
    this.#log.tell({ type: 'unreachable', peer: 'somebody', address: this.#servers, detail });
  }
}
