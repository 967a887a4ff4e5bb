import type { Message } from '../src/raft/messages.js';

/** What peers say, one event type for each message type. */
type PeerEvent = {
  [M in Message as M['type']]: { readonly type: `peer.${M['type']}`; readonly message: M };
}[Message['type']];

/** A message that the term rules have passed, as the roles hear it. */
export function delivered(message: Message): PeerEvent {
  return { type: peerEventTypes[message.type], message } as PeerEvent;
}

/** Looked up: a name put together for each message would be hashed anew by all who compare it. */
const peerEventTypes = {
  appendEntries: 'peer.appendEntries',
  appendEntriesResponse: 'peer.appendEntriesResponse',
  requestVote: 'peer.requestVote',
  requestVoteResponse: 'peer.requestVoteResponse',
  preVote: 'peer.preVote',
  preVoteResponse: 'peer.preVoteResponse',
  readIndex: 'peer.readIndex',
  readIndexResponse: 'peer.readIndexResponse',
  verify: 'peer.verify',
  verifyResponse: 'peer.verifyResponse',
} as const satisfies { [T in Message['type']]: `peer.${T}` };

/** What happens to a node: who speaks, then what is said. */
export type NodeEvent<Proposal = unknown, Read = unknown> =
  /** A message as it comes in. The term rules at `alive` judge it, then it is heard as one of the others. */
  | { readonly type: 'peer.message'; readonly message: Message }
  | PeerEvent
  | { readonly type: 'client.propose'; readonly proposal: Proposal }
  | { readonly type: 'client.read'; readonly read: Read }
  | { readonly type: 'client.readStale'; readonly read: Read }
  | { readonly type: 'disk.durable'; readonly sequence: number }
  | { readonly type: 'host.stop' }
  | { readonly type: 'host.revive' }
  | { readonly type: 'host.campaign' }
  | { readonly type: 'host.setCandidacy'; readonly allowed: boolean }
  | { readonly type: 'host.produceBlocks'; readonly intervalMs: number };
