import { crc32 } from 'node:zlib';
import { ApplicationError } from '../../ground/errors.js';
import { HistoryDigest } from '../history-digest.js';
import { isKey, isValue, type Value } from './commands.js';
import { OrderedKeys } from './ordered-keys.js';
import { RecordChain } from './record-chain.js';
import { packTuple, readTuple, type TupleElement } from './tuple.js';

/** All that a key-value store knows. */
export interface State {
  readonly values: Map<string, Value>;
  /** The keys of `values`. */
  readonly keys: OrderedKeys;
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
 * Equal states give equal bytes.
 */
const format = 'conclave.key-value';
const version = 1;
const sectionLengthMax = 512;
const checksumBytes = 4;

/** An application's state before its first command. */
export function emptyState(): State {
  return {
    values: new Map(),
    keys: new OrderedKeys(),
    records: new RecordChain(),
    history: new HistoryDigest(),
  };
}

/** The state as bytes. */
export function packState(state: State): Uint8Array {
  const writer = new SectionWriter();
  writer.add([format, version, state.values.size, state.records.length, state.history.toBytes()]);
  let section: TupleElement[] = [];
  for (const key of state.keys.startingAt('')) {
    section.push(key, state.values.get(key) as Value);
    if (section.length === 2 * sectionLengthMax) {
      writer.add(section);
      section = [];
    }
  }
  if (section.length > 0) writer.add(section);
  for (let from = 0; from < state.records.length; from += sectionLengthMax) {
    const count = Math.min(sectionLengthMax, state.records.length - from);
    writer.add(Array.from({ length: count }, (_, i) => state.records.at(from + i)));
  }
  return writer.finish();
}

/**
 * The state that gave these bytes.
 * @throws {ApplicationError} when they are damaged, of another format, or of a version that is not known.
 */
export function unpackState(snapshot: Uint8Array): State {
  const sections = new SectionReader(snapshot);
  const [name, found, keyCount, recordCount, digest, ...rest] = sections.next();
  if (name !== format) throw damaged(`it does not start with "${format}"`);
  if (found !== version) {
    throw new ApplicationError(
      `The key-value snapshot has format version ${found} and this program knows version ${version}. Restore it with the program that wrote it.`,
    );
  }
  if (typeof keyCount !== 'number' || typeof recordCount !== 'number' || !(digest instanceof Uint8Array)) {
    throw damaged('its header is incomplete');
  }
  if (rest.length > 0) throw damaged('its header is too long');
  const state: State = { ...emptyState(), history: HistoryDigest.fromBytes(digest) };
  unpackKeys(state, sections, keyCount);
  unpackRecords(state, sections, recordCount);
  sections.end();
  return state;
}

function unpackKeys(state: State, sections: SectionReader, count: number): void {
  let last = '';
  while (state.values.size < count) {
    const section = sections.next();
    for (let i = 0; i < section.length; i += 2) {
      const [key, value] = [section[i], section[i + 1]];
      if (!isKey(key) || !isValue(value) || key <= last) throw damaged('its keys are not keys in order');
      state.values.set(key, value);
      state.keys.add(key);
      last = key;
    }
  }
  if (state.values.size !== count) throw damaged(`it holds ${state.values.size} keys instead of ${count}`);
}

function unpackRecords(state: State, sections: SectionReader, count: number): void {
  while (state.records.length < count) {
    for (const record of sections.next()) {
      if (!(record instanceof Uint8Array)) throw damaged('one of its records is not bytes');
      state.records.append(record);
    }
  }
  if (state.records.length !== count) {
    throw damaged(`it holds ${state.records.length} records instead of ${count}`);
  }
}

class SectionWriter {
  readonly #parts: Uint8Array[] = [];

  add(elements: readonly TupleElement[]): void {
    const section = packTuple(elements);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(section.length);
    this.#parts.push(length, section);
  }

  finish(): Uint8Array {
    const size = this.#parts.reduce((sum, part) => sum + part.length, checksumBytes);
    const bytes = new Uint8Array(size);
    let at = 0;
    for (const part of this.#parts) {
      bytes.set(part, at);
      at += part.length;
    }
    new DataView(bytes.buffer).setUint32(at, crc32(bytes.subarray(0, at)), true);
    return bytes;
  }
}

class SectionReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #end: number;
  #at = 0;

  constructor(snapshot: Uint8Array) {
    this.#bytes = snapshot;
    this.#view = new DataView(snapshot.buffer, snapshot.byteOffset, snapshot.byteLength);
    this.#end = snapshot.length - checksumBytes;
    if (this.#end < 0) throw damaged(`it has only ${snapshot.length} bytes`);
    if (this.#view.getUint32(this.#end, true) !== crc32(snapshot.subarray(0, this.#end))) {
      throw damaged('its checksum does not match');
    }
  }

  /** The next section. None is empty, so a reader that counts what it gets comes to an end. */
  next(): TupleElement[] {
    if (this.#end - this.#at < 4) throw damaged('it ends too early');
    const length = this.#view.getUint32(this.#at, true);
    const start = this.#at + 4;
    if (length > this.#end - start) throw damaged('a section is longer than the rest');
    this.#at = start + length;
    const section = readTuple(this.#bytes.subarray(start, this.#at), 2 * sectionLengthMax);
    if (section === null || section.length === 0) throw damaged('a section is not a tuple');
    return section;
  }

  end(): void {
    if (this.#at !== this.#end) throw damaged('more follows its end');
  }
}

function damaged(how: string): ApplicationError {
  return new ApplicationError(
    `The bytes are no key-value snapshot: ${how}. The state is as it was; restore from another snapshot.`,
  );
}
