import { MessageChannel, type MessagePort, type Transferable } from 'node:worker_threads';
import { SystemClock } from '../ground/clock.js';
import { ConclaveError } from '../ground/errors.js';
import { Random } from '../ground/random.js';
import type { NodeId } from '../raft/entry.js';
import type { ClientGuest } from './carriers/carrier.js';
import { type NetworkCounters, withTallies } from './counters.js';
import { type DirectGrant, DirectLines, takesDirectLines } from './direct-line.js';
import { type Envelopes, FrameSender, receiveFrames } from './frame-sender.js';
import { Gateway } from './gateway.js';
import { Gauge } from './gauge.js';
import { type Delivery, Network } from './network.js';
import type { ControlMessage, ControlReply, RouterTask } from './protocol.js';

/** Bytes of one client's requests that its node has not taken yet, at most: twice what a session gives a node. */
const unreadBytesMax = 80 * 1024 * 1024;

/** The router's end of a node's line. */
interface Line {
  readonly port: MessagePort;
  readonly gauge: Gauge;
  readonly sender: FrameSender;
  /** May the node be given direct lines? It has said so. */
  takesDirect: boolean;
}

/** The router's thread: the ports of all nodes, and the carriers to those elsewhere, around one switchboard. */
class Exchange {
  readonly #lines = new Map<NodeId, Line>();
  readonly #clock = new SystemClock();
  readonly #network: Network;
  readonly #direct: DirectLines;
  readonly #gateway: Gateway;
  readonly #reply: (reply: ControlReply, transfer?: readonly Transferable[]) => void;
  #turnIsDue = false;
  /** Frames that nodes dropped before lines that are closed by now. */
  #overflowedEarlier = 0;

