import type { KeyValueClient } from '../../application/key-value/client.js';
import { splitLines } from './lines.js';

/** How many lines, and how many of their bytes, may be under way at once. More wait to be read. */
const linesInFlightMax = 1_024;
const bytesInFlightMax = 8 * 1024 * 1024;
/** The largest line: what a command holds less what surrounds it. */
const lineBytesMax = 1024 * 1024 - 64;
const lineTimeoutMs = 30_000;

/** How far the replication of the input is. */
export interface InputProgress {
  /** Read and proposed. */
  readonly lines: number;
  /** All lines up to this one are committed, applied and on the disks of a majority. */
  readonly acknowledged: number;
  /** Of the input, read. */
  readonly bytes: number;
}

/** Proposes every line of a stream as a record, in order, many at a time. The first failure ends it. */
export class InputReplication {
  readonly #store: Pick<KeyValueClient, 'record'>;
  #lines = 0;
  #acknowledged = 0;
  #bytes = 0;
  #bytesInFlight = 0;
  /** Acknowledged before an earlier line was: never more than are under way. */
  readonly #early = new Set<number>();
  /** Proposed, and neither acknowledged nor failed. */
  #inFlight = 0;
  #failure: { readonly line: number; readonly error: unknown } | null = null;
  #wake: (() => void) | null = null;

  constructor(store: Pick<KeyValueClient, 'record'>) {
    this.#store = store;
  }

  get progress(): InputProgress {
    return { lines: this.#lines, acknowledged: this.#acknowledged, bytes: this.#bytes };
  }

  /**
   * Resolves when every line is acknowledged.
   * @throws the first failure, once nothing is under way any more. Lines after the failed one may be replicated.
   */
  async run(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const lines of splitLines(chunks, lineBytesMax)) {
        for (const line of lines) {
          if (this.#isFull()) await this.#until(() => !this.#isFull() || this.#failure !== null);
          if (this.#failure !== null) break;
          this.#propose(line);
        }
        if (this.#failure !== null) break;
      }
    } finally {
      await this.#until(() => this.#inFlight === 0);
    }
    if (this.#failure !== null) throw this.#failure.error;
  }

  /** Where the input stopped, or null. */
  get failedLine(): number | null {
    return this.#failure?.line ?? null;
  }

  #isFull(): boolean {
    return this.#inFlight >= linesInFlightMax || this.#bytesInFlight >= bytesInFlightMax;
  }

  #propose(line: Uint8Array): void {
    const number = ++this.#lines;
    this.#bytes += line.length + 1;
    this.#inFlight++;
    this.#bytesInFlight += line.length;
    const settle = () => {
      this.#inFlight--;
      this.#bytesInFlight -= line.length;
      this.#wake?.();
    };
    this.#store.record(line, { timeoutMs: lineTimeoutMs }).then(
      () => {
        this.#acknowledge(number);
        settle();
      },
      (error: unknown) => {
        if (this.#failure === null || number < this.#failure.line) this.#failure = { line: number, error };
        settle();
      },
    );
  }

  #acknowledge(number: number): void {
    this.#early.add(number);
    while (this.#early.delete(this.#acknowledged + 1)) this.#acknowledged++;
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#wake = null;
  }
}
