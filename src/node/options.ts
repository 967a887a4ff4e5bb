import type { LogIndex, NodeId } from '../raft/entry.js';
import type { LeaseOptions } from '../raft/lease.js';

/** Durations in milliseconds. */
export interface Timings {
  /** A follower that hears no leader stands for election after a time drawn anew from this range (150 to 300; §5.2). */
  readonly electionTimeoutMsMin: number;
  readonly electionTimeoutMsMax: number;
  /** A leader speaks to every follower at least this often (50). */
  readonly heartbeatMs: number;
}

/** When a node takes a snapshot of its state and gives up the log's beginning: whichever comes first. */
export interface SnapshotSettings {
  /** After so many entries; 0: never for their number. */
  readonly everyEntries: number;
  /** After so many bytes of commands, or as many as the last snapshot has if those are more. */
  readonly everyLogBytes: number;
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
  /**
   * Bytes of the log's end that are kept in memory once they are applied and durable (32 MiB); a follower that needs what
   * was before is sent it from disk.
   */
  readonly logMemoryBytes: number;
  /** Reads waiting at one node (65,536); more are refused with `OverloadedError`. */
  readonly readsMax: number;
}

/** All that decides a node's behaviour besides its ports. */
export interface NodeOptions {
  readonly id: NodeId;
  /**
   * The voting members that the cluster was made with, this node included if it was one. The same on every node, for
   * good: whom the log names since then counts more.
   */
  readonly voters: readonly NodeId[];
  /** Members from the beginning that receive the log and do not vote (light nodes). */
  readonly learners: readonly NodeId[];
  /** Where other processes reach those; absent where all nodes live in one. */
  readonly addresses?: Readonly<Record<NodeId, string>>;
  /** The node is none of these: it joins a cluster that is there, and waits until a leader adds it (false). */
  readonly joins?: boolean;
  /** Of one that joins: who bore its id and was added by this entry or before was another server (0). */
  readonly joinsAfter?: LogIndex;
  readonly timings: Timings;
  readonly limits: Limits;
  readonly snapshots: SnapshotSettings;
  /** Ask whether an election could be won before spending a term on it (thesis §9.6). It needs `checkQuorum`. */
  readonly preVote: boolean;
  /** A leader that hears no majority for an election timeout steps down, and voters that hear a leader refuse others (thesis §6.2). */
  readonly checkQuorum: boolean;
  /** Leaders may answer reads that ask for it by lease, and wait for each other's; absent: nobody does. The same on every node. */
  readonly leases?: LeaseOptions;
  /** May this node stand for election? Changes with `setCandidacy`. */
  readonly candidacy: boolean;
  /** Seeds the node's own chance: election timeouts. */
  readonly seed: number;
}
