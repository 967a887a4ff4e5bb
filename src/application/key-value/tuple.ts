import { isUtf8 } from 'node:buffer';
import { Packr } from 'msgpackr';

/*
 * Commands, queries, results and snapshot sections are flat msgpack tuples of text, bytes, integers and null.
 * msgpackr writes them. They are read here, because the replicated state depends on every node reading the same
 * bytes alike: this reader knows those four types and nothing else (no maps, no nesting, no extensions, no text
 * that is not UTF-8), never throws, and allocates no more than the input justifies.
 */

export type TupleElement = string | number | null | Uint8Array;

const packr = new Packr({ useRecords: false });

/** Packs a tuple into a buffer of its own. */
export function packTuple(elements: readonly TupleElement[]): Uint8Array {
  // msgpackr returns a view of a pool that it goes on using.
  return new Uint8Array(packr.pack(elements.map(asBuffer)));
}

/** msgpackr knows a Buffer at once, and any other Uint8Array only after a search through its extensions. */
function asBuffer(element: TupleElement): TupleElement {
  if (!(element instanceof Uint8Array)) return element;
  return Buffer.from(element.buffer, element.byteOffset, element.byteLength);
}

/**
 * Reads a tuple that fills the bytes exactly, or returns null when they are not one. Byte elements are copies.
 * @param elementsMax the largest number of elements to accept.
 */
export function readTuple(bytes: Uint8Array, elementsMax: number): TupleElement[] | null {
  const reader = new Reader(bytes);
  const count = reader.arrayHeader();
  if (count < 0 || count > elementsMax) return null;
  const elements: TupleElement[] = [];
  for (let i = 0; i < count; i++) {
    const element = reader.element();
    if (element === undefined) return null;
    elements.push(element);
  }
  return reader.left === 0 ? elements : null;
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** The number of elements, or -1 when no array starts here. */
  arrayHeader(): number {
    const tag = this.#uint(1);
    if ((tag & 0xf0) === 0x90 && tag >= 0) return tag & 0x0f;
    if (tag === 0xdc) return this.#uint(2);
    if (tag === 0xdd) return this.#uint(4);
    return -1;
  }

  /** The next element, or undefined when it is cut short or of no type that a tuple holds. */
  element(): TupleElement | undefined {
    const tag = this.#uint(1);
    if (tag < 0) return undefined;
    if (tag < 0x80) return tag;
    if (tag >= 0xe0) return tag - 0x100;
    if (tag >= 0xa0 && tag < 0xc0) return this.#text(tag & 0x1f);
    switch (tag) {
      case 0xc0:
        return null;
      case 0xc4:
        return this.#binary(this.#uint(1));
      case 0xc5:
        return this.#binary(this.#uint(2));
      case 0xc6:
        return this.#binary(this.#uint(4));
      case 0xd9:
        return this.#text(this.#uint(1));
      case 0xda:
        return this.#text(this.#uint(2));
      case 0xdb:
        return this.#text(this.#uint(4));
      default:
        return this.#integer(tag);
    }
  }

  #integer(tag: number): number | undefined {
    const width = integerWidths.get(tag);
    if (width === undefined || this.left < width) return undefined;
    const at = this.#at;
    this.#at += width;
    switch (tag) {
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.#bytes.readUIntBE(at, width);
      case 0xd0:
      case 0xd1:
      case 0xd2:
        return this.#bytes.readIntBE(at, width);
      default: {
        // Beyond 32 bits an integer travels as a double.
        const value = this.#bytes.readDoubleBE(at);
        return Number.isSafeInteger(value) ? value + 0 : undefined;
      }
    }
  }

  /** A big-endian unsigned integer of 1, 2 or 4 bytes, or -1 past the end. */
  #uint(width: 1 | 2 | 4): number {
    if (this.left < width) return -1;
    let value = 0;
    for (let i = 0; i < width; i++) value = value * 0x100 + (this.#bytes[this.#at++] as number);
    return value;
  }

  #binary(length: number): Uint8Array | undefined {
    if (length < 0 || length > this.left) return undefined;
    const start = this.#at;
    this.#at += length;
    // A copy: a view would keep the whole frame that the command came in alive.
    const copy = new Uint8Array(length);
    copy.set(this.#bytes.subarray(start, this.#at));
    return copy;
  }

  #text(length: number): string | undefined {
    if (length < 0 || length > this.left) return undefined;
    const start = this.#at;
    this.#at += length;
    for (let at = start; at < this.#at; at++) {
      if ((this.#bytes[at] as number) >= 0x80) return this.#unicode(start);
    }
    return this.#bytes.toString('latin1', start, this.#at);
  }

  #unicode(start: number): string | undefined {
    return isUtf8(this.#bytes.subarray(start, this.#at))
      ? this.#bytes.toString('utf8', start, this.#at)
      : undefined;
  }
}

/** Bytes after the tag of each integer type; the double holds integers beyond 32 bits. */
const integerWidths: ReadonlyMap<number, number> = new Map([
  [0xcc, 1],
  [0xcd, 2],
  [0xce, 4],
  [0xd0, 1],
  [0xd1, 2],
  [0xd2, 4],
  [0xcb, 8],
]);
