import type { LogIndex } from '../raft/entry.js';
import type { NodeStanding } from './information.js';

/** Hears what happens to a node, after the turn in which it did. */
export interface NodeObserver {
  /** Role, substate, term or known leader changed. */
  standingChanged(standing: NodeStanding): void;
  /** More is committed or applied. */
  progressed(commitIndex: LogIndex, height: LogIndex): void;
  /** The node cannot go on: its disk or application failed, or an invariant broke. It does nothing any more. */
  died(error: unknown): void;
}
