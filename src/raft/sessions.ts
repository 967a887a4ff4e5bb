import { cutPacked } from '../ground/byte-strings.js';
import type { LogIndex, SessionPlace, Term } from './entry.js';

/*
 * Exactly once (thesis §6.3). What is here is state like the application's: a function of the log alone, the same on
 * every node that has applied as much, however the log's entries are cut into runs. So nothing asks a clock (the log
 * has its own time), and what is bounded is counted in commands and their bytes. The bounds are a part of the format:
 * with others a node would come to another state.
 */

/** Sessions that are kept. One more, and the one that was silent longest is ended. */
export const sessionsMax = 16_384;
/** Bytes of results that are kept, of all sessions. Beyond that those of the session that was silent longest are forgotten. */
export const resultBytesMax = 64 * 1024 * 1024;
/** When results are to be forgotten, this much is made room for, so that it is not to be done again at once. */
const resultBytesFreed = resultBytesMax / 8;
/** Commands of one session that are known to be applied. One that never says what it has heard is ended. */
export const commandsKeptMax = 131_072;

/** Consecutive commands of a session that were applied to consecutive entries of one term. */
export interface Stretch {
  /** The first one's number in the session. */
  readonly sequence: number;
  readonly count: number;
  /** Where the first was applied, and in which term. */
  readonly index: LogIndex;
  readonly term: Term;
  /** Packed; null once they are forgotten. */
  readonly results: Uint8Array | null;
}

/** What is to be done with commands that follow each other in a session. */
export type Fate =
  /** Never applied before. */
  | { readonly type: 'fresh'; readonly count: number }
  /** Applied before: the first results. */
  | { readonly type: 'known'; readonly count: number; readonly stretch: Stretch }
  /** The client has said that it does not ask for them any more: whether they were applied is not known. */
  | { readonly type: 'settled'; readonly count: number }
  /** There is no such session, or no longer. */
  | { readonly type: 'expired'; readonly count: number };

/** One client's session. */
export interface ClientSession {
  readonly id: LogIndex;
  /** How long it may be silent, in milliseconds of log time. */
  readonly timeoutMs: number;
  /** When it was last heard, in log time. */
  activeMs: number;
  /** Numbers below are over. */
  acknowledged: number;
  /** What was applied from there on, in the order of their numbers, without overlap. */
  stretches: Stretch[];
  /** How many commands those are. */
  kept: number;
  /** Bytes of their results, packed. */
  bytes: number;
}

/** The sessions of all clients, in the order in which they were last heard: whose turn it is to go comes first. */
export class SessionTable {
  readonly #sessions = new Map<LogIndex, ClientSession>();
  /** The session that was heard last. */
  #latest: ClientSession | null = null;
  #logTimeMs = 0;
  #bytes = 0;

