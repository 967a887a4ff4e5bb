import type { ProposeOptions, ReadOptions } from '../../ground/call-options.js';
import { ConclaveError } from '../../ground/errors.js';
import { refuseUnknown, requireMethods } from '../../ground/option-checks.js';
import type { LogIndex, Term } from '../../raft/entry.js';
import type { Value } from './commands.js';
import * as commands from './commands.js';
import * as queries from './queries.js';
import * as results from './results.js';

/** What the client needs of a cluster. `RaftCluster` has it. */
export interface ProposesAndReads {
  propose(
    command: Uint8Array,
    options?: ProposeOptions,
  ): Promise<{ readonly index: LogIndex; readonly term: Term; readonly result: Uint8Array }>;
  read(
    query: Uint8Array,
    options?: ReadOptions,
  ): Promise<{ readonly result: Uint8Array; readonly index: LogIndex }>;
}

/** Where in the log a command took effect. */
export interface Committed {
  readonly index: LogIndex;
  readonly term: Term;
}

/** The store took the command and refused it: nothing changed. `code` is a `FailureCode`. */
export class KeyValueError extends ConclaveError {
  constructor(failure: results.Failure) {
    super(failure.code, failure.message);
  }
}

/**
 * The key-value store of a cluster, typed. Every method rejects as the cluster's `propose` and `read` do, with
 * `KeyValueError` when the store refuses, and with `InvalidOptionError` when an argument is out of bounds.
 */
export class KeyValueClient {
  readonly #cluster: ProposesAndReads;

  /** @throws {InvalidOptionError} for what is no cluster. */
  constructor(cluster: ProposesAndReads) {
    requireMethods('cluster', cluster, ['propose', 'read']);
    this.#cluster = cluster;
  }

  /** Sets a key. `previous` is what it held, or null. */
  async put(
    key: string,
    value: Value,
    options?: ProposeOptions,
  ): Promise<Committed & { previous: Value | null }> {
    const { index, term, result } = await this.#cluster.propose(commands.put(key, value), options);
    const { previous } = accept(results.decodePrevious(result));
    return { index, term, previous };
  }

  /** Deletes a key. `previous` is what it held, or null. */
  async delete(key: string, options?: ProposeOptions): Promise<Committed & { previous: Value | null }> {
    const { index, term, result } = await this.#cluster.propose(commands.remove(key), options);
    const { previous } = accept(results.decodePrevious(result));
    return { index, term, previous };
  }

  /** Deletes a key if it holds what is expected, such as a lock that is one's own. `deleted` says whether it did. */
  async compareAndDelete(
    key: string,
    expected: Value,
    options?: ProposeOptions,
  ): Promise<Committed & { deleted: boolean; previous: Value | null }> {
    const { swapped, ...rest } = await this.compareAndSet(key, expected, null, options);
    return { ...rest, deleted: swapped };
  }

  /**
   * Sets a key if it holds what is expected. `swapped` says whether it did, `previous` what it held. Null stands for
   * nothing: `compareAndSet(lock, null, me)` takes a lock that is free, and `compareAndSet(lock, me, null)` frees it.
   */
  async compareAndSet(
    key: string,
    expected: Value | null,
    value: Value | null,
    options?: ProposeOptions,
  ): Promise<Committed & { swapped: boolean; previous: Value | null }> {
    const command =
      value === null
        ? commands.compareAndRemove(key, expected)
        : commands.compareAndSet(key, expected, value);
    const { index, term, result } = await this.#cluster.propose(command, options);
    const { swapped, previous } = accept(results.decodeSwap(result));
    return { index, term, swapped, previous };
  }

  /** Adds to the whole number that a key holds as decimal text (absent: 0). `value` is the sum. */
  async increment(key: string, by = 1, options?: ProposeOptions): Promise<Committed & { value: number }> {
    const { index, term, result } = await this.#cluster.propose(commands.increment(key, by), options);
    const { value } = accept(results.decodeSum(result));
    return { index, term, value };
  }

  /** Appends a record to the chain. `position` is where it stands; the first is 0. */
  async record(bytes: Uint8Array, options?: ProposeOptions): Promise<Committed & { position: number }> {
    const { index, term, result } = await this.#cluster.propose(commands.record(bytes), options);
    const { position } = accept(results.decodePosition(result));
    return { index, term, position };
  }

  /** What a key holds, or null. */
  async get(key: string, options?: ReadOptions): Promise<Value | null> {
    const { result } = await this.#cluster.read(queries.get(key), options);
    return accept(results.decodeValue(result)).value;
  }

  /** A page of the keys that start with a prefix, in order, with their values. */
  async list(
    prefix: string,
    page: { readonly limit?: number; readonly after?: string | null } = {},
    options?: ReadOptions,
  ): Promise<results.KeyPage> {
    refuseUnknown('page setting', page, { limit: true, after: true });
    const query = queries.listByPrefix(prefix, page.limit, page.after);
    const { result } = await this.#cluster.read(query, options);
    return accept(results.decodeKeyPage(result));
  }

  /** The record at a position, or null past the end of the chain. */
  async recordAt(position: number, options?: ReadOptions): Promise<Uint8Array | null> {
    const { result } = await this.#cluster.read(queries.recordAt(position), options);
    return accept(results.decodeRecord(result)).record;
  }

  /** A page of consecutive records. */
  async records(from: number, limit?: number, options?: ReadOptions): Promise<results.RecordPage> {
    const { result } = await this.#cluster.read(queries.records(from, limit), options);
    return accept(results.decodeRecordPage(result));
  }

  /** How many records there are. */
  async recordCount(options?: ReadOptions): Promise<number> {
    const { result } = await this.#cluster.read(queries.recordCount(), options);
    return accept(results.decodeCount(result)).count;
  }

  /** How many keys there are. */
  async keyCount(options?: ReadOptions): Promise<number> {
    const { result } = await this.#cluster.read(queries.keyCount(), options);
    return accept(results.decodeCount(result)).count;
  }
}

function accept<Success extends { readonly ok: true }>(result: Success | results.Failure): Success {
  if (result.ok) return result;
  throw new KeyValueError(result);
}
