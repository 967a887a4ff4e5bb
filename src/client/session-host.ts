import type { SessionEvent } from '../../machines/session.js';
import type { Clock } from '../ground/clock.js';
import type { ClientRequest } from '../node/clients/client-requests.js';
import type { NodeId } from '../raft/entry.js';
import type { SentLimits } from './sent-commands.js';

/** What a session needs of its cluster. */
export interface SessionHost {
  readonly clock: Clock;
  readonly commandBytesMax: number;
  readonly queryBytesMax: number;
  /** How long to wait before a node that knew no leader is asked again. */
  readonly retryPauseMs: number;
  /** Are commands to be applied once, however often they are sent (thesis §6.3)? */
  readonly sessions: boolean;
  /** The leader as last reported. */
  leaderId(): NodeId | null;
  /** A node that could answer a stale read. */
  anyNode(): NodeId | null;
  /** False if the node's thread is not there to hear it. */
  post(id: NodeId, request: ClientRequest): boolean;
}

/**
 * What a session has under way at most, waiting calls included. What is above it is refused (`OverloadedError`), for
 * without a majority nothing leaves a session before its deadline.
 */
export interface SessionLimits extends SentLimits {
  /** Bytes of commands; but one command may be under way whatever its size. */
  readonly commandsBytesMax: number;
  readonly readsMax: number;
  /** Bytes of queries; but one query may be under way whatever its size. */
  readonly readsBytesMax: number;
  /** What one node is asked at a time; more wait, or its turns would grow so long that it is deposed. */
  readonly readsAtNodeMax: number;
}

export const sessionLimits: SessionLimits = {
  commandsMax: 65_536,
  commandsBytesMax: 64 * 1024 * 1024,
  commandsPerMessageMax: 4096,
  commandsAtNodeMax: 8192,
  bytesAtNodeMax: 8 * 1024 * 1024,
  readsMax: 65_536,
  readsBytesMax: 64 * 1024 * 1024,
  readsAtNodeMax: 2048,
};

/** Who hears of what befalls calls. */
export interface CallNews {
  /** A node did not take what was for the leader. */
  refused(event: Extract<SessionEvent, { type: 'node.refused' }>): void;
  /** What became of the session in the log. */
  session(event: Extract<SessionEvent, { type: `session.${string}` }>): void;
  /** There is something to be done at the end of this turn. */
  turnDue(): void;
}