  /** The time of the latest entry that said it, in milliseconds. */
  get logTimeMs(): number {
    return this.#logTimeMs;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Bytes of all results that are kept. */
  get resultBytes(): number {
    return this.#bytes;
  }

  /** Those that have not expired, or whose turn to be dropped has not come; first those that were silent longest. */
  get all(): Iterable<ClientSession> {
    return this.#sessions.values();
  }

  /** An entry says what time it is: sessions that were silent too long by then are dropped. */
  pass(logTimeMs: number): void {
    this.#logTimeMs = Math.max(this.#logTimeMs, logTimeMs);
    for (const session of this.#sessions.values()) {
      if (!this.#isExpired(session)) break;
      this.#drop(session);
    }
  }

  /** Opens a session, by the entry at `id`. */
  open(id: LogIndex, timeoutMs: number): void {
    const activeMs = this.#logTimeMs;
    this.#add({ id, timeoutMs, activeMs, acknowledged: 1, stretches: [], kept: 0, bytes: 0 });
    for (const session of this.#sessions.values()) {
      if (this.#sessions.size <= sessionsMax) break;
      this.#drop(session);
    }
  }

  /** The client was heard, and has said which results it asks for no more. Null when there is no such session. */
  hear({ id, acknowledged }: Pick<SessionPlace, 'id' | 'acknowledged'>): ClientSession | null {
    const session = this.#live(id);
    if (session === null) return null;
    session.activeMs = this.#logTimeMs;
    if (session !== this.#latest) {
      this.#sessions.delete(id);
      this.#sessions.set(id, session);
      this.#latest = session;
    }
    this.#settle(session, acknowledged);
    return session;
  }

  end(id: LogIndex): void {
    const session = this.#sessions.get(id);
    if (session !== undefined) this.#drop(session);
  }

  /** Were, or are, the commands from `sequence` on to be applied? Answers for as many of `count` as are alike. */
  fateOf(id: LogIndex, sequence: number, count: number): Fate {
    const session = this.#live(id);
    if (session === null) return { type: 'expired', count };
    if (sequence < session.acknowledged) {
      return { type: 'settled', count: Math.min(count, session.acknowledged - sequence) };
    }
    const at = placeOf(session, sequence);
    const stretch = session.stretches[at];
    if (stretch !== undefined && stretch.sequence <= sequence) {
      const known = Math.min(count, endOf(stretch) - sequence);
      return { type: 'known', count: known, stretch: cutStretch(stretch, sequence, sequence + known) };
    }
    const room = commandsKeptMax - session.kept;
    if (room === 0) {
      this.#drop(session);
      return { type: 'expired', count };
    }
    const free = (stretch?.sequence ?? Number.POSITIVE_INFINITY) - sequence;
    return { type: 'fresh', count: Math.min(count, free, room) };
  }

  /** Would so many more bytes of results be more than are kept? To be asked after each command, wherever runs end. */
  overflows(bytes: number): boolean {
    return this.#bytes + bytes > resultBytesMax;
  }

  /** Keeps the results of commands that were `fresh` and are applied. */
  keep(id: LogIndex, stretch: Stretch): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    session.stretches.splice(placeOf(session, stretch.sequence), 0, stretch);
    session.kept += stretch.count;
    this.#count(session, stretch.results?.length ?? 0);
    if (this.#bytes > resultBytesMax) this.#forgetResults();
  }

  /** Has a command of this number been applied, or can it never be asked for again? */
  knows(id: LogIndex, sequence: number): boolean {
    const session = this.#live(id);
    if (session === null) return false;
    const stretch = session.stretches[placeOf(session, sequence)];
    return sequence < session.acknowledged || (stretch !== undefined && stretch.sequence <= sequence);
  }

  /** Puts back what another table had: `sessions` in their order. */
  restore(logTimeMs: number, sessions: Iterable<ClientSession>): void {
    this.#sessions.clear();
    this.#latest = null;
    this.#bytes = 0;
    this.#logTimeMs = logTimeMs;
    for (const session of sessions) {
      this.#add(session);
      this.#bytes += session.bytes;
    }
  }

  /** A copy that stays as it is. What was applied is shared, for it never changes. */
  capture(): { readonly logTimeMs: number; readonly sessions: readonly ClientSession[] } {
    const sessions = [...this.#sessions.values()].map((session) => ({
      ...session,
      stretches: [...session.stretches],
    }));
    return { logTimeMs: this.#logTimeMs, sessions };
  }

  #add(session: ClientSession): void {
    this.#sessions.set(session.id, session);
    this.#latest = session;
  }

  #live(id: LogIndex): ClientSession | null {
    const session = this.#sessions.get(id);
    return session === undefined || this.#isExpired(session) ? null : session;
  }

  #isExpired({ activeMs, timeoutMs }: ClientSession): boolean {
    return this.#logTimeMs - activeMs > timeoutMs;
  }

  #drop(session: ClientSession): void {
    this.#sessions.delete(session.id);
    this.#bytes -= session.bytes;
  }

  #count(session: ClientSession, bytes: number): void {
    session.bytes += bytes;
    this.#bytes += bytes;
  }

  /** All below `acknowledged` is over; it never falls. */
  #settle(session: ClientSession, acknowledged: number): void {
    if (acknowledged <= session.acknowledged) return;
    session.acknowledged = acknowledged;
    const { stretches } = session;
    let over = 0;
    for (
      let first = stretches[0];
      first !== undefined && first.sequence < acknowledged;
      first = stretches[over]
    ) {
      const left = endOf(first) > acknowledged ? cutStretch(first, acknowledged, endOf(first)) : null;
      session.kept -= first.count - (left?.count ?? 0);
      this.#count(session, (left?.results?.length ?? 0) - (first.results?.length ?? 0));
      if (left !== null) {
        stretches[over] = left;
        break;
      }
      over++;
    }
    stretches.splice(0, over);
  }

  /** That a command was applied stays known, and where; what came of it does not. */
  #forgetResults(): void {
    for (const session of this.#sessions.values()) {
      if (this.#bytes <= resultBytesMax - resultBytesFreed) return;
      if (session.bytes === 0) continue;
      session.stretches = session.stretches.map((stretch) => ({ ...stretch, results: null }));
      this.#count(session, -session.bytes);
    }
  }
}

function endOf({ sequence, count }: Stretch): number {
  return sequence + count;
}

/** The place of the first stretch that ends after `sequence`. Nearly always that is past the last one. */
function placeOf({ stretches }: ClientSession, sequence: number): number {
  let high = stretches.length;
  if (high === 0 || endOf(stretches[high - 1] as Stretch) <= sequence) return high;
  let low = 0;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (endOf(stretches[middle] as Stretch) <= sequence) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The commands of the numbers from `from` to before `to`, which the stretch has. */
function cutStretch(stretch: Stretch, from: number, to: number): Stretch {
  const { sequence, count, index, term, results } = stretch;
  if (from === sequence && to === endOf(stretch)) return stretch;
  const skipped = from - sequence;
  return {
    sequence: from,
    count: to - from,
    index: index + skipped,
    term,
    results: results === null ? null : cutPacked(results, skipped, skipped + Math.min(to - from, count)),
  };
}
