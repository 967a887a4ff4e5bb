import type { MessagePort } from 'node:worker_threads';
import { SystemClock } from '../ground/clock.js';
import { Random } from '../ground/random.js';
import type { NodeId } from '../raft/entry.js';
import { type Envelopes, FrameSender, receiveFrames } from './frame-sender.js';
import { Gauge } from './gauge.js';
import { type Delivery, Network } from './network.js';
import type { ControlMessage, ControlReply, RouterTask } from './protocol.js';

/** The router's end of a node's line. */
interface Line {
  readonly port: MessagePort;
  readonly gauge: Gauge;
  readonly sender: FrameSender;
}

/** The router's thread: the ports of all nodes around one switchboard. */
class Exchange {
  readonly #lines = new Map<NodeId, Line>();
  readonly #clock = new SystemClock();
  readonly #network: Network;
  #turnIsDue = false;
  /** Frames that nodes dropped before lines that are closed by now. */
  #overflowedEarlier = 0;

  constructor(task: RouterTask) {
    this.#network = new Network({
      clock: this.#clock,
      random: new Random(task.seed),
      link: task.link,
      queueMax: task.queueMax,
      deliver: (to, from, frame) => this.#deliver(to, from, frame),
    });
  }

  #deliver(to: NodeId, from: NodeId, frame: Uint8Array): Delivery {
    const line = this.#lines.get(to);
    if (line === undefined) return 'unreachable';
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
    });
  }

  #attach(id: NodeId, port: MessagePort, gauge: Gauge): void {
    this.#detach(id);
    this.#lines.set(id, { port, gauge, sender: new FrameSender(port, gauge, 'toNode') });
    port.on('message', (envelopes: Envelopes) => {
      receiveFrames(envelopes, (to, frame) => {
        gauge.leave('toRouter', frame.byteLength);
        this.#network.send(id, to, frame);
      });
    });
    // The node hung up or its thread died. It may be back already, on another port.
    port.on('close', () => {
      if (this.#lines.get(id)?.port === port) this.#detach(id);
    });
  }

  #detach(id: NodeId): void {
    const line = this.#lines.get(id);
    if (line === undefined) return;
    this.#lines.delete(id);
    line.sender.flush();
    this.#overflowedEarlier += line.gauge.turnedAway('toRouter');
    line.port.close();
  }

  #overflowed(): number {
    let sum = this.#overflowedEarlier;
    for (const line of this.#lines.values()) sum += line.gauge.turnedAway('toRouter');
    return sum;
  }

  /** Carries out a command; what it returns is the answer. */
  handle(message: ControlMessage): ControlReply | undefined {
    switch (message.type) {
      case 'attach':
        this.#attach(message.id, message.port, new Gauge(message.gauge));
        break;
      case 'detach':
        this.#detach(message.id);
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
        return {
          type: 'counters',
          request: message.request,
          counters: this.#network.counters(this.#overflowed()),
        };
      case 'close':
        break;
    }
    return undefined;
  }

  close(): void {
    for (const id of [...this.#lines.keys()]) this.#detach(id);
    this.#network.close();
  }
}

/** The router's task: runs until it is told to close, or nobody is left to tell it. */
export function run(task: RouterTask): Promise<void> {
  const exchange = new Exchange(task);
  const { controlPort } = task;
  return new Promise((resolve) => {
    controlPort.on('message', (message: ControlMessage) => {
      const reply = exchange.handle(message);
      if (reply !== undefined) controlPort.postMessage(reply);
      if (message.type === 'close') controlPort.close();
    });
    controlPort.on('close', () => {
      exchange.close();
      resolve();
    });
  });
}
