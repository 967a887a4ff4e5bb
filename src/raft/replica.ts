import type { Configuration } from './configuration.js';
import type { ConfigurationHistory } from './configuration-history.js';
import type { HardState, LogIndex, NodeId, Term } from './entry.js';
import { Log } from './log.js';
import type { Progress } from './progress.js';

/**
 * The state of one server: Figure 2's, and what pre-vote, check-quorum and reads add. The rules in this folder
 * are functions over it; they change nothing else and send nothing. There is no role here: the chart has it.
 */
export interface Replica {
  readonly id: NodeId;
  /** The latest in the log, committed or not: the one in force (§6). */
  readonly configuration: Configuration;
  /** All that the log has. They change with it, and by nobody else. */
  readonly configurations: ConfigurationHistory;
  /**
   * Null for a server that the cluster was made with. Of one that joins: a bearer of its id that was added by this entry
   * or before is another server, whose disk it does not have.
   */
  readonly joinsAfter: LogIndex | null;

  // Persistent state on all servers.
  currentTerm: Term;
  votedFor: NodeId | null;
  readonly log: Log;

  // Volatile state on all servers.
  commitIndex: LogIndex;
  lastApplied: LogIndex;
  leaderId: NodeId | null;
  /** When the current leader was last heard, in ms of the node's clock, while one is known. A leader's is when it took office. */
  leaderHeardAtMs: number;
  /** When each peer was last heard. */
  readonly heardAtMs: Map<NodeId, number>;
  /** The members that the leader said are alive. */
  aliveByLeader: readonly NodeId[];

  // Volatile state of a candidate or pre-candidate: who answered what in this round, itself included.
  votes: Map<NodeId, boolean>;

  // Volatile state on leaders.
  readonly progress: Map<NodeId, Progress>;
  /** The index of the no-op that began this leader's term. */
  termStartIndex: LogIndex;
  /** The latest round of heartbeats. */
  round: number;
}

/** A server as it comes back from stable storage: commit index and applied index start at 0 again (Figure 2). */
export function newReplica(
  id: NodeId,
  configurations: ConfigurationHistory,
  hardState: HardState,
  log = new Log(),
  joinsAfter: LogIndex | null = null,
): Replica {
  return {
    id,
    get configuration() {
      return configurations.latest;
    },
    configurations,
    joinsAfter,
    currentTerm: hardState.term,
    votedFor: hardState.votedFor,
    log,
    commitIndex: 0,
    lastApplied: 0,
    leaderId: null,
    leaderHeardAtMs: Number.NEGATIVE_INFINITY,
    heardAtMs: new Map(),
    aliveByLeader: [],
    votes: new Map(),
    progress: new Map(),
    termStartIndex: 0,
    round: 0,
  };
}
