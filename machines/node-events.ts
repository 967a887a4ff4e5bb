import { type Message, messageTypes } from '../src/raft/messages.js';

/** What peers say, one event type for each message type. */
type PeerEvent = {
  [M in Message as M['type']]: { readonly type: `peer.${M['type']}`; readonly message: M };
}[Message['type']];

/** A message of the present term, as the roles hear it. */
export function delivered(message: Message): PeerEvent {
  return { type: peerEventTypes[message.type], message } as PeerEvent;
}

/** Looked up: a name put together for each message would be hashed anew by all who compare it. */
const peerEventTypes = Object.fromEntries(messageTypes.map((type) => [type, `peer.${type}`]));

/** What happens to a node: who speaks, then what is said. What clients ask is of types that the chart does not know. */
export type NodeEvent<Proposal = unknown, Read = unknown, Change = unknown, Transfer = unknown> =
  | PeerEvent
  /** A message of a newer term, whose sender is right about the term. It is heard when the term is adopted. */
  | { readonly type: 'peer.newerTerm'; readonly message: Message }
  /** A message of an older term. */
  | { readonly type: 'peer.olderTerm'; readonly message: Message }
  | { readonly type: 'client.propose'; readonly proposal: Proposal }
  /** Reads that are alike, and came one behind the other. */
  | { readonly type: 'client.read'; readonly reads: readonly Read[] }
  | { readonly type: 'client.readStale'; readonly reads: readonly Read[] }
  | { readonly type: 'disk.durable'; readonly sequence: number }
  /** The state machine has applied the entry that began the term in which this server last led, and all before it. */
  | { readonly type: 'application.caughtUp' }
  | { readonly type: 'host.stop' }
  | { readonly type: 'host.revive' }
  | { readonly type: 'host.campaign' }
  | { readonly type: 'host.setCandidacy'; readonly allowed: boolean }
  | { readonly type: 'host.produceBlocks'; readonly intervalMs: number }
  /** Members are to come, to go or to be different. */
  | { readonly type: 'host.change'; readonly asked: Change }
  /** Another is to lead. */
  | { readonly type: 'host.transfer'; readonly asked: Transfer };

type EventTypes = readonly NodeEvent['type'][];

/*
 * The names that the chart leaves to `src/node`, each with the events that are taken to it: what is bound to a name
 * is told the event. Where there are none it is told nothing, because the chart names it also on entry, on exit or
 * at a timer, or because there is nothing in the event to know.
 */

export const guardEvents = {
  isLearner: [],
  isVoter: [],
  isRemoved: [],
  removalIsNews: ['peer.notMember'],
  leaderIsKnown: [],
  leaderHeardRecently: [],
  votedRecently: [],
  mayStand: [],
  mayStandWithPreVote: [],
  snapshotIsArriving: [],
  noSnapshotIsArriving: [],
  mayTakeOver: ['peer.timeoutNow'],
  canGrantVote: ['peer.requestVote'],
  canGrantPreVote: ['peer.preVote'],
  answersThisPreVote: ['peer.preVoteResponse'],
  hasWon: [],
  hasLost: [],
  noopIsCommitted: [],
  leaseIsWaitedOut: [],
  leaseCovers: ['client.read'],
  quorumIsLost: [],
  diskIsStalled: [],
  isFarBehind: ['client.propose'],
  isOverloaded: ['client.propose'],
  blockMustWait: [],
  holdsTooManyReads: [],
  needsVerification: ['client.propose'],
  producesBlocks: [],
  // changes of members
  isJoint: [],
  hasNoVote: [],
  changeIsTaken: [],
  changeIsDue: [],
  changeIsSound: [],
  changeIsPrepared: [],
  jointIsPrepared: [],
  newVotersAreLost: [],
  configurationIsCommitted: [],
  isAbort: ['host.change'],
  // transfer of leadership
  mayTransfer: ['host.transfer'],
  preferredIsReady: [],
  targetIsLevel: [],
} as const satisfies Record<string, EventTypes>;

