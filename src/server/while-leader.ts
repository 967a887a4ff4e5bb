import type { NodeInformation } from '../node/information.js';
import type { LogIndex, Term } from '../raft/entry.js';

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
  readonly #describe: () => Promise<Pick<NodeInformation, 'commitIndex' | 'height'>>;
  #current: { readonly term: Term; readonly controller: AbortController } | null = null;
  /** All that was committed when the term began; null until that is known. */
  #applyFirst: LogIndex | null = null;
  #isRunning = false;

  constructor(work: LeaderWork, describe: () => Promise<Pick<NodeInformation, 'commitIndex' | 'height'>>) {
    this.#work = work;
    this.#describe = describe;
  }

  /** How the node stands now; null if it does not run. */
  look(standing: Standing | null): void {
    // In this state an entry of the term is committed, and with it all that came before.
    const leads = standing !== null && standing.role === 'leader' && standing.state.endsWith('.serving');
    if (this.#current !== null && (!leads || standing.term !== this.#current.term)) this.end();
    if (leads && this.#current === null) void this.#begin(standing.term);
  }

  /** So much is applied now. */
  applied(height: LogIndex): void {
    if (this.#current === null || this.#isRunning || this.#applyFirst === null) return;
    if (height < this.#applyFirst) return;
    this.#isRunning = true;
    const { term, controller } = this.#current;
    try {
      Promise.resolve(this.#work({ term, signal: controller.signal })).catch(raise);
    } catch (error) {
      raise(error);
    }
  }

  end(): void {
    const ended = this.#current;
    this.#current = null;
    this.#applyFirst = null;
    this.#isRunning = false;
    ended?.controller.abort(new Error('This process may lead no more.'));
  }

  async #begin(term: Term): Promise<void> {
    const begun = { term, controller: new AbortController() };
    this.#current = begun;
    try {
      const { commitIndex, height } = await this.#describe();
      if (this.#current !== begun) return;
      this.#applyFirst = commitIndex;
      this.applied(height);
    } catch {
      // It has gone meanwhile; that is told, too.
    }
  }
}

/** What the work fails with is its author's to hear, in a turn of its own. */
function raise(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
