import { type Entry, entryKinds, type LogEntry } from '../raft/entry.js';
import type { Cipher } from './cipher.js';
import { entryHeaderBytes, termMax, writeEntryHeader } from './entries.js';
import { packTuple, type Tuple, TupleReader } from './tuple.js';

/** Encoded entries are laid into blocks of this size; one larger than half of it gets a buffer of its own. */
const blockBytes = 65_536;

/**
 * Log entries to bytes and back: the msgpack tuple `[term, index, leaderId, kind, command]`, enciphered. An entry
 * is encoded once, by the leader that proposes it, and decoded once on each node, when it is applied.
 */
export class LogEntryCodec {
  readonly #cipher: Cipher;
  readonly #reader: TupleReader;
  #block = new Uint8Array(0);
  #blockUsed = 0;

  constructor(cipher: Cipher) {
    this.#cipher = cipher;
    this.#reader = new TupleReader(cipher);
  }

  /** The entry's bytes, never written again. They share a buffer with others': copy before a transfer. */
  encode(entry: LogEntry): Uint8Array {
    return this.#encodeEntry(entry).bytes;
  }

  /**
   * A turn's entries at once. Their bytes lie behind one another as a packed batch does, headers included, so
   * that `packEntries` of them is one copy.
   */
  encodeAll(entries: readonly LogEntry[]): Entry[] {
    return entries.map((entry) => this.#encodeEntry(entry));
  }

  /** The entry, its command in memory of its own; null when the bytes are no entry. Never throws. */
  decode(bytes: Uint8Array): LogEntry | null {
    const tuple = this.#reader.read(bytes, 0, bytes.length);
    return tuple === null ? null : toLogEntry(tuple);
  }

  #encodeEntry(entry: LogEntry): Entry {
    const { term, index, leaderId, kind, command } = entry;
    const packed = packTuple([term, index, leaderId, entryKinds.indexOf(kind), command]);
    const length = packed.end - packed.start + this.#cipher.overheadBytes;
    const size = entryHeaderBytes + length;
    const alone = size > blockBytes / 2;
    const block = alone ? new Uint8Array(size) : this.#blockFor(size);
    const header = alone ? 0 : this.#blockUsed;
    if (!alone) this.#blockUsed += size;
    writeEntryHeader(block, header, length, entry);
    const start = header + entryHeaderBytes;
    this.#cipher.encryptInto(packed, packed.start, packed.end, block, start);
    return { index, term, kind, bytes: block.subarray(start, start + length) };
  }

  /** The block in use, or a new one when fewer than `size` bytes of it are free. */
  #blockFor(size: number): Uint8Array {
    if (this.#blockUsed + size > this.#block.length) {
      this.#block = new Uint8Array(blockBytes);
      this.#blockUsed = 0;
    }
    return this.#block;
  }
}

function toLogEntry(tuple: Tuple): LogEntry | null {
  if (tuple.length !== 5) return null;
  const [term, index, leaderId, kindNumber, command] = tuple;
  if (!isNatural(term) || term === 0 || term > termMax) return null;
  if (!isNatural(index) || index === 0 || !isNatural(leaderId)) return null;
  if (typeof kindNumber !== 'number' || !(command instanceof Uint8Array)) return null;
  const kind = entryKinds[kindNumber];
  return kind === undefined ? null : { term, index, leaderId, kind, command };
}

function isNatural(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
