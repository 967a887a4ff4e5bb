import { readU32 } from '../ground/integers.js';
import type { ConfigurationData } from '../raft/configuration.js';
import type { HardState, Term } from '../raft/entry.js';
import type { LogBase } from '../raft/log.js';
import { decodeConfiguration, encodeConfiguration } from '../wire/configuration.js';
import { type RecordTag, recordTagBytes } from '../wire/log-seal.js';
import { packedSize, packRunsInto, readTerm, type SealedRun, unpackRuns } from '../wire/packed-runs.js';
import { unpackEntries } from './format-1.js';

/*
 * What a record holds, little-endian:
 *
 *      0  u8       flags: 1 term, 2 vote, 4 preamble, 8 tag, 16 the log begins anew
 *      1  u8       0
 *      2  u48      term
 *      8  u48      vote
 *     14  u48      index of the first entry
 *     20  u48      term of the entry before that; not in formats 1 and 2
 *     26           packed runs; in a preamble
 *                      u32 length of the members · the members as an entry of the kind `configuration` has them
 *                      with a tag: 16 bytes, the tag of the record before
 *                  with a tag: 16 bytes that vouch for the tag of the record before, for a preamble its segment's
 *                  header, and all of the payload before them
 *
 * Each segment of the present format begins with a preamble: term and vote as they are then, the members that the
 * cluster was made with, and the entry that its own follow. So nothing that a node must know is lost with the segments
 * before. A record says of the entry before its first what the log is held to; where the segments before are gone, and
 * entries at the beginning of this one were replaced, it is all that tells where the log begins.
 *
 * A flag that is not known makes no sense, so that no reader takes one thing for another.
 */

const prefixBytes = 26;
const oldPrefixBytes = 20;
const hasHardState = 1;
const hasVote = 2;
const isPreamble = 4;
const hasTag = 8;
const beginsAnew = 16;
const knownFlags = [
  hasHardState | hasVote,
  hasHardState | hasVote | isPreamble | hasTag | beginsAnew,
] as const;

/** What a segment begins with. */
export interface Preamble {
  readonly hardState: HardState;
  /** The members that the cluster was made with, encoded; empty where nobody has said. */
  readonly birth: Uint8Array;
  /** What the segment's entries follow. */
  readonly base: LogBase;
  /** Is all of the log before given up, so that `base` need not be its end? */
  readonly beginsAnew: boolean;
}

/** A preamble as it is read, with the tag of the record before it where it says that. */
export interface FoundPreamble extends Preamble {
  readonly previousTag: Uint8Array | null;
}

/** What a record brings. */
export interface Payload {
  readonly hardState: HardState | null;
  readonly runs: readonly SealedRun[];
  /** Of the entry before the first one; null where the format does not say. */
  readonly previousTerm: Term | null;
}

/** The tag of the record before, and what tags are made with. */
export interface TagChain {
  readonly tag: RecordTag;
  readonly previous: Uint8Array;
}

/** Before the first tagged record. */
export const noTag: Uint8Array = new Uint8Array(recordTagBytes);

export function payloadSize(runs: readonly SealedRun[], isTagged: boolean): number {
  return prefixBytes + packedSize(runs) + (isTagged ? recordTagBytes : 0);
}

export function preambleSize({ birth }: Pick<Preamble, 'birth'>, isTagged: boolean): number {
  return prefixBytes + 4 + birth.length + (isTagged ? 2 * recordTagBytes : 0);
}

/** Lays a record's payload out and returns where it ends. */
export function layOutPayload(
  target: Buffer,
  at: number,
  { hardState, runs, previousTerm }: Payload,
  chain: TagChain | null,
): number {
  layOutPrefix(target, at, hardState, chain === null ? 0 : hasTag);
  target.writeUIntLE(runs[0]?.firstIndex ?? 0, at + 14, 6);
  target.writeUIntLE(previousTerm ?? 0, at + 20, 6);
  const end = packRunsInto(target, at + prefixBytes, runs);
  return chain === null ? end : layOutTag(target, at, end, chain);
}

/** Lays a preamble out and returns where it ends. @param header of its segment. */
export function layOutPreamble(
  target: Buffer,
  at: number,
  preamble: Preamble,
  header: Uint8Array,
  chain: TagChain | null,
): number {
  const { hardState, birth, base } = preamble;
  const flags = isPreamble | (chain === null ? 0 : hasTag) | (preamble.beginsAnew ? beginsAnew : 0);
  layOutPrefix(target, at, hardState, flags);
  target.writeUIntLE(base.index + 1, at + 14, 6);
  target.writeUIntLE(base.term, at + 20, 6);
  let end = target.writeUInt32LE(birth.length, at + prefixBytes);
  target.set(birth, end);
  end += birth.length;
  if (chain === null) return end;
  target.set(chain.previous, end);
  return layOutTag(target, at, end + recordTagBytes, chain, header);
}

