import type { ConfigurationData } from './configuration.js';
import type { LogIndex, NodeId, Term } from './entry.js';
import type { Run } from './run.js';

/*
 * What servers say to one another. Every message carries the sender and the sender's term, except that a
 * PreVote carries the term it would campaign in; nothing about the receiver's term follows from that one.
 */

/** Figure 2, AppendEntries RPC. Without entries it is the heartbeat. */
export interface AppendEntries {
  readonly type: 'appendEntries';
  readonly term: Term;
  /** The leader. */
  readonly from: NodeId;
  readonly prevLogIndex: LogIndex;
  readonly prevLogTerm: Term;
  /** Consecutive, the first one's first entry following `prevLogIndex`. */
  readonly runs: readonly Run[];
  readonly leaderCommit: LogIndex;
  /** The leader's latest round of heartbeats; the answer repeats it, which confirms reads (§6.4 of the thesis). */
  readonly round: number;
  /** The servers, itself included, that the leader has heard within an election timeout. */
  readonly alive: readonly NodeId[];
  /** Which server of the receiver's id the leader means; the answer repeats it. */
  readonly incarnation: number;
}

export interface AppendEntriesResponse {
  readonly type: 'appendEntriesResponse';
  readonly term: Term;
  readonly from: NodeId;
  readonly success: boolean;
  readonly round: number;
  /** On success the last index known to match the leader's log; on refusal the refused `prevLogIndex`. */
  readonly index: LogIndex;
  /** On refusal, the term of the follower's entry at `index`, or 0 when its log ends before (§5.3). */
  readonly conflictTerm: Term;
  /** On refusal, the first index of `conflictTerm` in the follower's log, or one past its last entry. */
  readonly conflictIndex: LogIndex;
  /** That of the request: what was said to a server that has been removed speaks for none that bears its id later. */
  readonly incarnation: number;
}

/** Figure 2, RequestVote RPC. */
export interface RequestVote {
  readonly type: 'requestVote';
  readonly term: Term;
  readonly from: NodeId;
  readonly lastLogIndex: LogIndex;
  readonly lastLogTerm: Term;
  /** Does the leader itself want this election, so that nobody keeps faith with it? (thesis §3.10) */
  readonly isTransfer: boolean;
}

export interface RequestVoteResponse {
  readonly type: 'requestVoteResponse';
  readonly term: Term;
  readonly from: NodeId;
  readonly granted: boolean;
}

/** "Could I win?" (thesis §9.6): asked before an election, binds nobody. `term` is the term it would campaign in. */
export interface PreVote {
  readonly type: 'preVote';
  readonly term: Term;
  readonly from: NodeId;
  readonly lastLogIndex: LogIndex;
  readonly lastLogTerm: Term;
}

export interface PreVoteResponse {
  readonly type: 'preVoteResponse';
  /** The answering server's own term: a refusal teaches it to a server that lags. */
  readonly term: Term;
  readonly from: NodeId;
  readonly granted: boolean;
  /** The request's `term`, so that a late answer is not counted for a later round. */
  readonly proposedTerm: Term;
}

/** A follower asks the leader for an index at which it may serve linearizable reads (thesis §6.4). */
export interface ReadIndex {
  readonly type: 'readIndex';
  readonly term: Term;
  readonly from: NodeId;
  /** The asker's number for this request; the answer repeats it. */
  readonly request: number;
}

export interface ReadIndexResponse {
  readonly type: 'readIndexResponse';
  readonly term: Term;
  readonly from: NodeId;
  readonly request: number;
  /** False when the server asked is not a leader that can answer. */
  readonly granted: boolean;
  readonly index: LogIndex;
}

/** The leader asks whether the commands may be appended: the verification round of the chain design. */
export interface Verify {
  readonly type: 'verify';
  readonly term: Term;
  readonly from: NodeId;
  readonly request: number;
  readonly commands: readonly Uint8Array[];
}

export interface VerifyResponse {
  readonly type: 'verifyResponse';
  readonly term: Term;
  readonly from: NodeId;
  readonly request: number;
  /** One verdict a command, in order. */
  readonly approved: readonly boolean[];
  /** Why, in UTF-8, for each that is not approved, in order; absent where all are. */
  readonly reasons?: readonly Uint8Array[];
}

/** Figure 13, InstallSnapshot RPC: a chunk of the leader's snapshot, in place of entries that it has given up. */
export interface InstallSnapshot {
  readonly type: 'installSnapshot';
  readonly term: Term;
  /** The leader. */
  readonly from: NodeId;
  /** The snapshot replaces all entries up through this one … */
  readonly lastIncludedIndex: LogIndex;
  /** … which is of this term … */
  readonly lastIncludedTerm: Term;
  /** … and this configuration is in force there, in the entry at `configurationIndex`. */
  readonly configuration: ConfigurationData;
  readonly configurationIndex: LogIndex;
  /** Where in the snapshot's bytes the chunk begins. */
  readonly position: number;
  readonly chunk: Uint8Array;
  /** Is it the last? */
  readonly done: boolean;
  /** Which server of the receiver's id the leader means; the answer repeats it. */
  readonly incarnation: number;
}

export interface InstallSnapshotResponse {
  readonly type: 'installSnapshotResponse';
  readonly term: Term;
  readonly from: NodeId;
  /** Which snapshot it is about, by the entry that it ends with. */
  readonly index: LogIndex;
  /** Does the follower have all that the snapshot stands for, on stable storage? */
  readonly success: boolean;
  /** Otherwise: where its copy ends, and the next chunk has to begin. */
  readonly position: number;
  readonly incarnation: number;
}

/** The leader hands over: stand for election now, without waiting and without asking first (thesis §3.10). */
export interface TimeoutNow {
  readonly type: 'timeoutNow';
  readonly term: Term;
  readonly from: NodeId;
}

/** The server that was to take over may not stand. */
export interface TransferDeclined {
  readonly type: 'transferDeclined';
  readonly term: Term;
  readonly from: NodeId;
}

/** The receiver belongs to the cluster no longer, by a committed configuration. See `isRemovalNews`. */
export interface NotMember {
  readonly type: 'notMember';
  readonly term: Term;
  readonly from: NodeId;
  /** How far the sender knows the log to be committed; the configuration is the one in force there … */
  readonly commitIndex: LogIndex;
  /** … and this the term of the entry there. */
  readonly commitTerm: Term;
}

export type Message =
  | AppendEntries
  | AppendEntriesResponse
  | RequestVote
  | RequestVoteResponse
  | PreVote
  | PreVoteResponse
  | ReadIndex
  | ReadIndexResponse
  | Verify
  | VerifyResponse
  | InstallSnapshot
  | InstallSnapshotResponse
  | TimeoutNow
  | TransferDeclined
  | NotMember;

export type MessageType = Message['type'];

/** Every type of message, in the order of their numbers on the wire: append only. */
export const messageTypes = [
  'appendEntries',
  'appendEntriesResponse',
  'requestVote',
  'requestVoteResponse',
  'preVote',
  'preVoteResponse',
  'readIndex',
  'readIndexResponse',
  'verify',
  'verifyResponse',
  'installSnapshot',
  'installSnapshotResponse',
  'timeoutNow',
  'transferDeclined',
  'notMember',
] as const satisfies readonly MessageType[];
