import type { Application } from '../../application/application.js';
import { requireBytes } from '../../application/contract.js';
import { ApplicationError } from '../../ground/errors.js';
import { messageOf } from '../../ground/thrown.js';
import type { LogEntry, LogIndex } from '../../raft/entry.js';
import { invariant } from '../../raft/invariant.js';
import type { Replica } from '../../raft/replica.js';
import type { LogEntryCodec } from '../../wire/log-entry.js';

/** Entries applied in one turn; more wait for the next, so that a long catch-up does not delay heartbeats. */
const entriesPerTurnMax = 4096;

const noResult = new Uint8Array(0);

/** Feeds committed entries to the state machine, in order, each once: the only place where entries are decoded. */
export class Applier {
  readonly #replica: Replica;
  readonly #codec: LogEntryCodec;
  readonly #application: Application;

  constructor(replica: Replica, codec: LogEntryCodec, application: Application) {
    this.#replica = replica;
    this.#codec = codec;
    this.#application = application;
  }

  /** Applies what is committed, up to a bound; `applied` hears each entry's result. True when more is left. */
  applyCommitted(applied: (entry: LogEntry, result: Uint8Array) => void): boolean {
    const replica = this.#replica;
    const until = Math.min(replica.commitIndex, replica.lastApplied + entriesPerTurnMax);
    while (replica.lastApplied < until) {
      const entry = this.open(replica.lastApplied + 1);
      const result = entry.kind === 'command' ? this.#apply(entry) : noResult;
      replica.lastApplied = entry.index;
      applied(entry, result);
    }
    return replica.lastApplied < replica.commitIndex;
  }

  /** Decodes the entry at `index`, which the log must have. */
  open(index: LogIndex): LogEntry {
    const stored = this.#replica.log.at(index);
    invariant(stored !== null, () => `Entry ${index} is committed and not in the log.`);
    const entry = this.#codec.decode(stored.bytes);
    invariant(
      entry !== null && entry.index === index && entry.term === stored.term,
      () =>
        `Entry ${index} (term ${stored.term}) cannot be opened: it was written under another cipher or key, or altered.`,
    );
    return entry;
  }

  #apply(entry: LogEntry): Uint8Array {
    try {
      const result: unknown = this.#application.apply(entry.command, entry);
      return result === undefined ? noResult : requireBytes('apply', result);
    } catch (cause) {
      throw new ApplicationError(
        `The application failed to apply entry ${entry.index}: ${messageOf(cause)}. It must be mended before the node can go on.`,
        { cause },
        entry.index,
      );
    }
  }
}
