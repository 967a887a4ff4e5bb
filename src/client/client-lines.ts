import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { GatheredPort } from '../ground/gathered-port.js';
import type { ClientReply, ClientRequest } from '../node/clients/client-requests.js';
import type { NodeId } from '../raft/entry.js';

/** Who asks over the lines. */
export interface Asker {
  hear(from: NodeId, reply: ClientReply): void;
  /** The line to the node's thread is gone, and with it what had not been answered. */
  nodeEnded(id: NodeId): void;
}

/** The session's end of a line. What is said at one end comes to the other in order; `close` comes behind it all. */
export interface SessionPort {
  postMessage(request: ClientRequest, transfer: readonly ArrayBuffer[]): void;
  on(event: 'message', heard: (reply: ClientReply) => void): unknown;
  on(event: 'close', ended: () => void): unknown;
  /** Hears now what has come and was not heard yet. */
  drain(): void;
  /** Hangs up at both ends. */
  close(): void;
}

/** The two ends of a line to a node's thread that is about to begin. */
export interface ClientChannel<NodePort> {
  readonly port1: SessionPort;
  readonly port2: NodePort;
}

/** The lines of one session to the nodes: one to each thread, from its launch to its end. */
export class ClientLines<NodePort = MessagePort> {
  readonly #asker: Asker;
  readonly #newChannel: (id: NodeId) => ClientChannel<NodePort>;
  readonly #lines = new Map<NodeId, SessionPort>();

  constructor(asker: Asker, newChannel: (id: NodeId) => ClientChannel<NodePort>) {
    this.#asker = asker;
    this.#newChannel = newChannel;
  }

  /** Lines to threads of this process. */
  static toThreads(asker: Asker): ClientLines {
    return new ClientLines(asker, () => {
      const { port1, port2 } = new MessageChannel();
      return { port1: new GatheredPort<ClientRequest, ClientReply>(port1), port2 };
    });
  }

  /**
   * The node's end of a line to the thread that is about to be launched. What the thread before it said is heard first:
   * that it is over may have been heard sooner than its last words, on a busy thread.
   */
  attach(id: NodeId): NodePort {
    this.#lines.get(id)?.drain();
    this.#detach(id);
    const { port1: own, port2: nodes } = this.#newChannel(id);
    this.#lines.set(id, own);
    own.on('message', (reply: ClientReply) => {
      if (this.#lines.get(id) === own) this.#asker.hear(id, reply);
    });
    // Comes behind all that the node has said.
    own.on('close', () => {
      if (this.#lines.get(id) === own) this.#detach(id);
    });
    return nodes;
  }

  /** The nodes to which there is a line. */
  get ids(): NodeId[] {
    return [...this.#lines.keys()];
  }

  /** False if the node's thread is not there to hear it. The bytes of commands belong to the line from then on. */
  post(id: NodeId, request: ClientRequest): boolean {
    const line = this.#lines.get(id);
    if (line === undefined) return false;
    line.postMessage(request, request.type === 'propose' ? [request.commands.buffer as ArrayBuffer] : []);
    return true;
  }

  /** Hangs up everywhere. */
  close(): void {
    for (const id of this.ids) this.#detach(id);
  }

  #detach(id: NodeId): void {
    const line = this.#lines.get(id);
    if (line === undefined) return;
    this.#lines.delete(id);
    line.close();
    this.#asker.nodeEnded(id);
  }
}
