import type { ConfigurationData } from './configuration.js';
import type { LogIndex, Term } from './entry.js';

/** What a snapshot stands for: the state after an entry, and all of the log through it (§7). */
export interface SnapshotMark {
  /** The last entry that is in it. */
  readonly index: LogIndex;
  /** That entry's term. */
  readonly term: Term;
  /** The configuration that was in force at `index`: the latest in the log through it. */
  readonly configuration: ConfigurationData;
  /** The entry that brought it; 0 for the one that the cluster was made with. */
  readonly configurationIndex: LogIndex;
}
