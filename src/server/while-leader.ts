import { type NodeInformation, serves } from '../node/information.js';
import type { Term } from '../raft/entry.js';

/** What a leader's work is handed. */
export interface Leadership {
  /**
   * The term that this process leads in: a fencing token. Whoever has led since had a higher one, so that what
   * takes writes from a leader (a database, a device) keeps the highest term that it has seen and refuses lower ones.
   */
  readonly term: Term;
  /** Aborted as soon as it is known here that this process may lead no more. Another may have led before. */
  readonly signal: AbortSignal;
}

/** The work of whoever leads. */
export type LeaderWork = (leadership: Leadership) => unknown;

type Standing = Pick<NodeInformation, 'role' | 'state' | 'term'>;

/** Has one piece of work done while this process's node leads, and has it ended when it leads no more. */
export class LeaderWatch {
  readonly #work: LeaderWork;
  #current: { readonly term: Term; readonly controller: AbortController } | null = null;

  constructor(work: LeaderWork) {
    this.#work = work;
  }

  /** How the node stands now; null if it does not run. */
  look(standing: Standing | null): void {
    // One that serves has applied all that was committed before its term.
    const leads = standing !== null && serves(standing);
    if (this.#current !== null && (!leads || standing.term !== this.#current.term)) this.end();
    if (leads && this.#current === null) this.#begin(standing.term);
  }

  end(): void {
    const ended = this.#current;
    this.#current = null;
    ended?.controller.abort(new Error('This process may lead no more.'));
  }

  #begin(term: Term): void {
    const controller = new AbortController();
    this.#current = { term, controller };
    try {
      Promise.resolve(this.#work({ term, signal: controller.signal })).catch(raise);
    } catch (error) {
      raise(error);
    }
  }
}

/** What the work fails with is its author's to hear, in a turn of its own. */
function raise(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
