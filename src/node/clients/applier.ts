import type { Application, CommandContext } from '../../application/application.js';
import { requireBytes, requireMemory } from '../../application/contract.js';
import { BytePacker, lengthBytes } from '../../ground/byte-strings.js';
import { ApplicationError } from '../../ground/errors.js';
import { readU32 } from '../../ground/integers.js';
import { messageOf } from '../../ground/thrown.js';
import type { LogIndex, Term } from '../../raft/entry.js';
import { invariant } from '../../raft/invariant.js';
import type { Replica } from '../../raft/replica.js';
import { cutRun, lastIndexOf, type Run } from '../../raft/run.js';
import type { PendingProposals } from './pending-proposals.js';

/** Entries applied in one turn; more wait for the next, so that a long catch-up does not delay heartbeats. */
const entriesPerTurnMax = 4096;

const noResult = new Uint8Array(0);

/** Feeds committed commands to the state machine, in order, each once, and their results to the proposals that wait. */
export class Applier {
  readonly #replica: Replica;
  readonly #application: Application;
  readonly #proposals: PendingProposals;
  readonly #results = new BytePacker();

  constructor(replica: Replica, application: Application, proposals: PendingProposals) {
    this.#replica = replica;
    this.#application = application;
    this.#proposals = proposals;
  }

  /** Applies what is committed, up to a bound. True when more is left. */
  applyCommitted(): boolean {
    const replica = this.#replica;
    const until = Math.min(replica.commitIndex, replica.lastApplied + entriesPerTurnMax);
    let term: Term = 0;
    try {
      while (replica.lastApplied < until) {
        const run = this.#next(until);
        if (run.term !== term) this.#tell(term);
        term = run.term;
        this.#apply(run);
      }
    } finally {
      // What was applied is told, also when the application fails at one of the commands after it.
      this.#tell(term);
    }
    return replica.lastApplied < replica.commitIndex;
  }

  /** The next run to apply, as far as `until`. */
  #next(until: LogIndex): Run {
    const { lastApplied, log } = this.#replica;
    const index = lastApplied + 1;
    const run = log.runAt(index);
    invariant(run !== null, () => `Entry ${index} is committed and not in the log.`);
    return cutRun(run, index, Math.min(lastIndexOf(run), until));
  }

  /** Hands on the results since the last time, of entries of one term, at once: a client has one reply. */
  #tell(term: Term): void {
    const { count } = this.#results;
    if (count === 0) return;
    const firstIndex = this.#replica.lastApplied - count + 1;
    this.#proposals.applied({ firstIndex, count, term }, this.#results.take());
  }

  #apply(run: Run): void {
    const replica = this.#replica;
    const isAwaited = this.#proposals.isAwaiting;
    const { firstIndex, body, term, kind } = run;
    const lastIndex = lastIndexOf(run);
    let at = 0;
    for (let index = firstIndex; index <= lastIndex; index++) {
      const start = at + lengthBytes;
      at = start + readU32(body, at);
      const result = kind === 'command' ? this.#resultOf(body, start, at, { index, term }) : noResult;
      replica.lastApplied = index;
      if (isAwaited) this.#results.add(result);
    }
  }

  #resultOf(body: Uint8Array, start: number, end: number, context: CommandContext): Uint8Array {
    try {
      const result: unknown = this.#application.apply(body.subarray(start, end), context);
      requireMemory(body);
      return result === undefined ? noResult : requireBytes('apply', result);
    } catch (cause) {
      throw new ApplicationError(
        `The application failed to apply entry ${context.index}: ${messageOf(cause)}. It must be mended before the node can go on.`,
        { cause },
        context.index,
      );
    }
  }
}