function layOutPrefix(target: Buffer, at: number, hardState: HardState | null, flags: number): void {
  const vote = hardState?.votedFor ?? null;
  target[at] = flags | (hardState === null ? 0 : hasHardState) | (vote === null ? 0 : hasVote);
  target[at + 1] = 0;
  target.writeUIntLE(hardState?.term ?? 0, at + 2, 6);
  target.writeUIntLE(vote ?? 0, at + 8, 6);
}

function layOutTag(target: Buffer, at: number, end: number, chain: TagChain, header?: Uint8Array): number {
  target.set(tagOf(target.subarray(at, end), chain, header), end);
  return end + recordTagBytes;
}

function tagOf(payload: Uint8Array, { tag, previous }: TagChain, header?: Uint8Array): Uint8Array {
  return header === undefined ? tag(previous, payload) : tag(previous, header, payload);
}

/** A payload's tag, where it has one. */
export function tagIn(payload: Uint8Array): Uint8Array | null {
  if (((payload[0] as number) & hasTag) === 0 || payload.length < recordTagBytes) return null;
  return payload.subarray(payload.length - recordTagBytes);
}

/** Does the payload carry the tag that the key gives it? @param header of its segment, for a preamble. */
export function isVouchedFor(payload: Uint8Array, chain: TagChain, header?: Uint8Array): boolean {
  const found = tagIn(payload);
  if (found === null) return false;
  const due = tagOf(payload.subarray(0, payload.length - recordTagBytes), chain, header);
  return Buffer.compare(found, due) === 0;
}

/** What a whole record of a segment of that format holds, its runs as views into `payload`; null when it makes no sense. */
export function decodePayload(payload: Buffer, formatVersion: number): Payload | null {
  const isOld = formatVersion < 3;
  const flags = payload[0] ?? 0;
  if (payload.length < (isOld ? oldPrefixBytes : prefixBytes)) return null;
  if ((flags & ~knownFlags[isOld ? 0 : 1]) !== 0 || (flags & (isPreamble | beginsAnew)) !== 0) return null;
  const firstIndex = readTerm(payload, 14);
  const end = payload.length - ((flags & hasTag) === 0 ? 0 : recordTagBytes);
  if (isOld) {
    const packed = payload.subarray(oldPrefixBytes);
    const runs = formatVersion === 1 ? unpackEntries(packed, firstIndex) : unpackRuns(packed, firstIndex);
    return runs === null ? null : { hardState: hardStateIn(payload), runs, previousTerm: null };
  }
  if (end < prefixBytes) return null;
  const runs = unpackRuns(payload.subarray(prefixBytes, end), firstIndex);
  return runs === null
    ? null
    : { hardState: hardStateIn(payload), runs, previousTerm: readTerm(payload, 20) };
}

/** Null when the payload is none. */
export function decodePreamble(payload: Buffer): FoundPreamble | null {
  if (payload.length < prefixBytes + 4) return null;
  const flags = payload[0] as number;
  if ((flags & isPreamble) === 0 || (flags & ~knownFlags[1]) !== 0) return null;
  const hardState = hardStateIn(payload);
  const birthEnd = prefixBytes + 4 + readU32(payload, prefixBytes);
  const isTagged = (flags & hasTag) !== 0;
  const firstIndex = readTerm(payload, 14);
  if (hardState === null || firstIndex < 1) return null;
  if (payload.length !== birthEnd + (isTagged ? 2 * recordTagBytes : 0)) return null;
  return {
    hardState,
    birth: payload.subarray(prefixBytes + 4, birthEnd),
    base: { index: firstIndex - 1, term: readTerm(payload, 20) },
    beginsAnew: (flags & beginsAnew) !== 0,
    previousTag: isTagged ? payload.subarray(birthEnd, birthEnd + recordTagBytes) : null,
  };
}

function hardStateIn(payload: Uint8Array): HardState | null {
  const flags = payload[0] as number;
  if ((flags & hasHardState) === 0) return null;
  return { term: readTerm(payload, 2), votedFor: (flags & hasVote) === 0 ? null : readTerm(payload, 8) };
}

/** The members as a preamble holds them. */
export function encodeBirth(birth: ConfigurationData | null): Uint8Array {
  return birth === null ? new Uint8Array(0) : encodeConfiguration(birth);
}

/** Null where nobody has said; undefined when they make no sense. */
export function decodeBirth(bytes: Uint8Array): ConfigurationData | null | undefined {
  return bytes.length === 0 ? null : (decodeConfiguration(bytes) ?? undefined);
}
