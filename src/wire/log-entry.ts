import { type Entry, entryKinds, type LogEntry, termMax } from '../raft/entry.js';
import type { Cipher } from './cipher.js';
import { entryHeaderBytes, PackedEntry, writeEntryHeader } from './entries.js';
import { packTuple, type Tuple, TupleReader } from './tuple.js';

/** Encoded entries are laid into blocks of this size; one larger than half of it gets a buffer of its own. */
const blockBytes = 65_536;
const binHeaderBytesMax = 5;

/**
 * Log entries to bytes and back: the msgpack tuple `[term, index, leaderId, kind, command]`, enciphered. An entry
 * is encoded once, by the leader that proposes it, and decoded once on each node, when it is applied.
 */
export class LogEntryCodec {
  readonly #cipher: Cipher;
  readonly #reader: TupleReader;
  /** Where entries are packed before they are enciphered. Grows to twice the largest seen. */
  #plain = new Uint8Array(4096);
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

  /**
   * The entry, or null when the bytes are none. Never throws. A small command shares its buffer with others': copy
   * before a transfer.
   */
  decode(bytes: Uint8Array): LogEntry | null {
    const tuple = this.#reader.read(bytes, 0, bytes.length);
    return tuple === null ? null : toLogEntry(tuple);
  }

  #encodeEntry(entry: LogEntry): Entry {
    const plainBytes = this.#pack(entry);
    const length = plainBytes + this.#cipher.overheadBytes;
    const size = entryHeaderBytes + length;
    const alone = size > blockBytes / 2;
    const block = alone ? new Uint8Array(size) : this.#blockFor(size);
    const start = alone ? 0 : this.#blockUsed;
    if (!alone) this.#blockUsed += size;
    writeEntryHeader(block, start, length, entry);
    this.#cipher.encryptInto(this.#plain, 0, plainBytes, block, start + entryHeaderBytes);
    return new PackedEntry(entry.index, entry.term, entry.kind, block, start, start + size);
  }

  /**
   * Packs into the start of `#plain` and returns how many bytes. msgpackr takes three times as long to find out
   * that a Uint8Array is one as to pack the numbers; so it packs a 0 in the command's place, one byte, and what
   * it would have written there is written over it.
   */
  #pack({ term, index, leaderId, kind, command }: LogEntry): number {
    const numbers = packTuple([term, index, leaderId, entryKinds.indexOf(kind), 0]);
    const numbersBytes = numbers.end - numbers.start - 1;
    const sizeMax = numbersBytes + binHeaderBytesMax + command.byteLength;
    if (sizeMax > this.#plain.length) this.#plain = new Uint8Array(2 * sizeMax);
    const plain = this.#plain;
    for (let at = 0; at < numbersBytes; at++) plain[at] = numbers[numbers.start + at] as number;
    const start = writeBinHeader(plain, numbersBytes, command.byteLength);
    plain.set(command, start);
    return start + command.byteLength;
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

/** Writes msgpack's header of a byte string, in its shortest form, and returns where the bytes begin. */
function writeBinHeader(target: Uint8Array, at: number, length: number): number {
  const width = length < 0x100 ? 1 : length < 0x1_0000 ? 2 : 4;
  target[at] = width === 1 ? 0xc4 : width === 2 ? 0xc5 : 0xc6;
  for (let byte = 0; byte < width; byte++) target[at + 1 + byte] = length >>> (8 * (width - 1 - byte));
  return at + 1 + width;
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
