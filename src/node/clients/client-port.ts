import type { MessagePort } from 'node:worker_threads';
import type { NodeActor } from '../node-actor.js';
import type { ClientReply, ClientRequest } from './client-requests.js';

/** Serves the session at the other end of the line. */
export function serveClient(port: MessagePort, actor: NodeActor): void {
  const reply = (answer: ClientReply) => post(port, answer);
  port.on('message', (request: ClientRequest) => {
    if (request.type === 'read') {
      const { request: number, query, consistency } = request;
      return actor.read({ kind: 'client', request: number, query, reply }, consistency);
    }
    const { first, count, commands: body } = request;
    actor.propose({ first, count, body, reply });
  });
}

/**
 * Packed results have a buffer of their own and change hands; all else is copied. A view is copied with all the memory
 * it looks at, which for an answer may be the application's whole state: make it its own first.
 */
function post(port: MessagePort, reply: ClientReply): void {
  if (reply.type === 'answer' && reply.result.byteLength !== reply.result.buffer.byteLength) {
    const result = new Uint8Array(reply.result);
    port.postMessage({ ...reply, result }, [result.buffer]);
    return;
  }
  const transfer = reply.type === 'applied' ? [reply.results.buffer as ArrayBuffer] : [];
  port.postMessage(reply, transfer);
}
