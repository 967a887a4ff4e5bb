import type { NodeEvent } from '../../machines/node-events.js';
import type { Message } from '../raft/messages.js';
import type { Proposal, Read } from './clients/client-requests.js';

/** What an action of the chart is bound to. */
export type Action = (args: { event: NodeEvent }) => void;

/*
 * The chart binds each action and guard to certain events. These take out of an event what its type promises, and
 * fail where the chart calls with another.
 */

type MessageOf<Type extends string> = Type extends `peer.${infer M}` ? Extract<Message, { type: M }> : never;

/** The message in an event that a peer caused. */
export function messageIn(event: NodeEvent, type: 'peer.message'): Message;
export function messageIn<Type extends NodeEvent['type']>(event: NodeEvent, type: Type): MessageOf<Type>;
export function messageIn(event: NodeEvent, type: string): Message {
  if (event.type !== type || !('message' in event)) throw wrongEvent(event, type);
  return event.message;
}

export function proposalIn(event: NodeEvent): Proposal {
  if (event.type !== 'client.propose') throw wrongEvent(event, 'client.propose');
  return event.proposal as Proposal;
}

export function readIn(event: NodeEvent): Read {
  if (event.type === 'client.read' || event.type === 'client.readStale') return event.read as Read;
  const { from, request } = messageIn(event, 'peer.readIndex');
  return { kind: 'peer', from, request };
}

function wrongEvent(event: NodeEvent, wanted: string): Error {
  return new Error(`The chart took "${event.type}" to what is bound to "${wanted}".`);
}