export const actionEvents = {
  // terms
  adoptTerm: ['peer.newerTerm'],
  refuseOlderTerm: ['peer.olderTerm'],
  // elections
  forgetLeader: [],
  restartElectionTimer: [],
  widenElectionTimeout: [],
  becomePreCandidate: [],
  becomeCandidate: [],
  recordVote: ['peer.preVoteResponse', 'peer.requestVoteResponse'],
  recordOwnVote: [],
  grantVote: ['peer.requestVote'],
  refuseVote: ['peer.requestVote'],
  grantPreVote: ['peer.preVote'],
  refusePreVote: ['peer.preVote'],
  // replication
  acceptEntries: ['peer.appendEntries'],
  acceptSnapshot: ['peer.installSnapshot'],
  becomeLeader: [],
  stepDown: [],
  countAppendResponse: ['peer.appendEntriesResponse'],
  countSnapshotResponse: ['peer.installSnapshotResponse'],
  heartbeat: [],
  noteDurable: ['disk.durable'],
  advanceCommitIndex: [],
  // clients
  appendProposal: ['client.propose'],
  verifyProposal: ['client.propose'],
  answerVerification: ['peer.verify'],
  countVerdicts: ['peer.verifyResponse'],
  produceBlock: [],
  redirectProposal: ['client.propose'],
  refuseProposalOverload: ['client.propose'],
  refuseProposalNotReady: ['client.propose'],
  refuseProposalDead: ['client.propose'],
  // reads
  startRead: ['client.read', 'peer.readIndex'],
  serveByLease: ['client.read'],
  holdRead: ['client.read', 'peer.readIndex'],
  releaseHeldReads: [],
  forwardRead: ['client.read'],
  redirectRead: ['client.read'],
  answerStaleRead: ['client.readStale'],
  refuseReadDead: ['client.read', 'client.readStale'],
  refuseReadIndex: ['peer.readIndex'],
  resumeForwardedRead: ['peer.readIndexResponse'],
  expireForwardedReads: [],
  // changes of members
  takeChange: ['host.change'],
  refuseChange: ['host.change'],
  redirectChange: ['host.change'],
  answerChange: [],
  beginChange: [],
  appendJoint: [],
  appendTarget: [],
  appendSettled: [],
  giveUpChange: [],
  revokeChange: ['host.change'],
  abortChange: ['host.change'],
  concludeChange: [],
  // transfer of leadership
  beginTransfer: ['host.transfer'],
  refuseTransfer: ['host.transfer'],
  refuseTransferEarly: ['host.transfer'],
  redirectTransfer: ['host.transfer'],
  favourPreferred: [],
  sendTimeoutNow: [],
  giveUpTransfer: [],
  noteDeclined: ['peer.transferDeclined'],
  acceptTransfer: ['peer.timeoutNow'],
  declineTransfer: ['peer.timeoutNow'],
  handOver: [],
  refuseProposalTransferring: ['client.propose'],
  // the host's commands
  setCandidacy: ['host.setCandidacy'],
  setBlockInterval: ['host.produceBlocks'],
  fallSilent: [],
  wakeUp: [],
} as const satisfies Record<string, EventTypes>;

export const delayNames = [
  'electionTimeout',
  'heartbeatInterval',
  'blockInterval',
  'transferTimeout',
  'leaseRemainder',
] as const;

/** What the names are bound to: functions of the node's parts and of the event, if the name is told one. */
export interface NodeBindings<Parts, Event extends NodeEvent> {
  readonly guards: Bound<typeof guardEvents, Parts, Event, boolean>;
  readonly actions: Bound<typeof actionEvents, Parts, Event, void>;
  readonly delays: Readonly<Record<(typeof delayNames)[number], (parts: Parts) => number>>;
}

type Bound<Names extends Readonly<Record<string, EventTypes>>, Parts, Event extends NodeEvent, Result> = {
  readonly [Name in keyof Names]: Names[Name] extends readonly []
    ? (parts: Parts) => Result
    : (parts: Parts, event: Extract<Event, { readonly type: Names[Name][number] }>) => Result;
};
