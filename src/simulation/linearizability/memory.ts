import type { State } from './operation.js';

/** Roughly what one remembered configuration costs besides its bits. */
const CONFIGURATION_BYTES = 64;

/** The set of finished calls, and every configuration that was entered. */
export class Memory<S extends State> {
  readonly #finished: Buffer;
  readonly #entered = new Map<S, Set<string>>();
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(calls: number, bytesMax: number) {
    this.#finished = Buffer.alloc(Math.ceil(calls / 8));
    this.#bytesMax = bytesMax;
  }

  get full(): boolean {
    return this.#bytes > this.#bytesMax;
  }

  isFinished(call: number): boolean {
    return ((this.#finished[call >> 3] ?? 0) & (1 << (call & 7))) !== 0;
  }

  /** Counts the call as finished and remembers the configuration; false, and no change, when it is a known one. */
  enter(call: number, state: S): boolean {
    this.#flip(call);
    const finished = this.#finished.toString('latin1');
    let known = this.#entered.get(state);
    if (known === undefined) {
      known = new Set();
      this.#entered.set(state, known);
      this.#bytes += 3 * CONFIGURATION_BYTES + (typeof state === 'string' ? 2 * state.length : 0);
    }
    if (known.has(finished)) {
      this.#flip(call);
      return false;
    }
    known.add(finished);
    this.#bytes += CONFIGURATION_BYTES + finished.length;
    return true;
  }

  leave(call: number): void {
    this.#flip(call);
  }

  #flip(call: number): void {
    this.#finished[call >> 3] = (this.#finished[call >> 3] ?? 0) ^ (1 << (call & 7));
  }
}
