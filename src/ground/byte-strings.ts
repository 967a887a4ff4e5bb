import { readU32, writeU32 } from './integers.js';

/*
 * Byte strings one after the other, each behind its length: (u32 LE length, bytes)*. So commands come from a client,
 * travel, lie in the log and are applied, and so results go back: a whole turn's in one buffer.
 */

export const lengthBytes = 4;

const noBytes = new Uint8Array(0);

/** Packs byte strings in a buffer of its own that may be transferred. @param memory where from; it need not be zeroed. */
export function packBytes(
  items: readonly Uint8Array[],
  memory: (bytes: number) => Uint8Array<ArrayBuffer> = (bytes) => new Uint8Array(bytes),
): Uint8Array<ArrayBuffer> {
  let size = items.length * lengthBytes;
  for (const item of items) size += item.byteLength;
  const packed = memory(size);
  let at = 0;
  for (const item of items) {
    const length = item.byteLength;
    writeU32(packed, at, length);
    packed.set(item, at + lengthBytes);
    at += lengthBytes + length;
  }
  return packed;
}

/**
 * What `packBytes` packed, as views into `bytes` (empty ones are one and the same); null when malformed, or when there
 * are not `count` of them. Never throws.
 */
export function unpackBytes(bytes: Uint8Array, count?: number): Uint8Array[] | null {
  const items: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length) {
    const start = at + lengthBytes;
    if (start > bytes.length || items.length === count) return null;
    at = start + readU32(bytes, at);
    if (at > bytes.length) return null;
    items.push(at === start ? noBytes : bytes.subarray(start, at));
  }
  return count === undefined || items.length === count ? items : null;
}

const packerBytesMin = 4096;
/** What a packer keeps for the next time. */
const packerBytesKept = 1024 * 1024;

/** Packs byte strings as they come, into memory that it uses again and again. */
export class BytePacker {
  #bytes = new Uint8Array(packerBytesMin);
  #end = 0;
  #count = 0;

  /** How many byte strings were added since the last `take`. */
  get count(): number {
    return this.#count;
  }

  /** Adds a copy. */
  add(item: Uint8Array): void {
    const end = this.#end + lengthBytes + item.length;
    if (end > this.#bytes.length) this.#grow(end);
    writeU32(this.#bytes, this.#end, item.length);
    if (item.length > 0) this.#bytes.set(item, this.#end + lengthBytes);
    this.#end = end;
    this.#count++;
  }

  /** How many bytes that is, packed. */
  get bytes(): number {
    return this.#end;
  }

  /** Adds a copy of `count` byte strings that are packed already. */
  addPacked(packed: Uint8Array, count: number): void {
    const end = this.#end + packed.length;
    if (end > this.#bytes.length) this.#grow(end);
    this.#bytes.set(packed, this.#end);
    this.#end = end;
    this.#count += count;
  }

  /** All that was added, packed, in a buffer of its own that may be transferred. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.#bytes.slice(0, this.#end);
    if (this.#bytes.length > packerBytesKept) this.#bytes = new Uint8Array(packerBytesMin);
    this.#end = 0;
    this.#count = 0;
    return taken;
  }

  #grow(bytes: number): void {
    const grown = new Uint8Array(2 * bytes);
    grown.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = grown;
  }
}

/** Of packed byte strings those from number `from` to before number `to`, counted from 0, as a view. They must be there. */
export function cutPacked(packed: Uint8Array, from: number, to: number): Uint8Array {
  const start = offsetAfter(packed, 0, from);
  return packed.subarray(start, offsetAfter(packed, start, to - from));
}

/** Where the byte string begins that comes `count` after the one that begins at `at`. */
export function offsetAfter(packed: Uint8Array, at: number, count: number): number {
  let next = at;
  for (let skipped = 0; skipped < count; skipped++) next += lengthBytes + readU32(packed, next);
  return next;
}
