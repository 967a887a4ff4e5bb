import type { LogIndex, NodeId, Term } from '../ground/ids.js';

export type { LogIndex, NodeId, Term };

/** The largest term: wire and disk have 48 bits for it. */
export const termMax: Term = 2 ** 48 - 1;

/**
 * What an entry is for: `noop` opens a term (§8), `command` is a client's, `configuration` names the members, `session`
 * opens a client's session, keeps it or ends it (thesis §6.3). Their places are their numbers on wire and disk.
 */
export const entryKinds = ['noop', 'command', 'configuration', 'session'] as const;
export type EntryKind = (typeof entryKinds)[number];

/** Where an entry stands among those of a client's session (thesis §6.3). */
export interface SessionPlace {
  /** The session: the index of the entry that opened it; 0 in that entry itself. */
  readonly id: LogIndex;
  /** The command's number in the session, from 1 on; 0 where the entry is no command. */
  readonly sequence: number;
  /** The lowest number whose result the client may still ask for: all below are over, one way or the other. */
  readonly acknowledged: number;
  /** When the leader appended it, on the log's own clock (`LogTime`), in milliseconds; never falls along a log. */
  readonly logTimeMs: number;
}

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
  /** Only where the entry is of a session. */
  readonly session?: SessionPlace;
}

/** The part of a server's state that must be on stable storage before it answers (Figure 2). One record. */
export interface HardState {
  readonly term: Term;
  /** The candidate that got this server's vote in `term`, or null. */
  readonly votedFor: NodeId | null;
}
