import type { LogIndex, NodeId, Term } from '../../raft/entry.js';
import { type Line, messageOf, type SpecifiedMessage } from './line.js';
import { type Entry, termAt } from './server.js';

/** A request on its way. Its line is written when it is sent, and again for each time that it is received but the first. */
export interface SentVote {
  /** Was the receiver a member, as far as the specification's sender knew? */
  readonly isToMember: boolean;
  readonly message: SpecifiedMessage;
  readonly slot: Line[];
  readonly line: Line;
  receipts: number;
}

export interface SentAppend {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly term: Term;
  readonly prev: LogIndex;
  readonly count: number;
  /** The commit index that the node itself named. */
  readonly leaderCommit: LogIndex;
  /** Was the receiver a member, as far as the specification's sender knew? */
  readonly isToMember: boolean;
  /** The sender as it was. */
  readonly sender: { readonly log: readonly Entry[]; readonly commit: LogIndex; readonly match: LogIndex };
  readonly line: Line;
  readonly slot: Line[];
  receipts: number;
}

export function appendAfter(
  { from, to, term, prev, count, sender }: SentAppend,
  start: LogIndex,
): SpecifiedMessage {
  const last = prev + count;
  return {
    type: 'MsgApp',
    term,
    from,
    to,
    entries: last - start,
    logTerm: termAt(sender.log, start),
    index: start,
    commit: Math.min(sender.commit, last),
  };
}

export function heartbeatOf({ from, to, term, sender }: SentAppend): SpecifiedMessage {
  return { type: 'MsgHeartbeat', term, from, to, commit: Math.min(sender.commit, sender.match) };
}

export function withMessage({ tag, event }: Line, message: SpecifiedMessage): Line {
  return { tag, event: { ...event, msg: messageOf(message) } };
}
