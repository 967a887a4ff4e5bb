import type { LogIndex, NodeId, Term } from '../ground/ids.js';

export type { LogIndex, NodeId, Term };

/** The largest term: wire and disk have 48 bits for it. */
export const termMax: Term = 2 ** 48 - 1;

/** What an entry is for: `noop` opens a term (§8), `command` is a client's, `configuration` names the members. */
export const entryKinds = ['noop', 'command', 'configuration'] as const;
export type EntryKind = (typeof entryKinds)[number];

/**
 * A log entry as people and applications see it: what `encode` packs and `decode` gives back. Within the house entries
 * come in runs (`run.ts`).
 */
export interface LogEntry {
  readonly term: Term;
  readonly index: LogIndex;
  /** The leader that created the entry. */
  readonly leaderId: NodeId;
  readonly kind: EntryKind;
  /** The command's bytes; empty for a no-op. */
  readonly command: Uint8Array;
}

/** The part of a server's state that must be on stable storage before it answers (Figure 2). One record. */
export interface HardState {
  readonly term: Term;
  /** The candidate that got this server's vote in `term`, or null. */
  readonly votedFor: NodeId | null;
}
