import { packBytes } from '../../ground/byte-strings.js';
import { NotLeaderError, OutcomeUnknownError } from '../../ground/errors.js';
import type { LogIndex, NodeId, Term } from '../../raft/entry.js';
import type { Replica } from '../../raft/replica.js';
import { reportOf } from '../host/error-report.js';
import type { Proposal, Reply } from './client-requests.js';

/** Commands of one client that stand in the log one after another. */
interface Run {
  /** The client's number of the first command that is still pending. */
  first: number;
  firstIndex: LogIndex;
  count: number;
  readonly term: Term;
  readonly reply: Reply;
  /** Results of the applied head of the run, not yet reported. */
  results: Uint8Array[];
}

/**
 * Commands that this node appended as a leader and whose outcome its clients await. It goes on waiting after it
 * is deposed: its log may still commit. Only two things decide a command's fate. The entry is applied: success.
 * *Another* entry is applied at its index: it can never be committed. That it was truncated here decides nothing;
 * another server may still have it (Figure 8).
 */
export class PendingProposals {
  #runs: Run[] = [];
  #size = 0;

  /** How many commands wait. */
  get size(): number {
    return this.#size;
  }

  /** The commands were appended from `firstIndex` on in `term`. */
  add(proposal: Proposal, firstIndex: LogIndex, term: Term): void {
    const { first, commands, reply } = proposal;
    this.#runs.push({ first, firstIndex, count: commands.length, term, reply, results: [] });
    this.#size += commands.length;
  }

  /** The entry at `index`, of `term`, was applied with this result. Called for every index in order. */
  applied(index: LogIndex, term: Term, result: Uint8Array, self: NodeId, replica: Replica): void {
    // A deposed leader that leads again may hold runs of two terms that claim the same indexes; those of one
    // term ascend.
    const newestTerm = this.#runs.at(-1)?.term;
    for (let at = 0; at < this.#runs.length; ) {
      const run = this.#runs[at] as Run;
      const next = run.firstIndex + run.results.length;
      if (next !== index) {
        if (next > index && run.term === newestTerm) return;
        at++;
        continue;
      }
      if (run.term === term) run.results.push(result);
      else this.#supersede(run, self, replica);
      if (run.results.length < run.count) {
        at++;
        continue;
      }
      if (run.results.length > 0) this.#report(run);
      this.#runs.splice(at, 1);
    }
  }

  /** Reports what has been applied since the last call, so that a turn answers a run in one reply. */
  reportApplied(): void {
    for (const run of this.#runs) {
      if (run.results.length === 0) continue;
      this.#report(run);
    }
  }

  /** The node goes silent for good or for long: nobody will learn the outcome here. */
  abandon(nodeId: NodeId): void {
    const error = reportOf(
      new OutcomeUnknownError(
        `Node ${nodeId} stopped before the command's outcome was known. It may or may not take effect; propose it again only if applying it twice does no harm.`,
      ),
    );
    for (const run of this.#runs) {
      if (run.results.length > 0) this.#report(run);
      run.reply({ type: 'refused', first: run.first, count: run.count, error });
    }
    this.#runs = [];
    this.#size = 0;
  }

  #report(run: Run): void {
    const { first, firstIndex, term, results } = run;
    const count = results.length;
    run.reply({ type: 'applied', first, count, index: firstIndex, term, results: packBytes(results) });
    run.first += count;
    run.firstIndex += count;
    run.count -= count;
    run.results = [];
    this.#size -= count;
  }

  /** Another leader's entry took the place of the run's next one, and so of all that follow it. */
  #supersede(run: Run, self: NodeId, replica: Replica): void {
    if (run.results.length > 0) this.#report(run);
    const error = reportOf(new NotLeaderError(self, replica.leaderId, replica.currentTerm));
    run.reply({ type: 'refused', first: run.first, count: run.count, error });
    this.#size -= run.count;
    run.count = 0;
  }
}
