import type { Clock } from '../ground/clock.js';
import type { ClientRequest } from '../node/clients/client-requests.js';
import type { NodeId } from '../raft/entry.js';

/** What a session needs of its cluster. */
export interface SessionHost {
  readonly clock: Clock;
  readonly commandBytesMax: number;
  /** How long to wait before a node that knew no leader is asked again. */
  readonly retryPauseMs: number;
  /** The leader as last reported. */
  leaderId(): NodeId | null;
  /** A node that could answer a stale read. */
  anyNode(): NodeId | null;
  /** False if the node's thread is not there to hear it. */
  post(id: NodeId, request: ClientRequest): boolean;
}
