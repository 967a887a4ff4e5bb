import type { ConclaveError } from '../ground/errors.js';
import type { Proposed } from '../node/clients/client-requests.js';
import type { LogIndex, NodeId } from '../raft/entry.js';
import type { SessionCommand } from '../wire/sessions.js';
import { type Call, outcomeUnknown } from './calls.js';

/** A command and its outcome, as `propose` promised it. */
export interface Command extends Call<Proposed> {
  /** The session's own: the caller's may change or be handed to another thread at any moment. */
  readonly bytes: Uint8Array;
  /** The one node it may be sent to, or null. */
  readonly only: NodeId | null;
  /** It is to be found valid before it is appended. */
  readonly verify: boolean;
  /** It is the session's own: to open it, or to keep it alive. */
  readonly what: SessionCommand['type'] | null;
  /** The session that it has a number in, and the number; null and 0 while it has none. */
  session: LogIndex | null;
  sequence: number;
  /** The last node that may have appended it and has not said so, or null. */
  mayBeAt: NodeId | null;
  /** Its number in the node's replies while it is with one. */
  number: number;
  /** Who has it, or null. */
  sentTo: NodeId | null;
  isOver: boolean;
  /** No longer hears whether it is aborted. */
  forget: (() => void) | null;
}

/** A command that nobody has yet. */
export function newCommand(
  given: Pick<
    Command,
    'bytes' | 'only' | 'timeoutMs' | 'deadlineMs' | 'signal' | 'settle' | 'verify' | 'what'
  >,
): Command {
  const { bytes, only, timeoutMs, deadlineMs, signal, settle, verify, what } = given;
  // Field by field: objects that are made by spreading another cost the session three quarters of its time.
  return {
    bytes,
    only,
    timeoutMs,
    deadlineMs,
    signal,
    settle,
    verify,
    what,
    session: null,
    sequence: 0,
    mayBeAt: null,
    number: -1,
    sentTo: null,
    isOver: false,
    forget: null,
  };
}

/** Its deadline has passed, and somebody has it. */
export function unheard({ sentTo, mayBeAt, timeoutMs }: Command): Error {
  return outcomeUnknown(`No outcome was heard from node ${sentTo ?? mayBeAt} within ${timeoutMs} ms`);
}

/** It is refused now, and may have been applied when it was sent before. */
export function unknownOf({ mayBeAt }: Command, refusal: ConclaveError): Error {
  const why = `The command was refused after it had been sent to node ${mayBeAt}: ${refusal.message.replace(/\.$/, '')}`;
  return outcomeUnknown(why, { cause: refusal });
}
