import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { ClientReply, ClientRequest } from '../node/clients/client-requests.js';
import type { NodeId } from '../raft/entry.js';

/** Who asks over the lines. */
export interface Asker {
  hear(from: NodeId, reply: ClientReply): void;
  /** The line to the node's thread is gone, and with it what had not been answered. */
  nodeEnded(id: NodeId): void;
}

/** The lines of one session to the nodes: one to each thread, from its launch to its end. */
export class ClientLines {
  readonly #asker: Asker;
  readonly #lines = new Map<NodeId, MessagePort>();

  constructor(asker: Asker) {
    this.#asker = asker;
  }

  /** The node's end of a line to the thread that is about to be launched. */
  attach(id: NodeId): MessagePort {
    this.#detach(id);
    const { port1: own, port2: nodes } = new MessageChannel();
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

  /** False if the node's thread is not there to hear it. The bytes of commands belong to the line from then on. */
  post(id: NodeId, request: ClientRequest): boolean {
    const line = this.#lines.get(id);
    if (line === undefined) return false;
    line.postMessage(request, request.type === 'propose' ? [request.commands.buffer as ArrayBuffer] : []);
    return true;
  }

  /** Hangs up everywhere. */
  close(): void {
    for (const id of [...this.#lines.keys()]) this.#detach(id);
  }

  #detach(id: NodeId): void {
    const line = this.#lines.get(id);
    if (line === undefined) return;
    this.#lines.delete(id);
    line.close();
    this.#asker.nodeEnded(id);
  }
}
