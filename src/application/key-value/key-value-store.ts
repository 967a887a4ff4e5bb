import { InvalidOptionError } from '../../ground/errors.js';
import { shown } from '../../ground/option-checks.js';
import type { Application, CommandContext, ProduceContext, SnapshotSink } from '../application.js';
import { type Command, decodeCommand, record, type Value } from './commands.js';
import { decodeQuery, pageBytesMax, type Query } from './queries.js';
import { failure, success } from './results.js';
import { emptyState, type State, StateReader, snapshotOf } from './snapshot.js';
import type { TupleElement } from './tuple.js';

/**
 * Which commands pass the verification round: `none` has no round, `wellFormed` refuses what is no command, and
 * `refusePrefix` refuses besides the commands whose key, or whose record read as text, starts so.
 */
export type Verification = 'none' | 'wellFormed' | { readonly refusePrefix: string };

/** Settings of a `KeyValueStore`, the same on every node. */
export interface KeyValueOptions {
  /** Default `none`. */
  readonly verify?: Verification;
}

/**
 * The application that Conclave comes with: keys with values, and a chain of records. Commands and queries are
 * made by `commands.ts` and `queries.ts`; answers are read by `results.ts`, or all of it by `KeyValueClient`.
 *
 * A command that cannot be read has no effect but its mark on the digest, and says so in its result.
 */
export class KeyValueStore implements Application {
  /** Every command, where an option says which pass; else those that are to be, which pass if they are commands. */
  readonly verifies: 'every' | 'asked';
  readonly #verification: Exclude<Verification, 'none'>;
  #state: State = emptyState();

  /** @throws {InvalidOptionError} when an option is unknown or malformed. */
  constructor(options: KeyValueOptions = {}) {
    const verification = checkOptions(options).verify ?? 'none';
    this.verifies = verification === 'none' ? 'asked' : 'every';
    this.#verification = verification === 'none' ? 'wellFormed' : verification;
  }

  verify(command: Uint8Array): boolean | string {
    return isAcceptable(command, this.#verification);
  }

  apply(command: Uint8Array, context: CommandContext): Uint8Array {
    this.#state.history.add(context.index, command);
    const decoded = decodeCommand(command);
    if (decoded === null) {
      return failure(
        'MALFORMED_COMMAND',
        `The ${command.length} bytes are no key-value command; nothing changed.`,
      );
    }
    return this.#perform(decoded);
  }

  query(query: Uint8Array): Uint8Array {
    const decoded = decodeQuery(query);
    if (decoded === null) {
      return failure('MALFORMED_QUERY', `The ${query.length} bytes are no key-value query.`);
    }
    return this.#answer(decoded);
  }

  snapshot(): Iterable<Uint8Array> {
    return snapshotOf(this.#state);
  }

  /** What the sink throws is an {ApplicationError}: the bytes are no snapshot of this store. */
  restore(): SnapshotSink {
    return new StateReader((state) => {
      this.#state = state;
    });
  }

  digest(): string {
    return this.#state.history.text();
  }

  produce(context: ProduceContext): Uint8Array {
    return record(Buffer.from(`block by node ${context.leaderId} in term ${context.term}`));
  }

  #perform(command: Command): Uint8Array {
    switch (command.kind) {
      case 'put':
        return success(this.#set(command.key, command.value));
      case 'remove':
        return success(this.#remove(command.key));
      case 'compareAndSet':
        return this.#compareAndSet(command.key, command.expected, command.value);
      case 'compareAndRemove':
        return this.#compareAndRemove(command.key, command.expected);
      case 'increment':
        return this.#increment(command.key, command.by);
      case 'record':
        return success(this.#state.records.append(command.bytes));
    }
  }

  #set(key: string, value: Value): Value | null {
    const previous = this.#state.values.get(key);
    this.#state.values.set(key, value);
    return previous ?? null;
  }

  #remove(key: string): Value | null {
    const previous = this.#state.values.get(key);
    if (previous === undefined) return null;
    this.#state.values.delete(key);
    return previous;
  }

  #compareAndSet(key: string, expected: Value | null, value: Value): Uint8Array {
    const previous = this.#state.values.get(key) ?? null;
    if (!isSame(previous, expected)) return success(0, previous);
    this.#set(key, value);
    return success(1, previous);
  }

  #compareAndRemove(key: string, expected: Value | null): Uint8Array {
    const previous = this.#state.values.get(key) ?? null;
    if (!isSame(previous, expected)) return success(0, previous);
    this.#remove(key);
    return success(1, previous);
  }

