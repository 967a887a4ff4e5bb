import type { NodeActor } from '../node-actor.js';
import { type ClientReply, type ClientRequest, type Reply, sessionProposal } from './client-requests.js';

/** The node's end of the line to a session: what is used of a `MessagePort`. */
export interface ClientPort {
  postMessage(reply: ClientReply, transfer: readonly ArrayBuffer[]): void;
  on(event: 'message', heard: (request: ClientRequest) => void): unknown;
}

/** Serves the session at the other end of the line. */
export function serveClient(port: ClientPort, actor: NodeActor): void {
  const reply = (answer: ClientReply) => post(port, answer);
  port.on('message', (request: ClientRequest) => takeRequest(actor, request, reply));
}

/** Hands to the node what a client asks. */
export function takeRequest(actor: NodeActor, request: ClientRequest, reply: Reply): void {
  if (request.type === 'read') {
    const { request: number, query, consistency, maxStaleMs } = request;
    const read = { kind: 'client', request: number, query, reply } as const;
    actor.read(maxStaleMs === undefined ? read : { ...read, maxStaleMs }, consistency);
  } else if (request.type === 'session') {
    actor.propose(sessionProposal(request, actor.sessionTimeoutMs, reply));
  } else {
    const { first, count, commands: body, session, verify } = request;
    actor.propose({
      ...{ first, count, body, reply },
      ...(session === undefined ? {} : { session }),
      ...(verify === undefined ? {} : { isToBeVerified: verify }),
    });
  }
}

/** Answers of more bytes change hands; those of fewer are sooner copied once more. */
const movedFromBytes = 4096;

/**
 * Packed results have a buffer of their own and change hands; all else is copied. An answer is copied at once: it may be
 * a view of the application's whole state, and is the application's own again when the next query comes.
 */
function post(port: ClientPort, reply: ClientReply): void {
  if (reply.type === 'answer') {
    const result = new Uint8Array(reply.result);
    const moved = result.length < movedFromBytes ? [] : [result.buffer];
    const { type, request, index, ageMs } = reply;
    port.postMessage(
      ageMs === undefined ? { type, request, result, index } : { type, request, result, index, ageMs },
      moved,
    );
    return;
  }
  const transfer = reply.type === 'applied' ? [reply.results.buffer as ArrayBuffer] : [];
  port.postMessage(reply, transfer);
}
