import { once } from 'node:events';
import { MessageChannel, type MessagePort, type Transferable } from 'node:worker_threads';
import { SystemClock } from '../ground/clock.js';
import { ClosedError, ConclaveError, InvalidOptionError } from '../ground/errors.js';
import type { NodeId } from '../raft/entry.js';
import { carrierErrors } from './carriers/errors.js';
import type { CarrierEvent } from './carriers/events.js';
import {
  type CarrierOptions,
  requireAddress,
  requireCarrierOptions,
  requireClusterId,
  requireRemote,
} from './carriers/options.js';
import type { Party } from './carriers/party.js';
import type { NetworkCounters } from './counters.js';
import { Gauge } from './gauge.js';
import type { LinkPolicy } from './link-policy.js';
import { queueMaxDefault } from './network.js';
import type { ControlMessage, ControlReply, RouterTask } from './protocol.js';
import { TaskThread } from './task-thread.js';
import { type NetworkControls, requireNode, Wiring } from './wiring.js';

const closeTimeoutMs = 5000;

export interface RouterOptions {
  /** Seeds all chance of the network. */
  readonly seed: number;
  /** The policy of all links at first (clean). */
  readonly link?: Partial<LinkPolicy>;
  /** Frames under way on one link at most (4096). */
  readonly queueMax?: number;
  /** Takes what happens at the carrier of a node, for the log. */
  readonly carrierEvent?: (of: NodeId, event: CarrierEvent) => void;
  /** Takes the line of a client that was let in at the carrier of a node. Closed, it sends the client away. */
  readonly client?: (of: NodeId, party: Party, port: MessagePort) => void;
}

/** A node's end of its line to the router: hand both to the node's thread, for its `PortTransport`. */
export interface NetworkLine {
  readonly networkPort: MessagePort;
  readonly gauge: SharedArrayBuffer;
}

interface Waiting {
  readonly resolve: (reply: ControlReply) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The network of a cluster on threads: a thread of its own that passes frames between the nodes' ports, and the
 * controls over it. With `carry` and `remote` it reaches nodes in other processes, too; the links' policies hold for
 * what goes there and for what comes from there.
 *
 * Controls are checked here, where a mistake throws, and carried out over there a little later: frames sent
 * after `await router.settled()` are sure to meet them. After `close` all throw ClosedError.
 */
export class Router implements NetworkControls {
  /** Resolves when the router's thread is done: null after `close`, otherwise the error that ended it. */
  readonly ended: Promise<Error | null>;
  readonly #thread: TaskThread<RouterTask>;
  readonly #control: MessagePort;
  /** A mirror of the wiring over there: what it accepts is accepted there. */
  readonly #wiring: Wiring;
  readonly #waiting = new Map<number, Waiting>();
  /** The nodes that have carriers, or are being given one. */
  readonly #carried = new Map<NodeId, CarrierOptions>();
  readonly #remotes = new Map<NodeId, readonly string[]>();
  readonly #carrierEvent: (of: NodeId, event: CarrierEvent) => void;
  readonly #client: (of: NodeId, party: Party, port: MessagePort) => void;
  #requests = 0;
  /** Why nothing is taken any more. */
  #closed: ClosedError | null = null;

