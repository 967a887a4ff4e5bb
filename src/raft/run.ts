import { cutPacked, lengthBytes, unpackBytes } from '../ground/byte-strings.js';
import { readU32 } from '../ground/integers.js';
import type { EntryKind, LogEntry, LogIndex, NodeId, SessionPlace, Term } from './entry.js';
import { invariant } from './invariant.js';

/** The place of consecutive entries of one term in a log, in whatever form they are. */
export interface Span {
  readonly firstIndex: LogIndex;
  /** At least 1. */
  readonly count: number;
  readonly term: Term;
}

/**
 * Consecutive entries that one leader appended together, as a log holds them: their commands stay packed as the client
 * sent them, and nobody makes an object of each. A run may be cut anywhere between two entries; what is left looks at
 * the same memory.
 */
export interface Run extends Span {
  readonly kind: EntryKind;
  /** The leader that created the entries. */
  readonly leaderId: NodeId;
  /** The commands, `count` of them as `packBytes` packs them (a no-op's is empty). Never written again. */
  readonly body: Uint8Array;
  /** The first entry's place in its client's session, which the others follow there as here; only where it is of one. */
  readonly session?: SessionPlace;
}

export function lastIndexOf({ firstIndex, count }: Span): LogIndex {
  return firstIndex + count - 1;
}

/** How many entries runs have together. */
export function entriesIn(runs: readonly Span[]): number {
  let entries = 0;
  for (const { count } of runs) entries += count;
  return entries;
}

/**
 * The length of the longest command, or null when the body is not exactly `count` commands. Asked once, where a body
 * comes in; whoever works on a run takes for granted that it is sound.
 */
export function longestCommand(body: Uint8Array, count: number): number | null {
  let longest = 0;
  let at = 0;
  for (let command = 0; command < count; command++) {
    if (at + lengthBytes > body.length) return null;
    const length = readU32(body, at);
    at += lengthBytes + length;
    longest = Math.max(longest, length);
  }
  return count > 0 && at === body.length ? longest : null;
}

/** The entries from `from` through `to`, which the run must have; the run itself when they are all of it. */
export function cutRun(run: Run, from: LogIndex, to: LogIndex): Run {
  const { firstIndex, count, term, kind, leaderId, body, session } = run;
  invariant(
    from >= firstIndex && to <= lastIndexOf(run) && from <= to,
    () => `Entries ${from} to ${to} are to be cut out of ${firstIndex} to ${lastIndexOf(run)}.`,
  );
  if (to - from + 1 === count) return run;
  const cut = cutPacked(body, from - firstIndex, to - firstIndex + 1);
  const piece = { firstIndex: from, count: to - from + 1, term, kind, leaderId, body: cut };
  return session === undefined ? piece : { ...piece, session: placeAfter(session, from - firstIndex) };
}

/** The place of an entry so many after another of the same run. */
function placeAfter(place: SessionPlace, entries: number): SessionPlace {
  return { ...place, sequence: place.sequence + entries };
}

/** As many of the first entries as have `bytesMax` bytes of body at most, but one at least. */
export function headOf(run: Run, bytesMax: number): Run {
  const { firstIndex, body } = run;
  if (body.length <= bytesMax) return run;
  let to = firstIndex;
  let end = lengthBytes + readU32(body, 0);
  while (end < body.length) {
    end += lengthBytes + readU32(body, end);
    if (end > bytesMax) break;
    to++;
  }
  return cutRun(run, firstIndex, to);
}

/** The same entries in runs of `bytesMax` bytes of body at most, but of one entry at least. */
export function splitRun(run: Run, bytesMax: number): Run[] {
  const pieces: Run[] = [];
  let left = run;
  for (;;) {
    const head = headOf(left, bytesMax);
    pieces.push(head);
    if (head === left) return pieces;
    left = cutRun(left, lastIndexOf(head) + 1, lastIndexOf(left));
  }
}

/** The entries one by one, for whoever looks at them. */
export function entriesOf(run: Run): LogEntry[] {
  const { firstIndex, term, kind, leaderId, body, session } = run;
  const commands = unpackBytes(body) ?? [];
  return commands.map((command, at) => {
    const entry = { term, index: firstIndex + at, leaderId, kind, command };
    return session === undefined ? entry : { ...entry, session: placeAfter(session, at) };
  });
}
