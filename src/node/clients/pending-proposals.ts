import { offsetAfter } from '../../ground/byte-strings.js';
import { NotLeaderError } from '../../ground/errors.js';
import type { LogIndex, Term } from '../../raft/entry.js';
import type { Replica } from '../../raft/replica.js';
import { lastIndexOf, type Span } from '../../raft/run.js';
import { type ErrorReport, reportOf } from '../host/error-report.js';
import { outcomeUnknown, type Proposal, type Reply } from './client-requests.js';

const unlearned = 'took its leader’s snapshot in place of the log and will not learn';

/** Commands of one client that stand in the log one after another, from the first on that is still pending. */
interface Pending {
  /** The client's number of the first of them. */
  first: number;
  firstIndex: LogIndex;
  count: number;
  readonly isInSession: boolean;
  readonly reply: Reply;
}

/** What this node appended in one term as its leader: one stretch of the log, of which the head may be decided. */
interface Office {
  readonly term: Term;
  readonly pending: Pending[];
}

/**
 * Commands that this node appended as a leader and whose outcome its clients await. It goes on waiting after it
 * is deposed: its log may still commit. Only the state machine decides a command's fate. The entry is applied:
 * success. *Another* entry is applied at its index, or one of a later term at or before it: then it can never be
 * committed, for terms never fall along a log. That it was truncated here decides nothing; another server may still
 * have it (Figure 8). But it takes no room from then on.
 */
export class PendingProposals {
  readonly #replica: Replica;
  /** How many commands may wait in the log; as many more may wait that were cut off it. */
  readonly #commandsMax: number;
  /** Ascending terms. */
  readonly #offices: Office[] = [];
  #size = 0;

  constructor(replica: Replica, commandsMax: number) {
    this.#replica = replica;
    this.#commandsMax = commandsMax;
  }

  /** Does anybody wait for results? */
  get isAwaiting(): boolean {
    return this.#size > 0;
  }