  #increment(key: string, by: number): Uint8Array {
    const held = this.#state.values.get(key) ?? '0';
    if (typeof held !== 'string' || !isInteger(held)) {
      return failure(
        'NOT_A_NUMBER',
        `The key ${JSON.stringify(key)} does not hold a whole number; nothing changed.`,
      );
    }
    const sum = Number(held) + by;
    if (!Number.isSafeInteger(sum)) {
      return failure('OUT_OF_RANGE', `${held} + ${by} is beyond the safe integers; nothing changed.`);
    }
    this.#set(key, String(sum));
    return success(sum);
  }

  #answer(query: Query): Uint8Array {
    switch (query.kind) {
      case 'get':
        return success(this.#state.values.get(query.key) ?? null);
      case 'listByPrefix':
        return this.#list(query.prefix, query.limit, query.after);
      case 'recordAt':
        return success(this.#state.records.at(query.position));
      case 'recordCount':
        return success(this.#state.records.length);
      case 'keyCount':
        return success(this.#state.values.size);
      case 'records':
        return this.#recordPage(query.from, query.limit);
    }
  }

  #list(prefix: string, limit: number, after: string | null): Uint8Array {
    const flat: TupleElement[] = [];
    let last: string | null = null;
    let bytes = 0;
    const from = after !== null && after > prefix ? after : prefix;
    for (const [key, value] of this.#state.values.entries(from)) {
      if (!key.startsWith(prefix)) break;
      if (key === after) continue;
      if (flat.length === 2 * limit || bytes >= pageBytesMax) return success(last, ...flat);
      flat.push(key, value);
      bytes += key.length + value.length;
      last = key;
    }
    return success(null, ...flat);
  }

  #recordPage(from: number, limit: number): Uint8Array {
    const { records } = this.#state;
    const page: Uint8Array[] = [];
    let bytes = 0;
    while (page.length < limit && bytes < pageBytesMax) {
      const record = records.at(from + page.length);
      if (record === null) break;
      page.push(record);
      bytes += record.length;
    }
    const next = from + page.length;
    return success(next < records.length ? next : null, ...page);
  }
}

function isSame(one: Value | null, other: Value | null): boolean {
  if (one instanceof Uint8Array && other instanceof Uint8Array) return Buffer.compare(one, other) === 0;
  return one === other;
}

const decimal = /^(0|-?[1-9]\d{0,15})$/;

function isInteger(text: string): boolean {
  return decimal.test(text) && Number.isSafeInteger(Number(text));
}

function isAcceptable(bytes: Uint8Array, verification: Exclude<Verification, 'none'>): boolean | string {
  const command = decodeCommand(bytes);
  if (command === null) return 'It is no key-value command.';
  if (verification === 'wellFormed') return true;
  const text = command.kind === 'record' ? Buffer.from(command.bytes).toString() : command.key;
  return text.startsWith(verification.refusePrefix)
    ? `It starts with ${JSON.stringify(verification.refusePrefix)}.`
    : true;
}

function checkOptions(options: KeyValueOptions): KeyValueOptions {
  const unknown = Object.keys(options).find((name) => name !== 'verify');
  if (unknown !== undefined) {
    throw new InvalidOptionError(`The key-value store has no option "${unknown}". It has: verify.`);
  }
  const { verify } = options;
  if (verify === undefined || verify === 'none' || verify === 'wellFormed') return options;
  if (typeof verify === 'object' && verify !== null && typeof verify.refusePrefix === 'string')
    return options;
  throw new InvalidOptionError(
    `The key-value store's option verify is ${shown(verify)}. It may be "none", "wellFormed" or { refusePrefix: TEXT }.`,
  );
}
