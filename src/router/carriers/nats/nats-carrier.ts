import { InvalidOptionError } from '../../../ground/errors.js';
import type { NodeId } from '../../../ground/ids.js';
import type { Carrier, CarrierHost } from '../carrier.js';
import { type CarrierCounters, CarrierTally, RemoteTallies } from '../counters.js';
import {
  encodeGreeting,
  type Greeting,
  type Hello,
  helloFrom,
  judgeHello,
  judgeWelcome,
  parseGreeting,
  type Refusal,
  refusal,
  type Welcome,
  welcomeFrom,
} from '../handshake.js';
import { isLane, type Lane, lanes } from '../lane.js';
import { Lives } from '../lives.js';
import { LogValve } from '../log-valve.js';
import {
  type CarrierIdentity,
  type CarrierLimits,
  limitsFrom,
  type NatsOptions,
  requireClusterId,
  requireRemote,
} from '../options.js';
import { type Party, partyText } from '../party.js';
import { NatsBus } from './nats-bus.js';
import { NatsLine } from './nats-line.js';
import { NatsSessions } from './nats-sessions.js';
import { parsePart } from './parts.js';

/**
 * Carries over a NATS server that is there already. Each node hears what is published to
 *
 *     conclave.CLUSTER.RECEIVER.SENDER.LANE      LANE is greet, control or bulk
 *
 * and publishes under its own number as the sender. That it may do so under no other is the server's to hold, by
 * its authorisation; what a frame says, the nodes' cipher authenticates. See docs/network.md.
 *
 * There are two connections to the bus, so that heartbeats do not wait behind bulk, and a handshake between any two
 * nodes, which is repeated so that each notices when the other is gone.
 */
export class NatsCarrier implements Carrier {
  readonly protection = 'bus';
  readonly #options: NatsOptions;
  readonly #host: CarrierHost;
  readonly #limits: CarrierLimits;
  readonly #self: NodeId;
  readonly #cluster: string;
  #identity: CarrierIdentity;
  readonly #servers: string;
  readonly #tally = new CarrierTally();
  readonly #tallies = new RemoteTallies();
  readonly #log: LogValve;
  readonly #lives = new Lives();
  readonly #sessions: NatsSessions;
  readonly #lines = new Map<NodeId, NatsLine>();
  readonly #buses: Readonly<Record<Lane, NatsBus>>;
  #isClosed = false;

