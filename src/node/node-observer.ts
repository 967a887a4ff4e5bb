import type { LogIndex } from '../raft/entry.js';
import type { StoredSnapshot } from '../storage/storage.js';
import type { MembersInformation, NodeStanding, Recovery } from './information.js';

/** What became of a node's snapshots. */
export type SnapshotNews =
  /** The node took one of its state; it was sent its leader's in place of its log; its state is a snapshot's now. */
  | { readonly type: 'taken' | 'installed' | 'restored'; readonly snapshot: StoredSnapshot }
  /** One cannot be read: the node goes back to the one before. */
  | { readonly type: 'damaged'; readonly snapshot: StoredSnapshot; readonly error: unknown }
  /** None can be taken, and the log is kept. Told once where the application has no methods for it. */
  | { readonly type: 'unavailable'; readonly message: string };

/** Hears what happens to a node, after the turn in which it did. */
export interface NodeObserver {
  /** Role, substate, term or known leader changed. */
  standingChanged(standing: NodeStanding): void;
  /** More is committed or applied; of what the node found in its log when it started, so much. */
  progressed(commitIndex: LogIndex, height: LogIndex, recovery: Recovery | null): void;
  snapshotNews(news: SnapshotNews): void;
  /**
   * Another configuration is in force at the node, or it is known now that the one in force is committed; of a node that
   * joins, that it was added.
   */
  configured?(configuration: MembersInformation, isCommitted: boolean): void;
  /** The node cannot go on: its disk or application failed, or an invariant broke. It does nothing any more. */
  died(error: unknown): void;
}
