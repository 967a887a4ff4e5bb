import { readU32, writeU32 } from '../ground/integers.js';
import { type EntryKind, entryKinds, type LogIndex, type Term } from '../raft/entry.js';
import { invariant } from '../raft/invariant.js';
import type { Span } from '../raft/run.js';

/*
 * Consecutive runs as the network and the write-ahead log carry them, one after the other:
 *
 *     u32 LE length of the sealed bytes · u32 LE count · u48 LE term · u8 kind · u8 flags (0) · the sealed bytes
 *
 * What lies sealed is a LogEntry message, see `log-entry.ts`; what stands before it in the clear is what replication
 * and recovery need without a key. An authentication tag of a run would be announced by a flag.
 */

/** A run on its way to or from peers and disk. */
export interface SealedRun extends Span {
  readonly kind: EntryKind;
  /**
   * A sealed LogEntry message, whose `count` may be higher than the run's own: what was sealed cannot be cut, so the
   * entries that follow `count` are no longer part of the log. Never written again.
   */
  readonly sealed: Uint8Array;
}

/** Bytes before each run's own. */
export const runHeaderBytes = 16;
/** The most entries in one run. */
export const countMax = 2 ** 32 - 1;

/** How many bytes `packRunsInto` will write. */
export function packedSize(runs: readonly SealedRun[]): number {
  let size = runs.length * runHeaderBytes;
  for (const run of runs) size += run.sealed.byteLength;
  return size;
}

/** Packs into `target` from `offset` on and returns the offset after the last run. `packedSize` bytes must fit. */
export function packRunsInto(target: Uint8Array, offset: number, runs: readonly SealedRun[]): number {
  let at = offset;
  for (const { count, term, kind, sealed } of runs) {
    const termHigh = Math.floor(term / 0x1_0000_0000);
    writeU32(target, at, sealed.byteLength);
    writeU32(target, at + 4, count);
    writeU32(target, at + 8, term);
    target[at + 12] = termHigh;
    target[at + 13] = termHigh >>> 8;
    target[at + 14] = entryKinds.indexOf(kind);
    target[at + 15] = 0;
    target.set(sealed, at + runHeaderBytes);
    at += runHeaderBytes + sealed.byteLength;
  }
  return at;
}

/**
 * The runs of a packed batch, numbered from `firstIndex` on, or null when it is malformed. Their sealed bytes are views
 * into `bytes`, and nothing is known of what is in them. Never throws.
 */
export function unpackRuns(bytes: Uint8Array, firstIndex: LogIndex): SealedRun[] | null {
  const runs: SealedRun[] = [];
  let next = firstIndex;
  let at = 0;
  while (at < bytes.length) {
    const start = at + runHeaderBytes;
    if (start > bytes.length) return null;
    const end = start + readU32(bytes, at);
    const count = readU32(bytes, at + 4);
    const term = readTerm(bytes, at + 8);
    const kind = entryKinds[bytes[at + 14] as number];
    if (end > bytes.length || count === 0 || term === 0 || kind === undefined) return null;
    if (bytes[at + 15] !== 0 || !Number.isSafeInteger(next + count - 1)) return null;
    runs.push({ firstIndex: next, count, term, kind, sealed: bytes.subarray(start, end) });
    next += count;
    at = end;
  }
  return runs;
}

/** A u48. */
export function readTerm(bytes: Uint8Array, at: number): Term {
  const high = (bytes[at + 4] as number) | ((bytes[at + 5] as number) << 8);
  return high * 0x1_0000_0000 + readU32(bytes, at);
}

/** The run without the entries after `to`. Its beginning cannot be cut off: that is sealed with the rest. */
export function cutSealedRun(run: SealedRun, from: LogIndex, to: LogIndex): SealedRun {
  const { firstIndex, count } = run;
  invariant(from === firstIndex, () => `A sealed run cannot be cut before entry ${from}.`);
  if (to - from + 1 === count) return run;
  return new CutRun(run instanceof CutRun ? run.origin : run, to - from + 1);
}

class CutRun implements SealedRun {
  readonly origin: SealedRun;
  readonly count: number;

  constructor(origin: SealedRun, count: number) {
    this.origin = origin;
    this.count = count;
  }

  get firstIndex(): LogIndex {
    return this.origin.firstIndex;
  }

  get term(): Term {
    return this.origin.term;
  }

  get kind(): EntryKind {
    return this.origin.kind;
  }

  get sealed(): Uint8Array {
    return this.origin.sealed;
  }
}
