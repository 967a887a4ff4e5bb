import type { NodeId } from '../raft/entry.js';

/** Durations in milliseconds. */
export interface Timings {
  /** A follower that hears no leader stands for election after a time drawn anew from this range (150 to 300; §5.2). */
  readonly electionTimeoutMsMin: number;
  readonly electionTimeoutMsMax: number;
  /** A leader speaks to every follower at least this often (50). */
  readonly heartbeatMs: number;
}

/** Bounds on what a node holds and sends. */
export interface Limits {
  /** The largest command, in bytes (1 MiB; at most 32 MiB, and then with longer timings than the default). */
  readonly commandBytesMax: number;
  /** The largest query, in bytes (1 MiB; at most 32 MiB). */
  readonly queryBytesMax: number;
  /** Entry bytes in one AppendEntries message (256 KiB; at least one entry is always sent). */
  readonly appendBytesMax: number;
  /** AppendEntries messages under way to one follower (64). */
  readonly appendsInFlightMax: number;
  /**
   * Commands of clients in one node's log that wait for their outcome (65,536); more are refused with
   * `OverloadedError`. As many may wait besides that were cut off the log of a leader that was deposed.
   */
  readonly proposalsMax: number;
  /**
   * A client's session that is silent for so long is ended, and with it what is known of its commands; in milliseconds of
   * log time, which passes as the clocks of leaders do (600,000). Those of the leader that opens the session hold for it.
   */
  readonly sessionTimeoutMs: number;
  /** Reads waiting at one node (65,536); more are refused with `OverloadedError`. */
  readonly readsMax: number;
}

/** All that decides a node's behaviour besides its ports. */
export interface NodeOptions {
  readonly id: NodeId;
  /** All voting members, this node included if it votes. The same on every node. */
  readonly voters: readonly NodeId[];
  /** Members that receive the log and never vote (light nodes). */
  readonly learners: readonly NodeId[];
  readonly timings: Timings;
  readonly limits: Limits;
  /** Ask whether an election could be won before spending a term on it (thesis §9.6). It needs `checkQuorum`. */
  readonly preVote: boolean;
  /** A leader that hears no majority for an election timeout steps down, and voters that hear a leader refuse others (thesis §6.2). */
  readonly checkQuorum: boolean;
  /** May this node stand for election? Changes with `setCandidacy`. */
  readonly candidacy: boolean;
  /** Seeds the node's own chance: election timeouts. */
  readonly seed: number;
}
