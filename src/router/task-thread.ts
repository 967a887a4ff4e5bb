import type { ResourceLimits, Transferable, Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { ThreadStartError } from '../ground/errors.js';

export interface TaskThreadOptions<Task> {
  /** Who lives in the thread, for its errors: 'node 3'. */
  readonly name: string;
  /** The module that exports `run(task)`. */
  readonly file: URL;
  readonly task: Task;
  /** What of the task changes hands. */
  readonly transfer: readonly Transferable[];
  readonly heap?: ResourceLimits;
}

/** A thread that runs one task, from its launch to the moment when it is gone. No failure of it is past every catch. */
export class TaskThread<Task> {
  /**
   * Resolves when the thread is gone: null if the task came to its end; otherwise what it failed with, or a
   * `ThreadStartError` when it was never begun. Never rejected.
   */
  readonly ended: Promise<Error | null>;
  readonly #name: string;
  /** None where not even a pool could be had. */
  #pool: Piscina<Task, void> | null = null;
  #wasKilled = false;

  constructor(options: TaskThreadOptions<Task>) {
    this.#name = options.name;
    this.ended = this.#run(options);
  }

  /** Kill -9: the thread gets no chance to do anything more. */
  terminate(): void {
    this.#wasKilled = true;
    void this.#pool?.destroy();
  }

  async #run({ file, task, transfer, heap }: TaskThreadOptions<Task>): Promise<Error | null> {
    let hasBegun = false;
    let done: Promise<void>;
    let pool: Piscina<Task, void>;
    try {
      pool = new Piscina<Task, void>({
        filename: file.href,
        name: 'run',
        // The pool must not replace a thread that died: when to start another is for others to say.
        minThreads: 0,
        maxThreads: 1,
        idleTimeout: 0,
        atomics: 'disabled',
        recordTiming: false,
        ...(heap === undefined ? {} : { resourceLimits: heap }),
      });
      pool.once('workerCreate', () => {
        hasBegun = true;
      });
      done = pool.run(task, { transferList: [...transfer] as never });
    } catch (error) {
      // The task waits in a queue that nobody serves. To destroy the pool would reject it, and nobody could hear that.
      return new ThreadStartError(this.#name, error);
    }
    this.#pool = pool;
    const threads = pool.threads.map(exitOf);
    let failure: Error | null = null;
    try {
      await Promise.race([done, failureOf(pool), ...threads.map(unexpectedly)]);
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
    }
    // A task that was never begun is given up here.
    done.catch(() => {});
    await pool.destroy();
    await Promise.all(threads);
    const isOwnFault = failure !== null && !hasBegun && !this.#wasKilled;
    return isOwnFault ? new ThreadStartError(this.#name, failure) : failure;
  }
}

/** The pool tells so of a thread that fails outside its task: before it, when it cannot load its file. */
function failureOf(pool: Piscina): Promise<never> {
  return new Promise((_, reject) => {
    pool.on('error', reject);
  });
}

/** (`once` of node:events would be rejected by the thread's error, with nobody there yet to hear it.) */
function exitOf(thread: Worker): Promise<number> {
  return new Promise((resolve) => {
    thread.once('exit', resolve);
  });
}

async function unexpectedly(exit: Promise<number>): Promise<never> {
  throw new Error(`it exited with status ${await exit}`);
}
