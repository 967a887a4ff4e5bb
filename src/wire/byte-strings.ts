const lengthBytes = 4;

/** Packs byte strings one after the other, each behind its length (u32 LE), in a buffer of its own that may be transferred. */
export function packBytes(items: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let size = items.length * lengthBytes;
  for (const item of items) size += item.byteLength;
  const packed = new Uint8Array(size);
  let at = 0;
  for (const item of items) {
    const length = item.byteLength;
    packed[at] = length;
    packed[at + 1] = length >>> 8;
    packed[at + 2] = length >>> 16;
    packed[at + 3] = length >>> 24;
    packed.set(item, at + lengthBytes);
    at += lengthBytes + length;
  }
  return packed;
}

/**
 * What `packBytes` packed, as views into `bytes`; null when malformed, or when there are not `count` of them.
 * Never throws.
 */
export function unpackBytes(bytes: Uint8Array, count?: number): Uint8Array[] | null {
  const items: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length) {
    const start = at + lengthBytes;
    if (start > bytes.length || items.length === count) return null;
    const length =
      (bytes[at] as number) +
      (bytes[at + 1] as number) * 0x100 +
      (bytes[at + 2] as number) * 0x1_0000 +
      (bytes[at + 3] as number) * 0x100_0000;
    at = start + length;
    if (at > bytes.length) return null;
    items.push(bytes.subarray(start, at));
  }
  return count === undefined || items.length === count ? items : null;
}
