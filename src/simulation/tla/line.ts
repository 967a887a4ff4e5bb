import type { LogIndex, NodeId, Term } from '../../raft/entry.js';

/*
 * The lines that `tla/Traceetcdraft.tla` of etcd-io/raft reads, one JSON object each. What is in them, and which of it
 * TLC compares, stands there; the names are etcd's.
 */

export type Role = 'StateFollower' | 'StateCandidate' | 'StateLeader';

export type EventName =
  | 'InitState'
  | 'BecomeFollower'
  | 'BecomeCandidate'
  | 'BecomeLeader'
  | 'Replicate'
  | 'Commit'
  | 'Ready'
  | 'ChangeConf'
  | 'ApplyConfChange'
  | 'SendRequestVoteRequest'
  | 'SendRequestVoteResponse'
  | 'SendAppendEntriesRequest'
  | 'SendAppendEntriesResponse'
  | 'ReceiveRequestVoteRequest'
  | 'ReceiveRequestVoteResponse'
  | 'ReceiveAppendEntriesRequest'
  | 'ReceiveAppendEntriesResponse';

export type MessageName =
  | 'MsgApp'
  | 'MsgAppResp'
  | 'MsgHeartbeat'
  | 'MsgHeartbeatResp'
  | 'MsgVote'
  | 'MsgVoteResp';

/** How one server comes or goes. */
export type ChangeAction = 'AddNewServer' | 'AddLearner' | 'RemoveServer';

/** What a leader appends, or who votes once it is applied. */
export interface ConfChange {
  readonly changes?: readonly { readonly nid: string; readonly action: ChangeAction }[];
  readonly newconf?: readonly string[];
}

/** A message as the specification knows it. */
export interface SpecifiedMessage {
  readonly type: MessageName;
  readonly term: Term;
  readonly from: NodeId;
  readonly to: NodeId;
  /** How many. */
  readonly entries?: number;
  readonly logTerm?: Term;
  readonly index?: LogIndex;
  readonly commit?: LogIndex;
  readonly reject?: boolean;
}

/** One line: an event of a node, and how the node stands. Before the event if it receives a message, otherwise after. */
export interface Line {
  readonly tag: 'trace';
  readonly event: {
    readonly name: EventName;
    readonly nid: string;
    readonly state: { readonly term: Term; readonly vote: string; readonly commit: LogIndex };
    readonly role: Role;
    /** The index of its last entry. */
    readonly log: LogIndex;
    /** Who votes, and, were it joint, who did. */
    readonly conf: readonly [readonly string[], readonly string[]];
    readonly msg?: Readonly<Record<string, string | number | boolean>>;
    readonly prop?: { readonly cc: ConfChange };
  };
}

/** How a node is called there: "0" is nobody, so the first is "1". */
export function nameOf(id: NodeId | null): string {
  return String(id === null ? 0 : id + 1);
}

/** A message with all the fields that etcd's have. */
export function messageOf(message: SpecifiedMessage): NonNullable<Line['event']['msg']> {
  const { type, term, from, to, entries = 0, logTerm = 0, index = 0, commit = 0, reject = false } = message;
  return {
    type,
    term,
    from: nameOf(from),
    to: nameOf(to),
    entries,
    logTerm,
    index,
    commit,
    vote: nameOf(null),
    voteTerm: 0,
    reject,
    rejectHint: 0,
  };
}

/** What TLC tells answers apart by. */
export function keyOf({ type, term, from, to, index = 0, reject = false }: SpecifiedMessage): string {
  return `${type} ${term} ${from} ${to} ${reject ? 'refused' : index}`;
}
