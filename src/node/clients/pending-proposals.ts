import { packBytes } from '../../ground/byte-strings.js';
import { NotLeaderError } from '../../ground/errors.js';
import type { LogIndex, Term } from '../../raft/entry.js';
import type { Replica } from '../../raft/replica.js';
import { type ErrorReport, reportOf } from '../host/error-report.js';
import { outcomeUnknown, type Proposal, type Reply } from './client-requests.js';

/** Commands of one client that stand in the log one after another. */
interface Run {
  /** The client's number of the first command that is still pending. */
  first: number;
  firstIndex: LogIndex;
  count: number;
  readonly reply: Reply;
  /** Results of the applied head of the run, not yet reported. */
  results: Uint8Array[];
}

/** What this node appended in one term as its leader: one stretch of the log, of which the head may be decided. */
interface Office {
  readonly term: Term;
  readonly runs: Run[];
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

  /** How many commands wait that are in this node's log. */
  get sizeInLog(): number {
    let size = 0;
    for (const office of this.#offices) size += this.#inLog(office);
    return size;
  }

  /** The commands were appended from `firstIndex` on in the current term. */
  add(proposal: Proposal, firstIndex: LogIndex): void {
    const { first, commands, reply } = proposal;
    const run: Run = { first, firstIndex, count: commands.length, reply, results: [] };
    const { currentTerm: term } = this.#replica;
    const latest = this.#offices.at(-1);
    if (latest?.term === term) latest.runs.push(run);
    else this.#offices.push({ term, runs: [run] });
    this.#size += run.count;
    // The term that is being added to has no more than fit.
    while (this.#size > 2 * this.#commandsMax) {
      const oldest = this.#offices.shift() as Office;
      this.#end(oldest, this.#outcomeUnknown('has lost too many commands from its log to wait for'));
    }
  }

  /** The entry at `index`, of `term`, was applied with this result. Called for every index in order. */
  applied(index: LogIndex, term: Term, result: Uint8Array): void {
    for (let at = 0; at < this.#offices.length; ) {
      const office = this.#offices[at] as Office;
      const head = office.runs[0] as Run;
      const isDue = head.firstIndex + head.results.length === index;
      if (office.term < term || (isDue && office.term !== term)) {
        this.#end(office, this.#notLeader());
        this.#offices.splice(at, 1);
        continue;
      }
      if (isDue) this.#applied(office, head, result);
      if (office.runs.length === 0) this.#offices.splice(at, 1);
      else at++;
    }
  }

  /** Reports what has been applied since the last call, so that a turn answers a run in one reply. */
  reportApplied(): void {
    for (const { term, runs } of this.#offices) {
      const head = runs[0] as Run;
      if (head.results.length > 0) this.#report(head, term);
    }
  }

  /**
   * The node goes silent for good or for long: nobody will learn the outcome here.
   * @param cause what it dies of, if it does
   */
  abandon(cause?: unknown): void {
    const error = this.#outcomeUnknown('stopped before it knew', cause);
    for (const office of this.#offices.splice(0)) this.#end(office, error);
  }

  #applied(office: Office, head: Run, result: Uint8Array): void {
    head.results.push(result);
    if (head.results.length < head.count) return;
    this.#report(head, office.term);
    office.runs.shift();
  }

  #report(run: Run, term: Term): void {
    const { first, firstIndex, results } = run;
    const count = results.length;
    run.reply({ type: 'applied', first, count, index: firstIndex, term, results: packBytes(results) });
    run.first += count;
    run.firstIndex += count;
    run.count -= count;
    run.results = [];
    this.#size -= count;
  }

  /** Answers all that is left of a term in office: what was applied as such, the rest with `error`. */
  #end({ term, runs }: Office, error: ErrorReport): void {
    for (const run of runs) {
      if (run.results.length > 0) this.#report(run, term);
      run.reply({ type: 'refused', first: run.first, count: run.count, error });
      this.#size -= run.count;
    }
  }

  /** How many of a term's pending commands the log still has: all up to its last entry of that term. */
  #inLog({ term, runs }: Office): number {
    const { log } = this.#replica;
    const { firstIndex } = runs[0] as Run;
    const last = runs.at(-1) as Run;
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
