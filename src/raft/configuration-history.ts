import type { Configuration } from './configuration.js';
import type { LogIndex, NodeId } from './entry.js';
import { invariant } from './invariant.js';
import type { Run } from './run.js';

/** A configuration and the entry that brought it: 0 where no entry did, because the cluster was made with it. */
export interface PlacedConfiguration {
  readonly index: LogIndex;
  readonly configuration: Configuration;
}

/** What a run of the kind `configuration` says; null when that is nothing. */
export type ConfigurationReader = (run: Run) => Configuration | null;

/**
 * The configurations of a server's log: the one that its first entry follows, and one for each configuration entry.
 * The latest is in force, committed or not; what is cut off the log takes its configurations with it (§6).
 */
export class ConfigurationHistory {
  readonly #read: ConfigurationReader;
  /** Ascending, never empty. */
  #placed: PlacedConfiguration[];
  #latest: PlacedConfiguration;

  /**
   * @param first in force before the log's first entry
   * @param index its own entry's, if one brought it
   */
  constructor(first: Configuration, read: ConfigurationReader, index: LogIndex = 0) {
    this.#latest = { index, configuration: first };
    this.#placed = [this.#latest];
    this.#read = read;
  }

  /** The one in force. */
  get latest(): Configuration {
    return this.#latest.configuration;
  }

  /** The index of its entry. */
  get latestIndex(): LogIndex {
    return this.#latest.index;
  }

  /** All that are known, ascending. */
  get all(): readonly PlacedConfiguration[] {
    return this.#placed;
  }

  /** The one that is in force where the log ends with `index`. */
  at(index: LogIndex): PlacedConfiguration {
    let found = this.#placed[0] as PlacedConfiguration;
    for (const placed of this.#placed) if (placed.index <= index) found = placed;
    return found;
  }

  /** The one before the latest; the latest itself where no earlier one is known. */
  get previous(): Configuration {
    return (this.#placed.at(-2) ?? this.#latest).configuration;
  }

  /** Does any that is known name this member, as one that was added after the entry `after` if that is given? */
  hasNamed(id: NodeId, after = -1): boolean {
    return this.#placed.some(({ configuration }) => (configuration.member(id)?.incarnation ?? -1) > after);
  }

  append(index: LogIndex, configuration: Configuration): void {
    invariant(
      index > this.#latest.index,
      () => `A configuration at ${index} cannot follow one at ${this.#latest.index}.`,
    );
    this.#latest = { index, configuration };
    this.#placed.push(this.#latest);
  }

  /** Can it be taken in? What peers say is asked before it is appended. */
  canFollow(run: Run): boolean {
    return run.kind !== 'configuration' || this.#read(run) !== null;
  }

  /** Takes in what these runs, appended to the log, say of configurations. True when one came. */
  follow(runs: readonly Run[]): boolean {
    let came = false;
    for (const run of runs) {
      if (run.kind !== 'configuration') continue;
      const configuration = this.#read(run);
      invariant(
        configuration !== null,
        () => `Entry ${run.firstIndex} is to name a configuration and names none.`,
      );
      this.append(run.firstIndex, configuration);
      came = true;
    }
    return came;
  }

  /** The entry at `index` and all after it are gone: so are their configurations. */
  truncateFrom(index: LogIndex): void {
    const kept = this.#placed.filter((placed) => placed.index < index);
    invariant(kept.length > 0, () => `No configuration is known before entry ${index}.`);
    this.#setTo(kept);
  }

  /** Nobody will ask about the log before `index` any more. */
  dropThrough(index: LogIndex): void {
    const first = this.at(index);
    this.#setTo(this.#placed.filter((placed) => placed.index >= first.index));
  }

  /** The log is another one now, that follows a snapshot: all that is known is the snapshot's configuration. */
  restore(index: LogIndex, configuration: Configuration): void {
    this.#setTo([{ index, configuration }]);
  }

  #setTo(placed: PlacedConfiguration[]): void {
    this.#placed = placed;
    this.#latest = placed.at(-1) as PlacedConfiguration;
  }
}
