/** What a disk writes whole or not at all. Disks with larger sectors write several of these at once. */
export const sectorBytes = 512;

const zeros = Buffer.alloc(64 * 1024);

/** The end of the sector that `position` lies in. */
export function sectorEnd(position: number): number {
  return position - (position % sectorBytes) + sectorBytes;
}

/** Are all bytes from `start` to before `end` zero? What lies past the end of `bytes` counts as zero. */
export function isZero(bytes: Buffer, start: number, end: number): boolean {
  const stop = Math.min(end, bytes.length);
  for (let at = start; at < stop; at += zeros.length) {
    const length = Math.min(zeros.length, stop - at);
    if (bytes.compare(zeros, 0, length, at, at + length) !== 0) return false;
  }
  return true;
}

/** One past the last byte that is not zero, or `start` when none at or after it is. */
export function contentEnd(bytes: Buffer, start: number): number {
  let end = bytes.length;
  while (end > start) {
    const from = Math.max(start, end - zeros.length);
    if (!isZero(bytes, from, end)) break;
    end = from;
  }
  while (end > start && bytes[end - 1] === 0) end--;
  return end;
}

/**
 * How many whole sectors of a file are all zeros within an extent of it. `bytes` holds the file's content from
 * `origin` on.
 */
export function zeroSectors(bytes: Buffer, origin: number, start: number, end: number): number {
  let count = 0;
  const first = Math.ceil(start / sectorBytes) * sectorBytes;
  for (let at = first; at + sectorBytes <= end; at += sectorBytes) {
    // The first byte settles nearly every sector of packed or enciphered data.
    if (bytes[at - origin] === 0 && isZero(bytes, at - origin, at - origin + sectorBytes)) count++;
  }
  return count;
}
