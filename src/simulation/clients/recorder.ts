import type { KeyValueInput, KeyValueOutput } from '../linearizability/models.js';
import type { Operation } from '../linearizability/operation.js';

/** A call that is under way. */
export interface OpenCall {
  readonly client: number;
  readonly input: KeyValueInput;
  readonly invokedAt: number;
}

/** Writes down what clients saw, for the linearizability checker. Times are places in one order of all events. */
export class Recorder {
  readonly #operations: Operation<KeyValueInput, KeyValueOutput>[] = [];
  readonly #open = new Set<OpenCall>();
  #order = 0;

  get openCalls(): number {
    return this.#open.size;
  }

  get answered(): number {
    return this.#operations.length;
  }

  invoke(client: number, input: KeyValueInput): OpenCall {
    const call = { client, input, invokedAt: ++this.#order };
    this.#open.add(call);
    return call;
  }

  answer(call: OpenCall, output: KeyValueOutput): void {
    if (this.#open.delete(call)) this.#operations.push({ ...call, output, returnedAt: ++this.#order });
  }

  /** It certainly had no effect, and nobody saw an answer. */
  leaveOut(call: OpenCall): void {
    this.#open.delete(call);
  }

  /** All calls. Those without an answer may take effect at any later time, or never. */
  history(): Operation<KeyValueInput, KeyValueOutput>[] {
    const open = [...this.#open]
      .filter(({ input }) => input.type !== 'get')
      .map((call) => ({ ...call, output: undefined, returnedAt: Number.POSITIVE_INFINITY }));
    return [...this.#operations, ...open].sort((a, b) => a.invokedAt - b.invokedAt);
  }
}
