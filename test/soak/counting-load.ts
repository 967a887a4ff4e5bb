import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { KeyValueClient } from '../../src/application/key-value/client.js';
import { OutcomeUnknownError } from '../../src/ground/errors.js';

/** Whatever a store can be used through. */
type Line = ConstructorParameters<typeof KeyValueClient>[0];

/** How long what a worker asks for may take, in milliseconds. */
const patienceMs = 30_000;

/**
 * A load that knows every answer that is right. Each worker alone writes one counter, and its acknowledgements are
 * written down durably before it goes on. So its history is linearizable if every answer, of an increment or of a read,
 * is what it was told last, and of what it was told nothing about at most one each: an answer too low is a lost command,
 * one too high a command that was applied twice.
 */
export class CountingLoad {
  acknowledged = 0;
  unknown = 0;
  readonly #workers: Worker[];
  readonly #notes: number;
  readonly #ended: Promise<void>;
  #isOver = false;
  #heard = () => {};

  /** @param notes the file in which acknowledgements are noted */
  constructor(lines: readonly Line[], workersEach: number, notes: string) {
    this.#notes = openSync(notes, 'a');
    this.#workers = lines.flatMap((line, of) =>
      Array.from({ length: workersEach }, (_, at) => new Worker(new KeyValueClient(line), `${of}-${at}`)),
    );
    this.#ended = this.#run();
    // Whoever ends the load, or waits for an answer, hears of it.
    this.#ended.catch(() => {});
  }

  /** Resolves when somebody is acknowledged a command. @throws when a history is not linearizable */
  async nextAcknowledgement(): Promise<void> {
    const next = new Promise<void>((resolve) => {
      this.#heard = resolve;
    });
    await Promise.race([next, this.#ended]);
  }

  /** Ends the load, and reads all counters once more. @throws when a history is not linearizable */
  async end(): Promise<void> {
    this.#isOver = true;
    try {
      await this.#ended;
      for (const worker of this.#workers) await worker.look();
    } finally {
      closeSync(this.#notes);
    }
  }

  async #run(): Promise<void> {
    await Promise.all(
      this.#workers.map(async (worker) => {
        for (let step = 1; !this.#isOver; step++) {
          if (step % 5 === 0) await worker.look();
          else this.#note(worker.key, await worker.increment());
        }
      }),
    );
  }

  #note(key: string, value: number | null): void {
    if (value === null) {
      this.unknown++;
      return;
    }
    this.acknowledged++;
    writeSync(this.#notes, `${key} ${value}\n`);
    fdatasyncSync(this.#notes);
    this.#heard();
  }
}

class Worker {
  readonly key: string;
  readonly #store: KeyValueClient;
  /** What the counter holds at least, and at most. */
  #low = 0;
  #high = 0;

  constructor(store: KeyValueClient, key: string) {
    this.#store = store;
    this.key = key;
  }

  /** Null where the outcome is unknown. */
  async increment(): Promise<number | null> {
    try {
      const { value } = await this.#store.increment(this.key, 1, { timeoutMs: patienceMs });
      this.#judge('an increment gave', value, this.#low + 1, this.#high + 1);
      return value;
    } catch (error) {
      if (!(error instanceof OutcomeUnknownError)) throw error;
      this.#high++;
      return null;
    }
  }

  async look(): Promise<void> {
    const value = Number((await this.#store.get(this.key, { timeoutMs: patienceMs })) ?? 0);
    this.#judge('a read gave', value, this.#low, this.#high);
  }

  #judge(what: string, value: number, low: number, high: number): void {
    if (value < low || value > high) {
      throw new Error(`${this.key}: ${what} ${value}, and it can only be ${low} to ${high}.`);
    }
    this.#low = this.#high = value;
  }
}
