import { crc32 } from 'node:zlib';
import type { Entry } from '../../raft/entry.js';

/**
 * A number for a log up to and with one entry: made of the number up to the entry before, and the entry's term and
 * bytes. Two logs that have the same number at an index are taken to be the same up to it.
 */
export function chain(before: number, entry: Entry): number {
  const own = crc32(entry.bytes, (entry.term * 0x9e3779b1) >>> 0);
  const high = (Math.imul(Math.floor(before / 0x1_0000_0000) ^ own, 0x01000193) ^ (before >>> 7)) & 0x1f_ffff;
  const low = (Math.imul((before | 0) ^ own, 0x85ebca6b) ^ (own >>> 13)) >>> 0;
  return high * 0x1_0000_0000 + low;
}
