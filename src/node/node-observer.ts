import type { LogIndex } from '../raft/entry.js';
import type { NodeStanding, Recovery } from './information.js';

/** Hears what happens to a node, after the turn in which it did. */
export interface NodeObserver {
  /** Role, substate, term or known leader changed. */
  standingChanged(standing: NodeStanding): void;
  /** More is committed or applied; of what the node found in its log when it started, so much. */
  progressed(commitIndex: LogIndex, height: LogIndex, recovery: Recovery | null): void;
  /** The node cannot go on: its disk or application failed, or an invariant broke. It does nothing any more. */
  died(error: unknown): void;
}
