import { excerpt } from '../ground/printable.js';
import type { Executor, Outcome } from './execute.js';
import type { Output } from './output.js';

/** Lines that run at one time at most; more are refused. */
const runningMax = 32;
/** Lines of one paste that wait for those before them at most. */
const waitingMax = 1_000;

/** A line that runs. */
export interface Running {
  readonly line: string;
  /** When it began, on the clock that `performance.now` reads. */
  readonly sinceMs: number;
  /** What it may have to wait for, or null where its own words say that. */
  readonly waitsFor: string | null;
}

/** Lines that are to run one after the other. */
interface Sequence {
  readonly lines: string[];
  isRunning: boolean;
}

/**
 * Runs what is typed: a line at once, beside those that still wait for something, and the lines of one paste one after
 * the other, as in a script.
 */
export class SideBySide {
  readonly #executor: Executor;
  readonly #output: Output;
  readonly #stop: AbortSignal;
  readonly #quit: () => void;
  readonly #running = new Set<Running>();
  #giveUp = new AbortController();
  /** Where lines go that come at once with the last one. */
  #paste: Sequence | null = null;
  #isPasting = false;

  /**
   * @param stop ends everything.
   * @param quit is called when a line says that it is the last.
   */
  constructor(executor: Executor, output: Output, stop: AbortSignal, quit: () => void) {
    this.#executor = executor;
    this.#output = output;
    this.#stop = stop;
    this.#quit = quit;
  }

  /** What runs, the oldest first. */
  get running(): readonly Running[] {
    return [...this.#running];
  }

  /** Between these two calls the terminal hands over what was pasted. */
  pasteBegins(): void {
    this.#paste = null;
    this.#isPasting = true;
  }

  pasteEnds(): void {
    this.#paste = null;
    this.#isPasting = false;
  }

  take(line: string): void {
    if (this.#paste !== null) {
      if (this.#paste.lines.length < waitingMax) this.#paste.lines.push(line);
      else this.#output.news(`${waitingMax} lines wait already: "${excerpt(line, 100)}" is not taken`);
      // A long paste comes in pieces, and the lines of the first may be done when the next one comes.
      if (!this.#paste.isRunning) void this.#run(this.#paste);
      return;
    }
    if (this.#running.size >= runningMax) {
      this.#output.news(
        `${runningMax} commands run already: "${excerpt(line, 100)}" is not taken; Ctrl-C gives them up`,
      );
      return;
    }
    this.#paste = { lines: [line], isRunning: false };
    void this.#run(this.#paste);
    // Nobody types two lines in one turn: what comes in this one was pasted, too, where a terminal does not say so.
    if (!this.#isPasting) setImmediate(() => this.#endPaste());
  }

  #endPaste(): void {
    if (!this.#isPasting) this.#paste = null;
  }

  /** Waits no longer for whatever runs. @returns the lines. */
  giveUp(): readonly string[] {
    const lines = this.running.map(({ line }) => line);
    this.#giveUp.abort();
    this.#giveUp = new AbortController();
    return lines;
  }

  async #run(sequence: Sequence): Promise<void> {
    const { lines } = sequence;
    const stop = AbortSignal.any([this.#stop, this.#giveUp.signal]);
    sequence.isRunning = true;
    for (let line = lines.shift(); line !== undefined; line = lines.shift()) {
      const outcome = await this.#runOne(line, stop);
      if (outcome === 'quit') this.#quit();
      if (outcome === 'quit' || stop.aborted) lines.length = 0;
    }
    sequence.isRunning = false;
  }

  async #runOne(line: string, stop: AbortSignal): Promise<Outcome> {
    let running: Running = { line: line.trim(), sinceMs: performance.now(), waitsFor: null };
    this.#running.add(running);
    try {
      return await this.#executor.execute(line, this.#output, stop, ({ waitsFor }) => {
        this.#running.delete(running);
        running = { ...running, waitsFor };
        this.#running.add(running);
      });
    } finally {
      this.#running.delete(running);
    }
  }
}
