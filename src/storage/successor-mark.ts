import { crc32 } from 'node:zlib';
import type { FileHandle } from './file-system.js';
import { segmentHeaderBytes } from './header.js';
import { contentEnd } from './sectors.js';

/*
 * The last 32 bytes of a segment are kept for a mark which says that another one was made after it:
 *
 *      0  u32       crc32 of the rest, seeded with the checksum of the segment's header
 *      4  28 bytes  0x6b
 *
 *     next segment has its name for good ─ mark ─ sync ─ the next segment's first record
 *
 * So a log that lost its last segment is told from one that never had it: the mark is there, and the segment is not.
 * A crash can leave a segment whose mark is missing or torn only while the next one is the last and holds nothing yet.
 * Segments of format 1 have no mark, and records to their end.
 */

const markBytes = 32;
const filling = 0x6b;

/** What stands where the mark is due. */
export type SuccessorMark = 'none' | 'torn' | 'whole' | 'damaged';

interface MarkedSegment {
  readonly file: FileHandle;
  readonly formatVersion: number;
  readonly recordsEnd: number;
  readonly seed: number;
}

/** Bytes of a segment that hold no record. */
export const segmentOverheadBytes = segmentHeaderBytes + markBytes;

/** Where the place for records ends in a segment. */
export function recordsEnd(segmentBytes: number, formatVersion: number): number {
  return formatVersion === 1 ? segmentBytes : segmentBytes - markBytes;
}

/** What stands at `end` of a segment, where its place for records ends; nothing in format 1. `bytes` is all of it. */
export function successorMarkIn(bytes: Buffer, end: number, seed: number): SuccessorMark {
  const found = bytes.subarray(end);
  const mark = markOf(seed);
  if (found.equals(mark)) return 'whole';
  const written = contentEnd(found, 0);
  if (written === 0) return 'none';
  return found.compare(mark, 0, written, 0, written) === 0 ? 'torn' : 'damaged';
}

/** Marks a segment that has another after it, durably, and closes its file. Marking it again changes nothing. */
export function markAndClose(segment: MarkedSegment): void {
  const { file, formatVersion, recordsEnd, seed } = segment;
  try {
    if (formatVersion === 1) return;
    file.write(recordsEnd, markOf(seed));
    file.sync();
  } finally {
    file.close();
  }
}

function markOf(seed: number): Buffer {
  const mark = Buffer.alloc(markBytes, filling);
  mark.writeUInt32LE(crc32(mark.subarray(4), seed));
  return mark;
}
