import { crc32 } from 'node:zlib';
import sortedBTree from 'sorted-btree';
import { ApplicationError } from '../../ground/errors.js';
import type { SnapshotSink } from '../application.js';
import { HistoryDigest } from '../history-digest.js';
import { isKey, isValue, type Value } from './commands.js';
import { RecordChain } from './record-chain.js';
import { packTuple, readTuple, type TupleElement } from './tuple.js';

/** The package is CommonJS, and its class the property `default` of what it exports. */
const OrderedValues = sortedBTree.default<string, Value>;

/** All that a key-value store knows. */
export interface State {
  /** Values by key, in order of the keys' UTF-16 code units. A clone of it costs nothing: nodes are copied on write. */
  readonly values: InstanceType<typeof OrderedValues>;
  readonly records: RecordChain;
  readonly history: HistoryDigest;
}

/*
 * A snapshot is a sequence of sections, each a tuple behind its length (4 bytes, little-endian), and a CRC-32 of
 * all that (4 bytes, little-endian):
 *
 *   [format, version, number of keys, number of records, digest]
 *   [key, value, key, value …]   keys in order, up to 512 of them a section
 *   [record, record …]           up to 512 of them a section
 *
 * Equal states give equal bytes. It is written a section at a time, and read however it is cut.
 */
const format = 'conclave.key-value';
const version = 1;
const sectionLengthMax = 512;
/** A section ends with the item that brings it to this many characters and bytes, so that none takes long. */
const sectionSizeMax = 64 * 1024;
const lengthBytes = 4;
const checksumBytes = 4;
/** No section is longer: one item may have 16 MiB, and UTF-8 takes three bytes for some characters. */
const sectionBytesMax = 128 * 1024 * 1024;

/** An application's state before its first command. */
export function emptyState(): State {
  return {
    values: new OrderedValues(undefined, byCodeUnits),
    records: new RecordChain(),
    history: new HistoryDigest(),
  };
}

