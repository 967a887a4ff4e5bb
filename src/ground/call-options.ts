import type { NodeId } from './ids.js';

/** How long a call may take, and who may end it before. */
export interface WaitOptions {
  /** How long to try, and to wait for the outcome (5000). */
  readonly timeoutMs?: number;
  /** Aborted, it ends the call: with `AbortedError`, or `OutcomeUnknownError` if a command had been sent. */
  readonly signal?: AbortSignal;
}

/** How a command is to be proposed. */
export interface ProposeOptions extends WaitOptions {
  /** Propose at this node and nowhere else. */
  readonly node?: NodeId;
  /** Have a majority of voters find the command valid before it is appended (false; see `Application.verify`). */
  readonly verify?: boolean;
}

/** How a query is to be answered. */
export interface ReadOptions extends WaitOptions {
  /**
   * `linearizable` (default) sees every command that was answered before; so does `lease`, without a round of messages where
   * the cluster has leases, as long as clocks drift no more than its `leases.clockDriftMax`; `stale` sees what one node has
   * applied.
   */
  readonly consistency?: 'linearizable' | 'stale' | 'lease';
  /** Of a stale read: the age of the state that may answer it, in milliseconds (any); see `Answered.ageMs`. */
  readonly maxStaleMs?: number;
  /** Ask this node and no other. */
  readonly node?: NodeId;
}
