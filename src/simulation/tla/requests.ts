import type { LogIndex, NodeId, Term } from '../../raft/entry.js';
import type { AppendEntries, InstallSnapshot, RequestVote } from '../../raft/messages.js';
import { entriesIn } from '../../raft/run.js';
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

/** What a leader's message brings, as the node itself has it. */
export interface Carried {
  /** Entries as they are sent; those that a snapshot stands for, for a receiver that lacks them; or a sign of life. */
  readonly kind: 'entries' | 'snapshot' | 'pulse';
  readonly prev: LogIndex;
  readonly count: number;
  readonly leaderCommit: LogIndex;
}

export interface SentAppend extends Carried {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly term: Term;
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

/** What a leader's message says of its entries. */
export type Append = Omit<AppendEntries, 'runs'> & { readonly count: number };

export function remember<Sent>(all: Map<string, Sent[]>, key: string, sent: Sent): void {
  const same = all.get(key);
  if (same === undefined) all.set(key, [sent]);
  else same.push(sent);
}

/** The first that was not received; if all were, it is a copy of the last. */
export function recall<Sent extends { readonly receipts: number }>(
  all: Map<string, Sent[]>,
  key: string,
): Sent | null {
  const same = all.get(key) ?? [];
  return same.find(({ receipts }) => receipts === 0) ?? same.at(-1) ?? null;
}

export function appendOf(message: AppendEntries): Append {
  return { ...message, count: entriesIn(message.runs) };
}

export function appendKey(to: NodeId, message: Append): string {
  const { from, term, prevLogIndex, prevLogTerm, count, leaderCommit, round } = message;
  return `${from} ${to} ${term} ${prevLogIndex} ${prevLogTerm} ${count} ${leaderCommit} ${round}`;
}

export function snapshotKey(to: NodeId, message: InstallSnapshot): string {
  const { from, term, lastIncludedIndex, position, done } = message;
  return `snapshot ${from} ${to} ${term} ${lastIncludedIndex} ${position} ${done}`;
}

export function voteKey(to: NodeId, { from, term, lastLogIndex, lastLogTerm }: RequestVote): string {
  return `${from} ${to} ${term} ${lastLogIndex} ${lastLogTerm}`;
}