  /** @param options checked. */
  constructor(options: NatsOptions, host: CarrierHost) {
    const { self } = options.identity;
    this.#options = options;
    this.#self = self.node;
    this.#cluster = options.identity.self.cluster;
    this.#identity = options.identity;
    this.#servers = options.servers.join(', ');
    this.#host = host;
    this.#limits = limitsFrom(options.limits);
    this.#log = new LogValve(host.clock, this.#limits.eventsPerSecond, this.#tally, host.tell);
    this.#sessions = new NatsSessions(host.random, this.#limits.frameBytesMax, this.#tally);
    const prefix = `conclave.${this.#cluster}.${this.#self}.*`;
    this.#buses = {
      control: this.#bus(options, 'control', [`${prefix}.greet`, `${prefix}.control`]),
      bulk: this.#bus(options, 'bulk', [`${prefix}.bulk`]),
    };
  }

  #bus(options: NatsOptions, lane: Lane, subjects: readonly string[]): NatsBus {
    const name = `conclave ${this.#cluster} node ${this.#self} ${lane}`;
    const { clock, random } = this.#host;
    const parts = { clock, random, limits: this.#limits };
    return new NatsBus(options, { name, subjects }, parts, {
      heard: (subject, data) => this.#hear(subject, data),
      drained: () => {
        for (const line of this.#lines.values()) line.pump();
      },
      failed: (detail) => this.#log.tell({ type: 'busError', detail }),
      lost: (detail) => {
        this.#log.tell({ type: 'busLost', detail: `${lane}: ${detail}` });
        for (const line of this.#lines.values()) line.end('closed', 'The bus was lost.');
      },
      found: (address) => {
        this.#log.tell({ type: 'busFound', address });
        for (const line of this.#lines.values()) {
          line.dial();
          line.pump();
        }
      },
    });
  }

  async open(): Promise<null> {
    await Promise.all(lanes.map((lane) => this.#buses[lane].open()));
    return null;
  }

  /** Addresses mean nothing here: a node is found by its number. */
  setRemote(node: NodeId, _addresses: readonly string[]): void {
    requireRemote(this.#options, node, []);
    if (this.#isClosed || this.#lines.has(node)) return;
    const { clock, random } = this.#host;
    const line = new NatsLine(
      {
        clock,
        random,
        limits: this.#limits,
        buses: this.#buses,
        greet: (to, token) => {
          const hello = helloFrom(this.#identity, { to, lane: 'control', advertise: null, token });
          this.#say(to, hello);
        },
        subject: (to, lane) => this.#subject(to, lane),
        opened: (to, peer) => {
          const { incarnation, version, clusterId } = peer;
          this.#log.tell({ type: 'connected', ...this.#about(to), incarnation, version, clusterId });
        },
        ended: (to, _peer, reason, detail) => {
          this.#tally.ended[reason]++;
          this.#log.tell({ type: 'disconnected', ...this.#about(to), reason, detail });
        },
      },
      node,
      this.#tallies.of(node),
    );
    this.#lines.set(node, line);
  }

  removeRemote(node: NodeId): void {
    this.#lines.get(node)?.close();
    this.#lines.delete(node);
    this.#sessions.forget(node);
  }

  introduce(_address: string): void {
    throw new InvalidOptionError('Nodes on a bus have no addresses. Name them by setRemote.');
  }

  send(to: NodeId, lane: Lane, frame: Uint8Array): boolean {
    const line = this.#lines.get(to);
    if (line === undefined) return false;
    if (frame.byteLength > this.#limits.frameBytesMax) this.#tallies.of(to).tooLarge++;
    else line.send(lane, frame);
    return true;
  }

  adopt(clusterId: string): void {
    requireClusterId(clusterId);
    this.#identity = { ...this.#identity, clusterId };
    this.#sessions.keepCluster(clusterId);
    for (const line of this.#lines.values()) {
      const theirs = line.peer?.clusterId ?? null;
      if (theirs !== null && theirs !== clusterId) line.end('renewed', 'It is of another cluster.');
    }
  }

  /** The library reads certificate files itself, whenever it connects. */
  async reload(): Promise<void> {}

  counters(): CarrierCounters {
    return {
      remotes: this.#tallies.snapshot(),
      connectionsOpen: [...this.#lines.values()].filter(({ peer }) => peer !== null).length,
      connectionsPending: 0,
      ...this.#tally.snapshot(),
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const line of this.#lines.values()) line.close();
    this.#lines.clear();
    await Promise.all(lanes.map((lane) => this.#buses[lane].close()));
  }

  #subject(to: NodeId, last: string): string {
    return `conclave.${this.#cluster}.${to}.${this.#self}.${last}`;
  }

  #say(to: NodeId, greeting: Greeting): void {
    this.#buses.control.publish(this.#subject(to, 'greet'), encodeGreeting(greeting));
  }

  /** For the log: both lanes are one acquaintance. */
  #about(to: NodeId) {
    return { peer: `node ${to}`, lane: 'control', dialed: true, address: this.#servers } as const;
  }

  #hear(subject: string, data: Uint8Array): void {
    const [, , , from, last] = subject.split('.');
    if (from === undefined || !/^(0|[1-9]\d{0,14})$/.test(from)) return;
    const sender = Number(from);
    if (last === 'greet') this.#hearGreeting(sender, data);
    else if (isLane(last)) this.#hearPart(sender, last, data);
  }

  #hearPart(sender: NodeId, lane: Lane, data: Uint8Array): void {
    const part = parsePart(data);
    const session = part === null ? undefined : this.#sessions.find(sender, part.token);
    if (part === null || session === undefined) {
      this.#tally.partsLost++;
      return;
    }
    const { incarnation } = session.peer;
    this.#noteLife(sender, incarnation);
    const frame = this.#sessions.take(session, lane, part);
    if (frame === null) return;
    const tally = this.#tallies.of(sender);
    tally.framesReceived++;
    tally.bytesReceived += frame.byteLength;
    this.#host.receive({ node: sender, incarnation, lane }, frame);
  }

  #hearGreeting(sender: NodeId, data: Uint8Array): void {
    const said = parseGreeting(data);
    const certified: Party = { kind: 'node', cluster: this.#cluster, node: sender };
    if (said === null) this.#note(refusal('malformed', 'What it said is no greeting.'), sender, true);
    else if (said.greeting === 'refusal') this.#note(said, sender, false);
    else if (said.greeting === 'hello') this.#answer(sender, certified, said);
    else this.#welcomed(sender, certified, said);
  }

  #answer(sender: NodeId, certified: Party, hello: Hello): void {
    // Deaf in one lane, it is not ready to be spoken to; it will be asked again.
    if (!lanes.every((lane) => this.#buses[lane].isUp)) return;
    const peer = judgeHello(hello, this.#identity, certified, lanes);
    if ('greeting' in peer) {
      this.#refuse(sender, peer);
      return;
    }
    if (this.#lives.isSuperseded(sender, peer.incarnation)) {
      this.#refuse(sender, refusal('superseded', `Another process has been node ${sender} since.`));
      return;
    }
    const session = this.#sessions.welcome(sender, peer, hello.token);
    // Who repeats what it was welcomed with lives now.
    if (hello.token === session.token) this.#noteLife(sender, peer.incarnation);
    this.#say(sender, welcomeFrom(this.#identity, peer, session.token));
    this.#lines.get(sender)?.dial();
  }

  #welcomed(sender: NodeId, certified: Party, welcome: Welcome): void {
    if (welcome.toIncarnation !== this.#identity.incarnation) return;
    const peer = judgeWelcome(welcome, this.#identity, certified, sender);
    if ('greeting' in peer) this.#refuse(sender, peer);
    else if (this.#lives.isSuperseded(sender, peer.incarnation)) {
      this.#refuse(sender, refusal('superseded', 'Another process has been this node since.'));
    } else this.#lines.get(sender)?.welcomed(peer, welcome.token);
  }

  #noteLife(node: NodeId, incarnation: number): void {
    if (!this.#lives.note(node, incarnation)) return;
    this.#host.tell({ type: 'restarted', node, incarnation });
    this.#sessions.keepOnly(node, incarnation);
    const line = this.#lines.get(node);
    if (line?.peer === null || line?.peer.incarnation === incarnation) return;
    line?.end('replaced', 'Another process is this node now.');
    line?.dial();
  }

  #refuse(sender: NodeId, because: Refusal): void {
    this.#note(because, sender, true);
    this.#say(sender, because);
  }

  #note({ reason, detail }: Refusal, sender: NodeId, byUs: boolean): void {
    (byUs ? this.#tally.refused : this.#tally.refusedByOthers)[reason]++;
    const peer = partyText({ kind: 'node', cluster: this.#cluster, node: sender });
    this.#log.tell({ type: 'refused', byUs, reason, detail, address: this.#servers, peer });
  }
}
