import type { ProposedPlace } from '../../node/clients/client-requests.js';
import type { LogIndex, NodeId, Term } from '../../raft/entry.js';

/** What a request came to, as a node told it. */
export type Told =
  | { readonly type: 'done'; readonly index: LogIndex; readonly term: Term; readonly result: Uint8Array }
  | { readonly type: 'refused'; readonly code: string };

/** A request on its way: where it was sent last, and how far its answer has come. */
export interface Sending {
  readonly wire: Wire;
  /** What the node answered. */
  told: Told | null;
  /** When that lay before the session, which may have been busy, on its clock. */
  atDoorMs: number;
  /** What the session has heard. */
  heard: Told | null;
  /** The session knows that the line is gone. */
  isLineGone: boolean;
}

export type RequestKind = 'command' | 'linearizable' | 'stale';

/** One call of one caller, from its beginning to its end. */
export interface Request {
  readonly number: number;
  readonly client: number;
  readonly kind: RequestKind;
  /** What is sent. */
  readonly bytes: Uint8Array;
  /** The one node that it may be sent to, or null. */
  readonly only: NodeId | null;
  /** On the session's clock. */
  readonly deadlineMs: number;
  /** The voters are to find it valid before it is appended. */
  readonly verify: boolean;
  /** Nodes that have found it valid. */
  readonly approvedBy: Set<NodeId>;
  /** The session took it; it did not refuse it at the door. */
  isTaken: boolean;
  isOver: boolean;
  sending: Sending | null;
  /** Where it stands in its client's session, if it was sent in one. */
  place: Pick<ProposedPlace, 'id' | 'sequence'> | null;
  /** It was sent, and sent again though nobody had refused it: it may have been taken before. */
  mayBeTaken: boolean;
  appliedAt: LogIndex | null;
  /** Its caller was told that it certainly has no effect. */
  isWithoutEffect: boolean;
}

/** Did the node say that nothing came of it, nor will? */
export function isRefusal(told: Told | null): boolean {
  return told?.type === 'refused' && told.code !== 'OUTCOME_UNKNOWN';
}

/** How a call ended. */
export type Ending =
  | { readonly type: 'done'; readonly index: LogIndex; readonly result: Uint8Array }
  | { readonly type: 'failed'; readonly code: string };

/** Commands that came to a node in one message. */
export interface Batch {
  readonly count: number;
  answered: number;
  wasApplied: boolean;
}

/** A request that a node has and has not answered. */
export interface AtNode {
  readonly request: Request;
  /** Null of a read. */
  readonly batch: Batch | null;
  /** How much was committed anywhere when the question came. */
  readonly committedBefore: LogIndex;
  readonly nodeLed: boolean;
}

/** One line between a session and one life of a node: the numbers that are in use at either end. */
export class Wire {
  readonly client: number;
  readonly node: NodeId;
  /** What the session sent over it and has not heard of. */
  readonly commands = new Map<number, Request>();
  readonly reads = new Map<number, Request>();
  readonly commandsAtNode = new Map<number, AtNode>();
  readonly readsAtNode = new Map<number, AtNode>();
  /** What it asked for its session, and was not answered. */
  readonly sessionsAtNode = new Set<number>();
  readonly batches = new Set<Batch>();
  /** The index that the last stale read showed. */
  staleIndex: LogIndex = 0;

  constructor(client: number, node: NodeId) {
    this.client = client;
    this.node = node;
  }

  /** As the node counts: messages of commands that are not answered in full, and reads. */
  get openAtNode(): number {
    return this.batches.size + this.readsAtNode.size;
  }
}
