import { readU32, writeU32 } from './integers.js';

/*
 * Byte strings one after the other, each behind its length: (u32 LE length, bytes)*. So commands come from a client,
 * travel, lie in the log and are applied, and so results go back: a whole turn's in one buffer.
 */

export const lengthBytes = 4;

const noBytes = new Uint8Array(0);

/** Packs byte strings in a buffer of its own that may be transferred. */
export function packBytes(items: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let size = items.length * lengthBytes;
  for (const item of items) size += item.byteLength;
  const packed = new Uint8Array(size);
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
