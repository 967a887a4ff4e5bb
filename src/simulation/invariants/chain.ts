import { crc32 } from 'node:zlib';
import { entryKinds, type LogEntry } from '../../raft/entry.js';

/**
 * A number for a log up to and with one entry: made of the number up to the entry before, and all that the entry is.
 * Two logs that have the same number at an index are taken to be the same up to it.
 */
export function chain(before: number, { term, leaderId, kind, command, session }: LogEntry): number {
  let place = Math.imul(term, 0x9e3779b1) ^ Math.imul(leaderId + 1, 0x85ebca6b) ^ entryKinds.indexOf(kind);
  if (session !== undefined) {
    for (const number of Object.values(session)) place = Math.imul(place ^ number, 0x01000193);
  }
  // zlib takes an empty array without memory for a call without data, and forgets the value that it is to go on from.
  const own = command.length === 0 ? place >>> 0 : crc32(command, place >>> 0);
  const high = (Math.imul(Math.floor(before / 0x1_0000_0000) ^ own, 0x01000193) ^ (before >>> 7)) & 0x1f_ffff;
  const low = (Math.imul((before | 0) ^ own, 0x85ebca6b) ^ (own >>> 13)) >>> 0;
  return high * 0x1_0000_0000 + low;
}