function byCodeUnits(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** The state as it is now, as bytes, a section a chunk. Whatever becomes of it until they are read does not show. */
export function snapshotOf(state: State): Iterable<Uint8Array> {
  const { records } = state;
  // Records are only ever added: so many of them are what is there now.
  const captured = { values: state.values.clone(), records, recordCount: records.length };
  return chunksOf(captured, state.history.toBytes());
}

function* chunksOf(
  { values, records, recordCount }: Pick<State, 'values' | 'records'> & { readonly recordCount: number },
  digest: Uint8Array,
): Generator<Uint8Array> {
  let checksum = 0;
  const section = (elements: readonly TupleElement[]): Uint8Array => {
    const tuple = packTuple(elements);
    const bytes = new Uint8Array(lengthBytes + tuple.length);
    new DataView(bytes.buffer).setUint32(0, tuple.length, true);
    bytes.set(tuple, lengthBytes);
    checksum = crc32(bytes, checksum);
    return bytes;
  };
  yield section([format, version, values.size, recordCount, digest]);
  let elements: TupleElement[] = [];
  let size = 0;
  for (const [key, value] of values.entries()) {
    elements.push(key, value);
    size += key.length + value.length;
    if (elements.length < 2 * sectionLengthMax && size < sectionSizeMax) continue;
    yield section(elements);
    elements = [];
    size = 0;
  }
  if (elements.length > 0) yield section(elements);
  elements = [];
  size = 0;
  for (let position = 0; position < recordCount; position++) {
    const record = records.at(position) as Uint8Array;
    elements.push(record);
    size += record.length;
    if (elements.length < sectionLengthMax && size < sectionSizeMax) continue;
    yield section(elements);
    elements = [];
    size = 0;
  }
  if (elements.length > 0) yield section(elements);
  const end = new Uint8Array(checksumBytes);
  new DataView(end.buffer).setUint32(0, checksum, true);
  yield end;
}

/** Puts a state together from a snapshot's bytes, cut anywhere. What it throws is an {ApplicationError}. */
export class StateReader implements SnapshotSink {
  readonly #restored: (state: State) => void;
  #state = emptyState();
  #counts: { readonly keys: number; readonly records: number } | null = null;
  #lastKey = '';
  #checksum = 0;
  #isEnded = false;
  /** What has come of the next piece, whose length is `#needed`: a section's length, a section, or the checksum. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #needed = lengthBytes;
  #awaits: 'length' | 'section' = 'length';

  /** @param restored takes the state when all of it has come. */
  constructor(restored: (state: State) => void) {
    this.#restored = restored;
  }

  write(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#isEnded) throw damaged('more follows its end');
      const end = Math.min(chunk.length, at + this.#needed - this.#heldBytes);
      this.#held.push(chunk.slice(at, end));
      this.#heldBytes += end - at;
      at = end;
      if (this.#heldBytes === this.#needed) this.#take(this.#takeHeld());
    }
  }

  end(): void {
    if (!this.#isEnded) throw damaged('it ends too early');
    this.#restored(this.#state);
  }

  #takeHeld(): Uint8Array {
    const [first] = this.#held;
    const piece = this.#held.length === 1 && first !== undefined ? first : Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    return piece;
  }

  #take(piece: Uint8Array): void {
    if (this.#awaits === 'length') {
      const number = new DataView(piece.buffer, piece.byteOffset, piece.length).getUint32(0, true);
      if (this.#isWhole) {
        if (number !== this.#checksum) throw damaged('its checksum does not match');
        this.#isEnded = true;
        return;
      }
      // None is empty, so that who counts what it gets comes to an end.
      if (number === 0 || number > sectionBytesMax) throw damaged('a section has no possible length');
      this.#needed = number;
      this.#awaits = 'section';
    } else {
      this.#needed = lengthBytes;
      this.#awaits = 'length';
    }
    this.#checksum = crc32(piece, this.#checksum);
    if (this.#awaits === 'length') this.#takeSection(piece);
  }

  /** Has everything come that was announced, but the checksum? */
  get #isWhole(): boolean {
    const { values, records } = this.#state;
    return values.size === this.#counts?.keys && records.length === this.#counts.records;
  }

  #takeSection(bytes: Uint8Array): void {
    const section = readTuple(bytes, 2 * sectionLengthMax);
    if (section === null || section.length === 0) throw damaged('a section is not a tuple');
    if (this.#counts === null) this.#takeHeader(section);
    else if (this.#state.values.size < this.#counts.keys) this.#takeKeys(section, this.#counts.keys);
    else this.#takeRecords(section, this.#counts.records);
  }

  #takeHeader([name, found, keys, records, digest, ...rest]: readonly TupleElement[]): void {
    if (name !== format) throw damaged(`it does not start with "${format}"`);
    if (found !== version) {
      throw new ApplicationError(
        `The key-value snapshot has format version ${found} and this program knows version ${version}. Restore it with the program that wrote it.`,
      );
    }
    if (typeof keys !== 'number' || typeof records !== 'number' || !(digest instanceof Uint8Array)) {
      throw damaged('its header is incomplete');
    }
    if (rest.length > 0) throw damaged('its header is too long');
    this.#counts = { keys, records };
    this.#state = { ...this.#state, history: HistoryDigest.fromBytes(digest) };
  }

  #takeKeys(section: readonly TupleElement[], count: number): void {
    const { values } = this.#state;
    for (let at = 0; at < section.length; at += 2) {
      const [key, value] = [section[at], section[at + 1]];
      if (!isKey(key) || !isValue(value) || key <= this.#lastKey) {
        throw damaged('its keys are not keys in order');
      }
      values.set(key, value);
      this.#lastKey = key;
    }
    if (values.size > count) throw damaged(`it holds ${values.size} keys instead of ${count}`);
  }

  #takeRecords(section: readonly TupleElement[], count: number): void {
    const { records } = this.#state;
    for (const record of section) {
      if (!(record instanceof Uint8Array)) throw damaged('one of its records is not bytes');
      records.append(record);
    }
    if (records.length > count) throw damaged(`it holds ${records.length} records instead of ${count}`);
  }
}

function damaged(how: string): ApplicationError {
  return new ApplicationError(
    `The bytes are no key-value snapshot: ${how}. The state is as it was; restore from another snapshot.`,
  );
}
