import type { LogIndex, NodeId } from '../../raft/entry.js';
import type { NodeStanding } from '../information.js';
import type { Spread } from './distribution.js';
import type { Counts } from './node-counts.js';

/** How a follower keeps up, as its leader knows it. */
export interface PeerMeasures {
  readonly peer: NodeId;
  /** The last entry known to be durable there. */
  readonly matchIndex: number;
  /** How long it has not answered, in milliseconds; null if it has not in this term. */
  readonly silentMs: number | null;
}

/** What a node measures of itself, for people on call. Counters begin with a life of its thread. */
export interface NodeMeasures extends NodeStanding {
  readonly firstIndex: LogIndex;
  readonly lastLogIndex: LogIndex;
  /** The entry that the newest snapshot on its disk ends with; 0 while there is none. */
  readonly snapshotIndex: LogIndex;
  readonly voters: number;
  readonly commitIndex: LogIndex;
  readonly height: LogIndex;
  /** Requests of clients that are not answered in full. */
  readonly requestsOpen: number;
  readonly preElections: number;
  readonly elections: number;
  readonly electionsWon: number;
  readonly leaders: number;
  readonly commandsTaken: number;
  readonly commandsApplied: number;
  readonly commandsRefused: Counts;
  readonly readsTaken: number;
  readonly readsAnswered: number;
  readonly readsRefused: Counts;
  readonly messagesSent: Counts;
  readonly messagesReceived: Counts;
  /** By why they were not heard. */
  readonly framesDropped: Counts;
  readonly entriesWritten: number;
  readonly bytesWritten: number;
  readonly writes: Spread;
  readonly commits: Spread;
  /** A leader's followers; of others none. */
  readonly peers: readonly PeerMeasures[];
}
