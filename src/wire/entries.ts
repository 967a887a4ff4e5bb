import { type Entry, entryKinds, type LogIndex } from '../raft/entry.js';

/*
 * A batch of consecutive entries as the network and the write-ahead log carry it, one after the other:
 *
 *     u32 LE length of the bytes · u48 LE term · u8 kind · u8 flags (0) · the bytes
 *
 * Entries that arrived in a frame, or that `LogEntryCodec.encodeAll` made, already lie so in memory; packing a
 * run of them again is a single copy.
 */

/** Bytes before each entry's own. */
export const entryHeaderBytes = 12;
/** The largest term that fits the header. */
export const termMax = 2 ** 48 - 1;

/** How many bytes `packEntries` will make. */
export function packedSize(entries: readonly Entry[]): number {
  let size = entries.length * entryHeaderBytes;
  for (const entry of entries) size += entry.bytes.byteLength;
  return size;
}

export function packEntries(entries: readonly Entry[]): Uint8Array<ArrayBuffer> {
  const target = new Uint8Array(packedSize(entries));
  packEntriesInto(target, 0, entries);
  return target;
}

/** Packs into `target` from `offset` on and returns the offset after the last entry. `packedSize` bytes must fit. */
export function packEntriesInto(target: Uint8Array, offset: number, entries: readonly Entry[]): number {
  let at = offset;
  let next = 0;
  while (next < entries.length) {
    const first = entries[next] as Entry;
    const run = packedRun(entries, next);
    if (run > next) {
      const last = entries[run - 1] as Entry;
      const start = first.bytes.byteOffset - entryHeaderBytes;
      const length = last.bytes.byteOffset + last.bytes.byteLength - start;
      target.set(new Uint8Array(first.bytes.buffer, start, length), at);
      at += length;
      next = run;
    } else {
      writeEntryHeader(target, at, first.bytes.byteLength, first);
      target.set(first.bytes, at + entryHeaderBytes);
      at += entryHeaderBytes + first.bytes.byteLength;
      next++;
    }
  }
  return at;
}

/** Writes the header of an entry whose bytes begin `entryHeaderBytes` after `at`. */
export function writeEntryHeader(
  target: Uint8Array,
  at: number,
  length: number,
  entry: Pick<Entry, 'term' | 'kind'>,
): void {
  const termHigh = Math.floor(entry.term / 0x1_0000_0000);
  target[at] = length;
  target[at + 1] = length >>> 8;
  target[at + 2] = length >>> 16;
  target[at + 3] = length >>> 24;
  target[at + 4] = entry.term;
  target[at + 5] = entry.term >>> 8;
  target[at + 6] = entry.term >>> 16;
  target[at + 7] = entry.term >>> 24;
  target[at + 8] = termHigh;
  target[at + 9] = termHigh >>> 8;
  target[at + 10] = entryKinds.indexOf(entry.kind);
  target[at + 11] = 0;
}

/**
 * Where the run of entries that begins at `from` and already lies packed in one buffer ends; `from` itself when
 * there is none. Adjacency could be a coincidence, so the bytes between are compared with the headers due there.
 */
function packedRun(entries: readonly Entry[], from: number): number {
  const first = (entries[from] as Entry).bytes;
  const second = entries[from + 1]?.bytes;
  if (second === undefined || first.byteOffset < entryHeaderBytes) return from;
  if (second.byteOffset !== first.byteOffset + first.byteLength + entryHeaderBytes) return from;
  const memory = new Uint8Array(first.buffer);
  let header = first.byteOffset - entryHeaderBytes;
  let next = from;
  while (next < entries.length) {
    const entry = entries[next] as Entry;
    if (entry.bytes.byteOffset !== header + entryHeaderBytes || entry.bytes.buffer !== first.buffer) break;
    if (!isHeaderOf(memory, header, entry)) break;
    header += entryHeaderBytes + entry.bytes.byteLength;
    next++;
  }
  return next;
}

function isHeaderOf(memory: Uint8Array, at: number, entry: Entry): boolean {
  return (
    readU32(memory, at) === entry.bytes.byteLength &&
    readTerm(memory, at + 4) === entry.term &&
    entryKinds[memory[at + 10] as number] === entry.kind &&
    memory[at + 11] === 0
  );
}

/**
 * The entries of a packed batch, numbered from `firstIndex` on, or null when it is malformed. Their bytes are
 * views into `bytes`. Never throws.
 */
export function unpackEntries(bytes: Uint8Array, firstIndex: LogIndex): Entry[] | null {
  const entries: Entry[] = [];
  let at = 0;
  while (at < bytes.length) {
    const start = at + entryHeaderBytes;
    if (start > bytes.length) return null;
    const end = start + readU32(bytes, at);
    const term = readTerm(bytes, at + 4);
    const kind = entryKinds[bytes[at + 10] as number];
    if (end > bytes.length || term === 0 || kind === undefined || bytes[at + 11] !== 0) return null;
    entries.push({ index: firstIndex + entries.length, term, kind, bytes: bytes.subarray(start, end) });
    at = end;
  }
  return entries;
}

function readU32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) >>>
    0
  );
}

function readTerm(bytes: Uint8Array, at: number): number {
  const high = (bytes[at + 4] as number) | ((bytes[at + 5] as number) << 8);
  return high * 0x1_0000_0000 + readU32(bytes, at);
}
