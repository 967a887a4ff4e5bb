import { readU32, writeU32 } from '../../ground/integers.js';

/*
 * What simulated clients ask, and what it came to, bears a number that no other has, in all the world: so it is known
 * again wherever it turns up, on the wire, in the log, applied, or in an answer to another's question.
 */

/** Begins nothing that msgpack packs, and so no command, query or result of the store. */
const sign = 0xc1;
const markBytes = 5;

export function marked(number: number, content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(markBytes + content.length);
  bytes[0] = sign;
  writeU32(bytes, 1, number);
  bytes.set(content, markBytes);
  return bytes;
}

/** The number, or null of what bears none. */
export function markOf(bytes: Uint8Array): number | null {
  return bytes.length >= markBytes && bytes[0] === sign ? readU32(bytes, 1) : null;
}

/** What is marked; all of what is not. */
export function contentOf(bytes: Uint8Array): Uint8Array {
  return markOf(bytes) === null ? bytes : bytes.subarray(markBytes);
}
