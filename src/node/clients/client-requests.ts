import { packBytes, unpackBytes } from '../../ground/byte-strings.js';
import { type ConclaveError, InvalidOptionError, OutcomeUnknownError } from '../../ground/errors.js';
import { messageOf } from '../../ground/thrown.js';
import type { LogIndex, NodeId, SessionPlace, Term } from '../../raft/entry.js';
import { encodeSessionCommand, type SessionCommand } from '../../wire/sessions.js';
import { type ErrorReport, reportOf } from '../host/error-report.js';

/*
 * What clients ask of a node, and what they are answered. It passes between a session and a node over a line that is
 * theirs alone: who asked is known by the line, so that the numbers are the session's own and need differ only among
 * what it has under way. What is said on a line arrives in order, or the line ends with the node's thread.
 *
 * Each command and each read is answered exactly once, unless the thread dies. Commands and results travel as packed
 * byte strings, a whole turn's in one buffer: see `packBytes` in `src/ground/byte-strings.ts`.
 */

export const consistencies = ['linearizable', 'stale', 'lease'] as const;
export type Consistency = (typeof consistencies)[number];

/** The place of a command in its client's session, as the client says it; the leader adds the time. */
export type ProposedPlace = Omit<SessionPlace, 'logTimeMs'>;

export type ClientRequest =
  /** `count` packed commands, numbered `first`, `first + 1`, … */
  | {
      readonly type: 'propose';
      readonly first: number;
      readonly count: number;
      readonly commands: Uint8Array;
      /** The first one's place in the client's session; without one a command may be applied twice if it is sent twice. */
      readonly session?: ProposedPlace;
      /** Have them verified, also where the application verifies only what is asked for. */
      readonly verify?: true;
    }
  /** To open a session (its id is the index of the answer, which is `applied`), to keep it alive, or to end it. */
  | {
      readonly type: 'session';
      readonly first: number;
      readonly what: SessionCommand['type'];
      readonly session: ProposedPlace;
    }
  | {
      readonly type: 'read';
      readonly request: number;
      readonly query: Uint8Array;
      readonly consistency: Consistency;
      /** Of a stale read alone. */
      readonly maxStaleMs?: number;
    };

export type ClientReply =
  /**
   * Commands `first` … `first + count - 1` were applied at `index`, `index + 1`, …; `results` are packed. Of commands
   * that were applied before, all of that is as it was the first time.
   */
  | {
      readonly type: 'applied';
      readonly first: number;
      readonly count: number;
      readonly index: LogIndex;
      readonly term: Term;
      readonly results: Uint8Array;
    }
  | { readonly type: 'refused'; readonly first: number; readonly count: number; readonly error: ErrorReport }
  | {
      readonly type: 'answer';
      readonly request: number;
      readonly result: Uint8Array;
      readonly index: LogIndex;
      /** Of a stale read alone: see `Answered`. */
      readonly ageMs?: number | null;
    }
  | { readonly type: 'readRefused'; readonly request: number; readonly error: ErrorReport };

/** Who a client in another process is, and what it may do. */
export interface ClientRights {
  /** For people. */
  readonly name: string;
  readonly mayPropose: boolean;
  /** May it change members, hand leadership over and have snapshots taken? */
  readonly mayOperate: boolean;
}

/** A reply of this type. */
export type ReplyOf<Type extends ClientReply['type']> = Extract<ClientReply, { type: Type }>;

/** Takes the answers to one client's requests. */
export type Reply = (reply: ClientReply) => void;

/** Commands of one client, numbered `first`, `first + 1`, … by it. */
export interface Proposal {
  readonly first: number;
  readonly count: number;
  /** The commands, packed: from now on the node's, never written again. */
  readonly body: Uint8Array;
  /** The first one's place in the client's session; only where they are of one. */
  readonly session?: ProposedPlace;
  /** It is not about the application: the session itself is to be opened, kept or ended. */
  readonly isOfSession?: true;
  /** The client asks for a verification round. */
  readonly isToBeVerified?: true;
  readonly reply: Reply;
}

export interface ClientRead {
  readonly kind: 'client';
  readonly request: number;
  readonly query: Uint8Array;
  /** May the leader answer it by its lease, if it has one? */
  readonly mayUseLease?: true;
  /** Of a stale read: how old the state may be that answers it, in milliseconds. */
  readonly maxStaleMs?: number;
  readonly reply: Reply;
}

/** A client's question, a follower's request for a read index on behalf of its own client, or a leader's own doubt whether it leads. */
export type Read =
  | ClientRead
  | { readonly kind: 'peer'; readonly from: NodeId; readonly request: number }
  | {
      readonly kind: 'own';
      readonly confirmed: () => void;
      readonly refused: (error: ConclaveError) => void;
    };

/** Where a command ended up, and what applying it gave. */
export interface Proposed {
  readonly index: LogIndex;
  readonly term: Term;
  readonly result: Uint8Array;
}

/** A query's result, and the index whose state it shows. */
export interface Answered {
  readonly result: Uint8Array;
  readonly index: LogIndex;
  /**
   * Of a stale read: how long ago, in milliseconds, the state was last all that its node's leader said was committed; what
   * that took on its way comes on top. Null: the node has not come so far since it started.
   */
  readonly ageMs?: number | null;
}

/** What a client asks for its session, as a proposal. The answer to who opens one says how long it may be silent. */
export function sessionProposal(
  { first, what, session }: Extract<ClientRequest, { type: 'session' }>,
  timeoutMs: number,
  reply: Reply,
): Proposal {
  const command = what === 'open' ? ({ type: what, timeoutMs } as const) : { type: what };
  const body = packBytes([encodeSessionCommand(command)]);
  return { first, count: 1, body, session, isOfSession: true, reply };
}

/** The commands one by one, for whoever has to judge each. */
export function commandsOf({ body, count }: Proposal): Uint8Array[] {
  return unpackBytes(body, count) ?? [];
}

/** Nothing of the proposal was appended. */
export function refuseProposal({ first, count, reply }: Proposal, error: ConclaveError): void {
  reply({ type: 'refused', first, count, error: reportOf(error) });
}

/** @param cause what the node died of that had the command, if it did */
export function outcomeUnknown(why: string, cause?: unknown): OutcomeUnknownError {
  const reason = cause === undefined ? '' : `: ${messageOf(cause)}`;
  return new OutcomeUnknownError(
    `${why}${reason.replace(/\.$/, '')}. It may or may not take effect; propose it again only if applying it twice does no harm.`,
    cause === undefined ? undefined : { cause },
  );
}

/** A command or a query that cannot be one. */
export function notBytes(what: string, found: unknown): InvalidOptionError {
  return new InvalidOptionError(`A ${what} is a Uint8Array; this is ${typeof found}.`);
}

export function invalidConsistency(consistency: unknown): InvalidOptionError {
  return new InvalidOptionError(
    `consistency is ${String(consistency)}. Give ${consistencies.map((each) => `'${each}'`).join(', ')}.`,
  );
}
