import { crc32 } from 'node:zlib';
import { zeroSectors } from './sectors.js';

/*
 * One batch (or a piece of a very large one) is one record, little-endian, and begins at a multiple of 32 so that its
 * header never straddles two sectors:
 *
 *      0  u32      crc32 of the header from byte 4 on, seeded with the segment header's checksum
 *      4  u32      crc32 of the payload, seeded with the crc of the record before
 *      8  u32      length of the payload
 *     12  u32      crc of the record before (its bytes 0 to 3)
 *     16  u48      sequence number, from 1 on through all segments
 *     22  u32      how many sectors of this record were all zeros when it was written
 *     26  6 bytes  mark
 *     32           payload, see `payload.ts`
 *                  trailer: 8 to 39 bytes that fill up to a multiple of 32
 *
 * Segments are zeros before they are written, so a zero where the mark or the trailer is due, or a zero sector too
 * many, shows a write that never finished. Mark and trailer have several bits set in each byte: no single flipped
 * bit makes a finished record look unfinished.
 */

export const recordHeaderBytes = 32;
/** The largest payload, in bytes. */
export const payloadBytesMax = 2 ** 30;
const alignment = 32;
const trailerBytesMin = 8;
const mark = 0x9d;
const markBytes = 6;
const trailer = 0xa5;

/** What ties a record to the ones before it. */
export interface Chain {
  /** Of the record to come. */
  readonly sequence: number;
  /** Of the record before. */
  readonly previousCrc: number;
}

export interface RecordHeader {
  readonly crc: number;
  readonly payloadCrc: number;
  readonly payloadBytes: number;
  readonly previousCrc: number;
  readonly sequence: number;
  readonly zeroSectors: number;
  /** Bytes from the header's first to the trailer's last. */
  readonly recordBytes: number;
}

/** What a record with that payload takes up in the file. */
export function recordSize(payloadBytes: number): number {
  return Math.ceil((recordHeaderBytes + payloadBytes + trailerBytesMin) / alignment) * alignment;
}

/**
 * Lays a record out at the start of `target`, as it will stand at `position` of its file, and returns its crc.
 * `target` is exactly `recordSize` long.
 * @param layOut puts the payload where it is told, and returns where that ends.
 */
export function encodeRecord(
  target: Buffer,
  layOut: (target: Buffer, at: number) => number,
  position: number,
  chain: Chain,
  seed: number,
): number {
  const at = recordHeaderBytes;
  const end = layOut(target, at);
  target.fill(trailer, end);
  target.writeUInt32LE(crc32(target.subarray(at, end), chain.previousCrc), 4);
  target.writeUInt32LE(end - at, 8);
  target.writeUInt32LE(chain.previousCrc, 12);
  target.writeUIntLE(chain.sequence, 16, 6);
  target.fill(mark, recordHeaderBytes - markBytes, recordHeaderBytes);
  // The header's sector holds the mark: what is not laid out yet does not change the count.
  target.writeUInt32LE(zeroSectors(target, position, position, position + target.length), 22);
  const crc = crc32(target.subarray(4, recordHeaderBytes), seed);
  target.writeUInt32LE(crc, 0);
  return crc;
}

/** The header at `position`, or null when there is none that checks. */
export function decodeRecordHeader(bytes: Buffer, position: number, seed: number): RecordHeader | null {
  const end = position + recordHeaderBytes;
  if (end > bytes.length || bytes[end - 1] !== mark) return null;
  const crc = bytes.readUInt32LE(position);
  if (crc32(bytes.subarray(position + 4, end), seed) !== crc) return null;
  const payloadBytes = bytes.readUInt32LE(position + 8);
  return {
    crc,
    payloadCrc: bytes.readUInt32LE(position + 4),
    payloadBytes,
    previousCrc: bytes.readUInt32LE(position + 12),
    sequence: bytes.readUIntLE(position + 16, 6),
    zeroSectors: bytes.readUInt32LE(position + 22),
    recordBytes: recordSize(payloadBytes),
  };
}

/** Does the header's record follow what the chain says was before? */
export function follows(header: RecordHeader, chain: Chain): boolean {
  return header.sequence === chain.sequence && header.previousCrc === chain.previousCrc;
}

/** Are payload and trailer all there and as they were written? */
export function isWhole(bytes: Buffer, position: number, header: RecordHeader): boolean {
  const payloadEnd = position + recordHeaderBytes + header.payloadBytes;
  const end = position + header.recordBytes;
  if (end > bytes.length) return false;
  for (let at = payloadEnd; at < end; at++) if (bytes[at] !== trailer) return false;
  const payload = bytes.subarray(position + recordHeaderBytes, payloadEnd);
  return crc32(payload, header.previousCrc) === header.payloadCrc;
}

/** A whole record's payload, as a view. */
export function payloadOf(bytes: Buffer, position: number, { payloadBytes }: RecordHeader): Buffer {
  const start = position + recordHeaderBytes;
  return bytes.subarray(start, start + payloadBytes);
}

/** Is there a record after `position` that a later batch than `sequence` made? */
export function hasLaterRecord(bytes: Buffer, position: number, sequence: number, seed: number): boolean {
  for (let at = position + alignment; at + recordHeaderBytes <= bytes.length; at += alignment) {
    const header = decodeRecordHeader(bytes, at, seed);
    if (header !== null && header.sequence > sequence) return true;
  }
  return false;
}

/** The place of the last byte of a header's mark. */
export function markAt(position: number): number {
  return position + recordHeaderBytes - 1;
}
