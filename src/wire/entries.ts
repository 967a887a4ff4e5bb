import { readU32, writeU32 } from '../ground/integers.js';
import { type Entry, type EntryKind, entryKinds, type LogIndex, type Term } from '../raft/entry.js';

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
    const run = PackedEntry.run(entries, next);
    if (run !== null) {
      target.set(run.bytes, at);
      at += run.bytes.byteLength;
      next = run.end;
    } else {
      const entry = entries[next] as Entry;
      writeEntryHeader(target, at, entry.bytes.byteLength, entry);
      target.set(entry.bytes, at + entryHeaderBytes);
      at += entryHeaderBytes + entry.bytes.byteLength;
      next++;
    }
  }
  return at;
}

/**
 * An entry that lies in memory as a packed batch has it, behind its header. It is an `Entry` like any other; that
 * it remembers where it lies is known here alone (a copy of it by `{...entry}` forgets).
 */
export class PackedEntry implements Entry {
  readonly index: LogIndex;
  readonly term: Term;
  readonly kind: EntryKind;
  readonly bytes: Uint8Array;
  readonly #memory: Uint8Array;
  readonly #start: number;
  readonly #end: number;

  /** @param start where in `memory` the header begins; it is there already, or is before anybody packs the entry. */
  constructor(index: LogIndex, term: Term, kind: EntryKind, memory: Uint8Array, start: number, end: number) {
    this.index = index;
    this.term = term;
    this.kind = kind;
    this.bytes = memory.subarray(start + entryHeaderBytes, end);
    this.#memory = memory;
    this.#start = start;
    this.#end = end;
  }

  /**
   * The longest run of entries from `from` on that already lie packed behind one another: their bytes, and where
   * the run ends in `entries`. Null when the first one does not lie packed.
   */
  static run(entries: readonly Entry[], from: number): { bytes: Uint8Array; end: number } | null {
    const first = entries[from];
    if (!isPacked(first)) return null;
    let end = first.#end;
    let next = from + 1;
    for (; next < entries.length; next++) {
      const entry = entries[next];
      if (!isPacked(entry) || entry.#start !== end || entry.#memory !== first.#memory) break;
      end = entry.#end;
    }
    return { bytes: first.#memory.subarray(first.#start, end), end: next };
  }
}

function isPacked(entry: Entry | undefined): entry is PackedEntry {
  return entry instanceof PackedEntry;
}

/** Writes the header of an entry whose bytes begin `entryHeaderBytes` after `at`. */
export function writeEntryHeader(
  target: Uint8Array,
  at: number,
  length: number,
  entry: Pick<Entry, 'term' | 'kind'>,
): void {
  const termHigh = Math.floor(entry.term / 0x1_0000_0000);
  writeU32(target, at, length);
  writeU32(target, at + 4, entry.term);
  target[at + 8] = termHigh;
  target[at + 9] = termHigh >>> 8;
  target[at + 10] = entryKinds.indexOf(entry.kind);
  target[at + 11] = 0;
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
    entries.push(new PackedEntry(firstIndex + entries.length, term, kind, bytes, at, end));
    at = end;
  }
  return entries;
}

function readTerm(bytes: Uint8Array, at: number): number {
  const high = (bytes[at + 4] as number) | ((bytes[at + 5] as number) << 8);
  return high * 0x1_0000_0000 + readU32(bytes, at);
}