  constructor(task: RouterTask) {
    this.#reply = (reply, transfer = []) => task.controlPort.postMessage(reply, transfer);
    this.#gateway = new Gateway({
      clock: this.#clock,
      receive: (to, from, frame) => this.#network.send(from, to, frame),
      client: (of, guest) => this.#admit(of, guest),
      tell: (of, event) => this.#reply({ type: 'event', of, event }),
    });
    this.#network = new Network({
      clock: this.#clock,
      random: new Random(task.seed),
      link: task.link,
      queueMax: task.queueMax,
      deliver: (to, from, frame) => this.#deliver(to, from, frame),
    });
    this.#direct = new DirectLines((from, to) => this.#network.isClear(from, to));
  }

  /** Opens a line between a client and a node's thread, on which nobody reads what passes. */
  #admit(of: NodeId, guest: ClientGuest): void {
    const { port1: own, port2: port } = new MessageChannel();
    let unread = 0;
    guest.heard = (frame) => {
      unread += frame.byteLength;
      if (unread > unreadBytesMax) guest.end('overloaded', 'It asks for more than can be answered.');
      else own.postMessage(frame, [frame.buffer as ArrayBuffer]);
    };
    own.on('message', (said: Uint8Array | number) => {
      if (typeof said === 'number') unread -= said;
      else guest.send(said);
    });
    own.on('close', () => guest.end('shutdown', 'There is no node to answer it.'));
    guest.ended = () => own.close();
    this.#reply({ type: 'client', of, party: guest.party, port }, [port]);
  }

  #deliver(to: NodeId, from: NodeId, frame: Uint8Array): Delivery {
    const line = this.#lines.get(to);
    if (line === undefined) return this.#gateway.send(from, to, frame) ? 'delivered' : 'unreachable';
    this.#requestTurn();
    return line.sender.add(from, frame) ? 'delivered' : 'dropped';
  }

  /** What is delivered in one turn, be it from many nodes, reaches a node in one message. */
  #requestTurn(): void {
    if (this.#turnIsDue) return;
    this.#turnIsDue = true;
    this.#clock.soon(() => {
      this.#turnIsDue = false;
      for (const { sender } of this.#lines.values()) sender.flush();
      this.#direct.arrived();
    });
  }

  #attach(id: NodeId, port: MessagePort, gauge: Gauge): void {
    this.#detach(id);
    const line: Line = { port, gauge, sender: new FrameSender(port, gauge, 'toNode'), takesDirect: false };
    this.#lines.set(id, line);
    port.on('message', (said: Envelopes | typeof takesDirectLines) => {
      if (said === takesDirectLines) {
        if (this.#lines.get(id) === line) this.#grantLines(id, line);
        return;
      }
      receiveFrames(said, (to, frame) => {
        gauge.leave('toRouter', frame.byteLength);
        this.#network.send(id, to, frame);
      });
    });
    // The node hung up or its thread died. It may be back already, on another port.
    port.on('close', () => {
      if (this.#lines.get(id)?.port === port) this.#detach(id);
    });
  }

  /** A node that takes them is given a line to each other that does. */
  #grantLines(id: NodeId, line: Line): void {
    line.takesDirect = true;
    const give = (port: MessagePort, grant: DirectGrant) => port.postMessage(grant, [grant.port]);
    for (const [other, { port, takesDirect }] of this.#lines) {
      if (other === id || !takesDirect) continue;
      const [own, others] = this.#direct.grant(id, other);
      give(line.port, own);
      give(port, others);
    }
  }

  #detach(id: NodeId): void {
    const line = this.#lines.get(id);
    if (line === undefined) return;
    this.#lines.delete(id);
    this.#direct.retire(id);
    line.sender.flush();
    this.#overflowedEarlier += line.gauge.turnedAway('toRouter');
    line.port.close();
  }

  #overflowed(): number {
    let sum = this.#overflowedEarlier;
    for (const line of this.#lines.values()) sum += line.gauge.turnedAway('toRouter');
    return sum;
  }

  #counters(): NetworkCounters {
    return withTallies(this.#network.counters(this.#overflowed()), this.#direct.tallies());
  }

  /** Answers once it is done, or with what went wrong. */
  #answer(request: number, work: () => Promise<ControlReply>): void {
    work().then(this.#reply, (error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      this.#reply({
        type: 'failed',
        request,
        code: error instanceof ConclaveError ? error.code : 'CARRIER_FAILED',
        message,
      });
    });
  }

  /** Carries out a command. */
  handle(message: ControlMessage): void {
    switch (message.type) {
      case 'attach':
        this.#attach(message.id, message.port, new Gauge(message.gauge));
        break;
      case 'detach':
        this.#detach(message.id);
        this.#gateway.removeRemote(message.id);
        void this.#gateway.drop(message.id);
        break;
      case 'carry':
        this.#answer(message.request, async () => ({
          type: 'carried',
          request: message.request,
          address: await this.#gateway.carry(message.id, message.options),
        }));
        break;
      case 'remote':
        this.#gateway.setRemote(message.id, message.addresses);
        break;
      case 'introduce':
        this.#gateway.introduce(message.address);
        break;
      case 'adopt':
        this.#gateway.adopt(message.clusterId);
        break;
      case 'reload':
        this.#answer(message.request, async () => {
          await this.#gateway.reload();
          return { type: 'reloaded', request: message.request };
        });
        break;
      case 'partition':
        this.#network.partition(message.groups);
        break;
      case 'isolate':
        this.#network.isolate(message.id);
        break;
      case 'cut':
        this.#network.cut(message.from, message.to);
        break;
      case 'mend':
        this.#network.mend(message.from, message.to);
        break;
      case 'heal':
        this.#network.heal();
        break;
      case 'setLink':
        this.#network.setLink(message.change, message.from, message.to);
        break;
      case 'count':
        this.#reply({
          type: 'counters',
          request: message.request,
          counters: this.#gateway.describe(this.#counters()),
        });
        break;
      case 'close':
        break;
    }
    this.#direct.look();
  }

  async close(): Promise<void> {
    for (const id of [...this.#lines.keys()]) this.#detach(id);
    this.#network.close();
    await this.#gateway.close();
  }
}

/** The router's task: runs until it is told to close, or nobody is left to tell it. */
export function run(task: RouterTask): Promise<void> {
  const exchange = new Exchange(task);
  const { controlPort } = task;
  return new Promise((resolve, reject) => {
    controlPort.on('message', (message: ControlMessage) => {
      exchange.handle(message);
      if (message.type === 'close') controlPort.close();
    });
    controlPort.on('close', () => {
      exchange.close().then(resolve, reject);
    });
  });
}
