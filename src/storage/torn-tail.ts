import type { FileHandle } from './file-system.js';
import {
  type Chain,
  decodeRecordHeader,
  follows,
  hasLaterRecord,
  markAt,
  recordHeaderBytes,
} from './record.js';
import { contentEnd, isZero, sectorEnd, zeroSectors } from './sectors.js';
import { writeZeros } from './zeros.js';

/*
 * What follows the last good record of the last segment. A record is written by one call and the one before it is
 * durable by then, so a crash leaves at most one unfinished record, with nothing but zeros after it. A torn write
 * is a prefix of the record, or some of its sectors and not others; either way zeros stand where it wrote none.
 * Anything else was whole once and has been damaged since: it may have been promised, so it must not be cut.
 */

/**
 * Why the bytes at `position` are damage, or null when they are a torn tail. `position` is where the record that
 * continues `chain` should begin, and something other than zeros stands at or after it.
 */
export function damageAt(bytes: Buffer, position: number, chain: Chain, seed: number): string | null {
  const end = contentEnd(bytes, position);
  const header = decodeRecordHeader(bytes, position, seed);
  if (header !== null) {
    if (!follows(header, chain)) return 'the record there does not continue the one before it';
    const recordEnd = position + header.recordBytes;
    if (end > recordEnd) return 'the record there does not check, and more follows it';
    if (end < recordEnd) return null;
    if (zeroSectors(bytes, 0, position, recordEnd) > header.zeroSectors) return null;
    return 'the record there was written to its end and does not match its checksum';
  }
  // Without its header nobody knows how long the record was meant to be: the header's own place must show the tear.
  const prefixOnly = end <= markAt(position);
  const sectorLost = isZero(bytes, position, sectorEnd(position));
  if (!prefixOnly && !sectorLost) return 'the header of the record there does not match its checksum';
  return hasLaterRecord(bytes, position, chain.sequence, seed)
    ? 'a record is missing there, and good ones follow it'
    : null;
}

/**
 * Makes zeros of a torn tail, durably. A crash at any point leaves what `damageAt` still takes for a torn tail:
 * first goes what the header speaks of (zeros only add to the evidence), then the end of the mark (the header is
 * then a prefix with nothing after it), then the rest of the header.
 */
export function eraseTornTail(file: FileHandle, position: number, end: number): void {
  if (end > position + recordHeaderBytes) {
    writeZeros(file, position + recordHeaderBytes, end);
    file.sync();
  }
  writeZeros(file, markAt(position), position + recordHeaderBytes);
  file.sync();
  writeZeros(file, position, markAt(position));
  file.sync();
}
