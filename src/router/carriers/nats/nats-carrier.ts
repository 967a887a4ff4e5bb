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
  type Peer,
  parseGreeting,
  type Refusal,
  refusal,
  type Welcome,
  welcomeFrom,
} from '../handshake.js';
import { isLane, type Lane, lanes, type Way } from '../lane.js';
import { Lives } from '../lives.js';
import { LogValve } from '../log-valve.js';
import type { Whereabouts } from '../members-frame.js';
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
import { NatsDesk } from './nats-desk.js';
import { NatsLine } from './nats-line.js';
import { NatsSessions } from './nats-sessions.js';
import { parsePart } from './parts.js';
import { everyMember, type NodeTopic, spokenOn, subjectOf, tokenOf } from './subjects.js';

/**
 * Carries over a NATS server that is there already, on the subjects of `subjects.ts`. That a node publishes under its own
 * number alone is the server's to hold, by its authorisation; what a frame says, the nodes' cipher authenticates. See
 * docs/network.md.
 *
 * There are two connections to the bus, so that heartbeats do not wait behind bulk, and one more for clients where they
 * are let in; and a handshake between any two nodes, which is repeated so that each notices when the other is gone.
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
  readonly #lines = new Map<NodeId, NatsLine<Lane>>();
  readonly #buses: Readonly<Record<Lane, NatsBus>>;
  readonly #clientBus: NatsBus | null;
  readonly #desk: NatsDesk | null;
  #isClosed = false;

  /** @param options checked, of the node. */
  constructor(options: NatsOptions, self: NodeId, host: CarrierHost) {
    this.#options = options;
    this.#self = self;
    this.#cluster = options.identity.self.cluster;
    this.#identity = options.identity;
    this.#servers = options.servers.join(', ');
    this.#host = host;
    this.#limits = limitsFrom(options.limits);
    this.#log = new LogValve(host.clock, this.#limits.eventsPerSecond, this.#tally, host.tell);
    this.#sessions = new NatsSessions(host.random, this.#limits.frameBytesMax, this.#tally);
    const subject = (topic: NodeTopic) => subjectOf(this.#cluster, String(self), '*', topic);
    this.#buses = {
      control: this.#bus('control', [subject('greet'), subject('control')]),
      bulk: this.#bus('bulk', [subject('bulk')]),
    };
    const { client } = host;
    const areClientsLetIn = options.clients === true && client !== undefined;
    this.#clientBus = areClientsLetIn
      ? this.#bus('client', [
          subjectOf(this.#cluster, everyMember, '*', 'seek', '*'),
          subjectOf(this.#cluster, String(self), '*', 'hello', '*'),
          subjectOf(this.#cluster, String(self), '*', 'ask', '*'),
        ])
      : null;
    this.#desk =
      this.#clientBus === null || client === undefined ? null : this.#openDesk(this.#clientBus, client);
  }

  #openDesk(bus: NatsBus, admit: NonNullable<CarrierHost['client']>): NatsDesk {
    const { clock, random } = this.#host;
    return new NatsDesk({
      clock,
      random,
      limits: this.#limits,
      tally: this.#tally,
      log: this.#log,
      bus,
      address: this.#servers,
      identity: () => this.#identity,
      subject: (to, topic, life) => subjectOf(this.#cluster, tokenOf(to), String(this.#self), topic, life),
      members: () => this.#members(),
      admit,
    });
  }

  #members(): Whereabouts {
    return [this.#self, ...this.#lines.keys()].map((node) => [node, []]);
  }

  #bus(way: Way, subjects: readonly string[]): NatsBus {
    const name = `conclave ${this.#cluster} node ${this.#self} ${way}`;
    const { clock, random } = this.#host;
    const parts = { clock, random, limits: this.#limits };
    return new NatsBus(this.#options, { name, subjects }, parts, {
      heard: (subject, data) => this.#hear(subject, data),
      drained: () => (way === 'client' ? this.#desk?.pump() : this.#pump()),
      failed: (detail) => this.#log.tell({ type: 'busError', detail }),
      lost: (detail) => {
        this.#log.tell({ type: 'busLost', detail: `${way}: ${detail}` });
        if (way === 'client') this.#desk?.endAll('closed', 'The bus was lost.');
        else for (const line of this.#lines.values()) line.end('closed', 'The bus was lost.');
      },
      found: (address) => {
        this.#log.tell({ type: 'busFound', address });
        if (way === 'client') return;
        for (const line of this.#lines.values()) line.dial();
        this.#pump();
      },
    });
  }

  #pump(): void {
    for (const line of this.#lines.values()) line.pump();
  }

  async open(): Promise<null> {
    await Promise.all(this.#allBuses.map((bus) => bus.open()));
    return null;
  }

  get #allBuses(): NatsBus[] {
    const ofNodes = lanes.map((lane) => this.#buses[lane]);
    return this.#clientBus === null ? ofNodes : [...ofNodes, this.#clientBus];
  }

  /** Addresses mean nothing here: a node is found by its number. */
  setRemote(node: NodeId, _addresses: readonly string[]): void {
    requireRemote(this.#options, node, []);
    if (this.#isClosed || this.#lines.has(node)) return;
    const { clock, random } = this.#host;
    const line = new NatsLine<Lane>(
      {
        clock,
        random,
        limits: this.#limits,
        bounds: this.#limits,
        buses: this.#buses,
        mayMiss: true,
        greet: (to, token) => {
          const hello = helloFrom(this.#identity, { to, lane: 'control', advertise: null, token });
          this.#say(to, hello);
        },
        subject: (to, lane) => this.#subject(to, lane),
        opened: (to, peer) => {
          const { incarnation, version, clusterId } = peer;
          this.#log.tell({ type: 'connected', ...this.#about(to), incarnation, version, clusterId });
        },
        ended: (to, _token, reason, detail) => {
          this.#tally.ended[reason]++;
          this.#log.tell({ type: 'disconnected', ...this.#about(to), reason, detail });
        },
      },
      node,
      this.#tallies.of(node),
    );
    this.#lines.set(node, line);
    // It may have come before it was named.
    for (const peer of this.#sessions.confirmedOf(node)) this.#noteMember(peer);
    this.#desk?.tellMembers();
  }

  removeRemote(node: NodeId): void {
    this.#lines.get(node)?.close();
    this.#lines.delete(node);
    this.#sessions.forget(node);
    // One that bears its number later begins with nothing, and may.
    const former = (this.#identity.former ?? []).filter((each) => each !== node);
    this.#identity = { ...this.#identity, former };
    this.#desk?.tellMembers();
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
      // The others are to hear that this side knows it.
      else line.greet();
    }
    // Who came before the id was known here, and knew it, could not be noted then.
    for (const peer of this.#sessions.confirmed()) this.#noteMember(peer);
  }

  /** The library reads certificate files itself, whenever it connects. */
  async reload(): Promise<void> {}

  counters(): CarrierCounters {
    return {
      remotes: this.#tallies.snapshot(),
      connectionsOpen:
        [...this.#lines.values()].filter(({ peer }) => peer !== null).length + (this.#desk?.open ?? 0),
      connectionsPending: 0,
      ...this.#tally.snapshot(),
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const line of this.#lines.values()) line.close();
    this.#lines.clear();
    this.#desk?.close();
    await Promise.all(this.#allBuses.map((bus) => bus.close()));
  }

  #subject(to: NodeId, topic: NodeTopic): string {
    return subjectOf(this.#cluster, String(to), String(this.#self), topic);
  }

  #say(to: NodeId, greeting: Greeting): void {
    this.#buses.control.publish(this.#subject(to, 'greet'), encodeGreeting(greeting));
  }

  /** For the log: both lanes are one acquaintance. */
  #about(to: NodeId) {
    return { peer: `node ${to}`, lane: 'control', dialed: true, address: this.#servers } as const;
  }

  #hear(subject: string, data: Uint8Array): void {
    const spoken = spokenOn(subject);
    if (spoken === null) return;
    const { sender, topic, life } = spoken;
    if (life !== null) {
      if (topic === 'seek') this.#desk?.hearSeek(sender, life, data);
      else if (topic === 'hello') this.#desk?.hearHello(sender, life, data);
      else if (topic === 'ask') this.#desk?.hearAsk(sender, life, data);
    } else if (sender.kind === 'node') {
      if (topic === 'greet') this.#hearGreeting(sender.node, data);
      else if (isLane(topic)) this.#hearPart(sender.node, topic, data);
    }
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
    if (said === null || said.greeting === 'goodbye') {
      this.#note(refusal('malformed', 'What it said is no greeting of a node.'), sender, true);
    } else if (said.greeting === 'refusal') this.#note(said, sender, false);
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
    // Who repeats what it was welcomed with lives now, and found nothing against this side.
    if (hello.token === session.token) {
      this.#noteLife(sender, peer.incarnation);
      if (this.#sessions.confirm(session, peer)) {
        this.#noteMember(peer);
        // One that is not named speaks, and is to be answered if it is of the cluster. Where it is its number says.
        if (!this.#lines.has(sender)) this.#host.tell({ type: 'advertised', node: sender, address: '' });
      }
    }
    this.#say(sender, welcomeFrom(this.#identity, peer, session.token));
    this.#lines.get(sender)?.dial();
  }

  /** A member that knows the cluster's id has data here to keep. One that is named later is noted then. */
  #noteMember({ party, clusterId }: Peer): void {
    const { former = [], clusterId: own } = this.#identity;
    if (party.kind !== 'node') return;
    if (own === null) this.#host.tell({ type: 'met', node: party.node, clusterId });
    if (clusterId === null || clusterId !== own || !this.#lines.has(party.node)) return;
    if (former.includes(party.node)) return;
    this.#identity = { ...this.#identity, former: [...former, party.node] };
    this.#host.tell({ type: 'belongs', node: party.node });
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
