import { Packr, RESET_BUFFER_MODE, REUSE_BUFFER_MODE, Unpackr } from 'msgpackr';
import { ownMemory } from '../ground/memory.js';
import type { Cipher } from './cipher.js';

/*
 * The positional msgpack tuple: what entries and messages are made of. Only a small part of msgpack is spoken
 * here, and only that part is read: arrays (one inside another at most), non-negative integers, floats (msgpackr
 * writes integers of more than 32 bits so), booleans and byte strings. Maps, texts, records and extensions are
 * refused before the unpacker sees them, so that a stranger's bytes can name no property, define no record,
 * reserve no memory that they do not fill, and nest no deeper than two.
 */

export type Scalar = number | boolean | Uint8Array;
export type Tuple = readonly (Scalar | readonly Scalar[])[];

const packr = new Packr({ useRecords: false });
/** Leaves msgpackr's position where it was: what was packed is taken before anybody packs again, and never kept. */
const packMode = REUSE_BUFFER_MODE | RESET_BUFFER_MODE;

/** msgpackr's own buffer, with a packed tuple in `[start, end)`. Overwritten by the next packing of anybody. */
export type PackedTuple = Uint8Array & { readonly start: number; readonly end: number };

/** Packs into msgpackr's own buffer. Take the result at once. */
export function packTuple(tuple: Tuple): PackedTuple {
  return packr.pack(tuple, packMode) as unknown as PackedTuple;
}

/** Opens sealed tuples, whoever sent them. */
export class TupleReader {
  readonly #cipher: Cipher;
  readonly #blockBytes: number;
  readonly #unpackr = new Unpackr({ useRecords: false, mapsAsObjects: false });
  readonly #range = { start: 0, end: 0 };
  #block: Uint8Array;
  #blockUsed = 0;

  /** @param blockBytes small tuples are opened into blocks of this size; one larger than a quarter of it has its own memory. */
  constructor(cipher: Cipher, blockBytes = 8192) {
    this.#cipher = cipher;
    this.#blockBytes = blockBytes;
    this.#block = new Uint8Array(blockBytes);
  }

  /**
   * The tuple sealed in `sealed[start, end)`, or null when it does not check or is no tuple. Never throws. Its byte
   * strings are not written again; small ones share a block with others', and where no cipher is they are views into
   * `sealed`.
   */
  read(sealed: Uint8Array, start: number, end: number, associated?: Uint8Array): Tuple | null {
    if (this.#cipher.kind === 'none') return this.#unpack(sealed, start, end);
    const bytes = this.#reserve(end - start);
    const from = bytes === this.#block ? this.#blockUsed : 0;
    const plainBytes = this.#cipher.decryptInto(sealed, start, end, bytes, from, associated);
    if (plainBytes < 0) return null;
    const tuple = this.#unpack(bytes, from, from + plainBytes);
    if (tuple !== null && bytes === this.#block) this.#blockUsed += plainBytes;
    return tuple;
  }

  #unpack(plain: Uint8Array, start: number, end: number): Tuple | null {
    if (!isTuple(plain, start, end)) return null;
    this.#range.start = start;
    this.#range.end = end;
    try {
      return this.#unpackr.unpack(plain, this.#range) as Tuple;
    } catch {
      return null;
    }
  }

  /** The block in use, a new one when fewer than `size` bytes of it are free, or memory for this once. */
  #reserve(size: number): Uint8Array {
    if (size > this.#blockBytes / 4) return ownMemory(size);
    if (this.#blockUsed + size > this.#blockBytes) {
      this.#block = ownMemory(this.#blockBytes);
      this.#blockUsed = 0;
    }
    return this.#block;
  }
}

/** In one array. A turn's commands are fewer; so many empty ones cost memory a hundred times their bytes. */
const itemsMax = 8192;

/** Is `bytes[start, end)` exactly one tuple, no byte more or less? */
function isTuple(bytes: Uint8Array, start: number, end: number): boolean {
  if (start === end || !isArrayHeader(bytes[start] as number)) return false;
  return skipValue(bytes, start, end, 2) === end;
}

function isArrayHeader(token: number): boolean {
  return (token >= 0x90 && token <= 0x9f) || token === 0xdc || token === 0xdd;
}

/** Where the value that begins at `at` ends, or -1 when it is not allowed here or does not end before `end`. */
function skipValue(bytes: Uint8Array, at: number, end: number, arraysDeep: number): number {
  const token = bytes[at] as number;
  if (token <= 0x7f) return at + 1;
  if (token <= 0x8f) return -1;
  if (token <= 0x9f) return skipItems(bytes, at + 1, end, token & 0x0f, arraysDeep);
  switch (token) {
    case 0xc2:
    case 0xc3:
      return at + 1;
    case 0xc4:
      return skipBytes(at + 2, end, readBigEndian(bytes, at + 1, 1));
    case 0xc5:
      return skipBytes(at + 3, end, readBigEndian(bytes, at + 1, 2));
    case 0xc6:
      return skipBytes(at + 5, end, readBigEndian(bytes, at + 1, 4));
    case 0xcb:
      return skipBytes(at + 1, end, 8);
    case 0xcc:
      return skipBytes(at + 1, end, 1);
    case 0xcd:
      return skipBytes(at + 1, end, 2);
    case 0xce:
      return skipBytes(at + 1, end, 4);
    case 0xdc:
      return skipItems(bytes, at + 3, end, readBigEndian(bytes, at + 1, 2), arraysDeep);
    case 0xdd:
      return skipItems(bytes, at + 5, end, readBigEndian(bytes, at + 1, 4), arraysDeep);
    default:
      return -1;
  }
}

function skipBytes(at: number, end: number, length: number): number {
  return at + length <= end ? at + length : -1;
}

function skipItems(bytes: Uint8Array, at: number, end: number, count: number, arraysDeep: number): number {
  // Every item takes a byte at least, so a count beyond the bytes left is a lie, and costs nothing to find out.
  if (arraysDeep === 0 || count > end - at || count > itemsMax) return -1;
  let position = at;
  for (let item = 0; item < count; item++) {
    if (position >= end) return -1;
    position = skipValue(bytes, position, end, arraysDeep - 1);
    if (position < 0) return -1;
  }
  return position;
}

/** Bytes past the end read as zero or as what an earlier tuple left; the length check that follows refuses them. */
function readBigEndian(bytes: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (let offset = 0; offset < width; offset++) value = value * 256 + (bytes[at + offset] ?? 0);
  return value;
}