  /** @throws InvalidOptionError */
  constructor(options: RouterOptions) {
    const { seed, link = {}, queueMax = queueMaxDefault, carrierEvent = () => {} } = options;
    const { client = (_of, _party, port) => port.close() } = options;
    if (!Number.isSafeInteger(seed)) {
      throw new InvalidOptionError(`The router's seed is ${String(seed)}. Give a whole number.`);
    }
    if (!Number.isSafeInteger(queueMax) || queueMax < 1) {
      throw new InvalidOptionError(
        `The router's queueMax is ${String(queueMax)}. Give a number of frames from 1.`,
      );
    }
    this.#wiring = new Wiring(link);
    this.#carrierEvent = carrierEvent;
    this.#client = client;
    const { port1, port2 } = new MessageChannel();
    this.#control = port1;
    this.#control.on('message', (reply: ControlReply) => this.#answer(reply));
    this.#thread = new TaskThread<RouterTask>({
      name: 'the network',
      file: new URL('./worker.js', import.meta.url),
      task: { controlPort: port2, seed, link, queueMax },
      transfer: [port2],
    });
    this.ended = this.#end(port2);
  }

  /** How the network is wired, as far as it was told here. */
  get wiring(): Pick<Wiring, 'policy' | 'connected'> {
    return this.#wiring;
  }

  /** @param handedOver the thread's end of the control channel; if it never began its task, it is here still. */
  async #end(handedOver: MessagePort): Promise<Error | null> {
    const controlClosed = once(this.#control, 'close');
    const failure = await this.#thread.ended;
    const closed = this.#refuseAll(failure);
    handedOver.close();
    // The thread's last answers are heard before the channel's end is.
    await controlClosed;
    for (const { reject } of this.#waiting.values()) reject(closed);
    this.#waiting.clear();
    return failure;
  }

  /**
   * Opens a line for a node. A node that crashed gets a new one: what it had is closed. Frames that were under
   * way to it reach it on the new line.
   * @throws InvalidOptionError
   */
  attach(id: NodeId): NetworkLine {
    requireNode(id);
    const { port1, port2 } = new MessageChannel();
    const gauge = Gauge.allocate();
    this.#post({ type: 'attach', id, port: port2, gauge }, [port2]);
    return { networkPort: port1, gauge };
  }

  /**
   * Gives a node of this process a carrier to other processes, in the place of an earlier one. Resolves with the
   * address at which it listens, or null.
   * @throws InvalidOptionError
   * @throws ListenFailedError, CredentialsError, MissingPackageError, ClosedError (by rejecting)
   */
  async carry(id: NodeId, options: CarrierOptions): Promise<string | null> {
    requireCarrierOptions(options);
    const { self } = options.identity;
    if (self.kind !== 'node' || self.node !== id) {
      throw new InvalidOptionError(
        `The carrier of node ${id} has another identity. Give it that of node ${id}.`,
      );
    }
    for (const [remote, addresses] of this.#remotes)
      if (remote !== id) requireRemote(options, remote, addresses);
    this.#carried.set(id, options);
    try {
      const reply = await this.#ask((request) => ({ type: 'carry', request, id, options }));
      return reply.type === 'carried' ? reply.address : null;
    } catch (error) {
      this.#carried.delete(id);
      throw error;
    }
  }

  /**
   * Names a node in another process, or where it is from now on: for the carriers of all nodes here, those to come
   * included. `detach` forgets it.
   * @throws InvalidOptionError
   */
  remote(id: NodeId, addresses: readonly string[]): void {
    requireNode(id);
    for (const [of, options] of this.#carried) if (of !== id) requireRemote(options, id, addresses);
    this.#remotes.set(id, addresses);
    this.#post({ type: 'remote', id, addresses });
  }

  /**
   * Has the carriers that there are find out who is at an address, who then is a remote node there (event `introduced`).
   * @throws InvalidOptionError
   */
  introduce(address: string): void {
    for (const options of this.#carried.values()) {
      if (options.kind === 'nats') throw new InvalidOptionError('Nodes on a bus have no addresses.');
      requireAddress(options, address);
    }
    this.#post({ type: 'introduce', address });
  }

  /** Tells the carriers, those to come included, the cluster's id: who belongs to another is refused from then on. @throws InvalidOptionError */
  adopt(clusterId: string): void {
    requireClusterId(clusterId);
    this.#post({ type: 'adopt', clusterId });
  }

  /** Reads the carriers' certificates again. @throws CredentialsError, and the earlier ones stay in force. */
  async reloadCertificates(): Promise<void> {
    await this.#ask((request) => ({ type: 'reload', request }));
  }

  /** Closes a node's line or carrier. Frames to it are unreachable until it is attached or named again. */
  detach(id: NodeId): void {
    this.#carried.delete(id);
    this.#remotes.delete(id);
    this.#post({ type: 'detach', id });
  }

  partition(groups: readonly (readonly NodeId[])[]): void {
    this.#wiring.partition(groups);
    this.#post({ type: 'partition', groups });
  }

  isolate(id: NodeId): void {
    this.#wiring.isolate(id);
    this.#post({ type: 'isolate', id });
  }

  cut(from: NodeId, to: NodeId): void {
    this.#wiring.cut(from, to);
    this.#post({ type: 'cut', from, to });
  }

  mend(from: NodeId, to: NodeId): void {
    this.#wiring.mend(from, to);
    this.#post({ type: 'mend', from, to });
  }

  heal(): void {
    this.#wiring.heal();
    this.#post({ type: 'heal' });
  }

  setLink(change: Partial<LinkPolicy>, from?: NodeId, to?: NodeId): void {
    this.#wiring.setLink(change, from, to);
    this.#post({ type: 'setLink', change, from, to });
  }

  /** What became of all frames so far. @throws ClosedError */
  async counters(): Promise<NetworkCounters> {
    const reply = await this.#ask((request) => ({ type: 'count', request }));
    if (reply.type !== 'counters') throw new Error(`The router answered ${reply.type} for its counters.`);
    return reply.counters;
  }

  #ask(message: (request: number) => ControlMessage): Promise<ControlReply> {
    return new Promise((resolve, reject) => {
      const request = this.#requests++;
      this.#post(message(request));
      this.#waiting.set(request, { resolve, reject });
    });
  }

  /** Resolves once all that was commanded before is in force. @throws ClosedError */
  async settled(): Promise<void> {
    await this.counters();
  }

  /** Ends the thread, by force if it takes too long, and closes all lines. Harmless if repeated. */
  async close(): Promise<void> {
    if (this.#closed === null) {
      this.#post({ type: 'close' });
      this.#refuseAll(null);
    }
    const clock = new SystemClock();
    const timer = clock.setTimeout(() => this.#thread.terminate(), closeTimeoutMs);
    await this.ended;
    clock.clearTimeout(timer);
  }

  /** Returns what everything is refused with from now on. */
  #refuseAll(cause: Error | null): ClosedError {
    this.#closed ??=
      cause === null
        ? new ClosedError('The router')
        : new ClosedError('The network', `ended unexpectedly: ${cause.message}.`, { cause });
    return this.#closed;
  }

  #answer(reply: ControlReply): void {
    if (reply.type === 'event') {
      this.#carrierEvent(reply.of, reply.event);
      return;
    }
    if (reply.type === 'client') {
      this.#client(reply.of, reply.party, reply.port);
      return;
    }
    const waiting = this.#waiting.get(reply.request);
    this.#waiting.delete(reply.request);
    if (reply.type !== 'failed') waiting?.resolve(reply);
    else {
      const ofClass = Object.entries(carrierErrors).find(([code]) => code === reply.code)?.[1];
      waiting?.reject(ConclaveError.reported(reply.code, reply.message, ofClass));
    }
  }

  #post(message: ControlMessage, transfer: readonly Transferable[] = []): void {
    if (this.#closed !== null) throw this.#closed;
    this.#control.postMessage(message, transfer);
  }
}