  /** How many commands wait that are in this node's log. */
  get sizeInLog(): number {
    let size = 0;
    for (const office of this.#offices) size += this.#inLog(office);
    return size;
  }

  /** The commands were appended from `firstIndex` on in the current term. */
  add({ first, count, session, reply }: Proposal, firstIndex: LogIndex): void {
    const isInSession = session !== undefined;
    const pending: Pending = { first, firstIndex, count, isInSession, reply };
    const { currentTerm: term } = this.#replica;
    const latest = this.#offices.at(-1);
    if (latest?.term === term) latest.pending.push(pending);
    else this.#offices.push({ term, pending: [pending] });
    this.#size += count;
    // The term that is being added to has no more than fit.
    while (this.#size > 2 * this.#commandsMax) {
      const oldest = this.#offices.shift() as Office;
      this.#end(oldest, this.#outcomeUnknown('has lost too many commands from its log to wait for'));
    }
  }

  /**
   * Entries of one term were applied with these results, packed. Called for all entries in order, or `refused` is.
   * @param first where and in which term the commands took effect: elsewhere, if they were applied before.
   */
  applied(entries: Span, results: Uint8Array, first: Omit<Span, 'count'> = entries): void {
    const shift = first.firstIndex - entries.firstIndex;
    let passedIndex = entries.firstIndex;
    let at = 0;
    this.#decide(entries, ({ first: number, firstIndex, reply }, count) => {
      const start = offsetAfter(results, at, firstIndex - passedIndex);
      at = offsetAfter(results, start, count);
      passedIndex = firstIndex + count;
      // Where others have a part of them, a copy of its own: the memory of a reply changes hands.
      const own = count === entries.count ? results : results.slice(start, at);
      const index = firstIndex + shift;
      reply({ type: 'applied', first: number, count, index, term: first.term, results: own });
    });
  }

  /** Entries of one term are committed and had no effect, for this reason. */
  refused(entries: Span, error: ErrorReport): void {
    this.#decide(entries, ({ first, reply }, count) => reply({ type: 'refused', first, count, error }));
  }

  /** The state machine has come past these entries: the fate of what was proposed there is decided. */
  #decide(entries: Span, answer: (head: Pending, count: number) => void): void {
    for (let at = 0; at < this.#offices.length; ) {
      const office = this.#offices[at] as Office;
      const isDue = (office.pending[0] as Pending).firstIndex <= lastIndexOf(entries);
      if (office.term < entries.term || (isDue && office.term !== entries.term)) {
        this.#end(office, this.#notLeader());
        this.#offices.splice(at, 1);
        continue;
      }
      if (isDue) this.#answer(office, entries, answer);
      if (office.pending.length === 0) this.#offices.splice(at, 1);
      else at++;
    }
  }

  /**
   * A leader's snapshot through this entry has taken the place of the log: what became of commands up to it nobody here
   * will learn, except that none is of a later term than the entry, nor any after it of an earlier one.
   */
  installed(index: LogIndex, term: Term): void {
    for (const office of this.#offices.splice(0)) {
      const unknown = office.term > term ? this.#notLeader() : this.#outcomeUnknown(unlearned);
      for (const run of office.pending) {
        const count = Math.min(run.count, Math.max(0, index + 1 - run.firstIndex));
        if (count === 0) continue;
        run.reply({ type: 'refused', first: run.first, count, error: unknown });
        run.first += count;
        run.firstIndex += count;
        run.count -= count;
        this.#size -= count;
      }
      const left = { term: office.term, pending: office.pending.filter(({ count }) => count > 0) };
      if (office.term < term) this.#end(left, this.#notLeader());
      else if (left.pending.length > 0) this.#offices.push(left);
    }
  }

  /**
   * The node has left office. Who has a session may as well ask the next leader what becomes of a command, and send it
   * again: that is sooner than it can be known here.
   */
  handBack(): void {
    for (const office of this.#offices) {
      const { pending } = office;
      const handedBack = pending.filter(({ isInSession }) => isInSession);
      if (handedBack.length === 0) continue;
      const kept = pending.filter(({ isInSession }) => !isInSession);
      pending.splice(0, pending.length, ...kept);
      this.#end({ ...office, pending: handedBack }, this.#outcomeUnknown('was deposed before it knew'));
    }
    this.#offices.splice(
      0,
      this.#offices.length,
      ...this.#offices.filter(({ pending }) => pending.length > 0),
    );
  }

  /**
   * The node goes silent for good or for long: nobody will learn the outcome here.
   * @param cause what it dies of, if it does
   */
  abandon(cause?: unknown): void {
    const error = this.#outcomeUnknown('stopped before it knew', cause);
    for (const office of this.#offices.splice(0)) this.#end(office, error);
  }

  /** The commands that are among the entries are answered. */
  #answer({ pending }: Office, entries: Span, answer: (head: Pending, count: number) => void): void {
    let done = 0;
    for (const run of pending) {
      const count = Math.min(run.count, lastIndexOf(entries) + 1 - run.firstIndex);
      if (count <= 0) break;
      answer(run, count);
      run.first += count;
      run.firstIndex += count;
      run.count -= count;
      this.#size -= count;
      if (run.count === 0) done++;
    }
    pending.splice(0, done);
  }

  /** What is left of a term in office is refused with `error`. */
  #end({ pending }: Office, error: ErrorReport): void {
    for (const { first, count, reply } of pending) {
      reply({ type: 'refused', first, count, error });
      this.#size -= count;
    }
  }

  /** How many of a term's pending commands the log still has: all up to its last entry of that term. */
  #inLog({ term, pending }: Office): number {
    const { log } = this.#replica;
    const { firstIndex } = pending[0] as Pending;
    const last = pending.at(-1) as Pending;
    const lastIndex = last.firstIndex + last.count - 1;
    const keptIndex = log.termAt(lastIndex) === term ? lastIndex : log.lastIndexOfTerm(term);
    return Math.max(0, keptIndex - firstIndex + 1);
  }

  #notLeader() {
    const { id, leaderId, currentTerm } = this.#replica;
    return reportOf(new NotLeaderError(id, leaderId, currentTerm));
  }

  #outcomeUnknown(why: string, cause?: unknown) {
    return reportOf(outcomeUnknown(`Node ${this.#replica.id} ${why} the command's outcome`, cause));
  }
}
