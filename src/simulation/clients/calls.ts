import * as commands from '../../application/key-value/commands.js';
import * as queries from '../../application/key-value/queries.js';
import * as results from '../../application/key-value/results.js';
import type { Random } from '../../ground/random.js';
import type { KeyValueInput, KeyValueOutput } from '../linearizability/models.js';

/** Keys in use at a time: few, so that clients meet. */
const keysAtOnce = 3;
/** Calls after which a key is left for a fresh one, so that unknown outcomes do not pile up on it. */
const callsPerKey = 40;

/** Draws calls that collide: few keys at a time, values that are never used twice. */
export class Calls {
  readonly #random: Random;
  #drawn = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  draw(): KeyValueInput {
    const number = ++this.#drawn;
    const key = `k${Math.floor(number / callsPerKey / keysAtOnce)}.${this.#random.below(keysAtOnce)}`;
    const value = `v${number}`;
    switch (this.#random.below(10)) {
      case 0:
      case 1:
        return { type: 'put', key, value };
      case 2:
        // What a recent put may have left, so that some hold.
        return { type: 'compareAndSet', key, expected: `v${number - 1 - this.#random.below(8)}`, value };
      case 3:
        return { type: 'compareAndSet', key, expected: null, value };
      case 4:
        return { type: 'increment', key: `n${key}`, by: 1 + this.#random.below(5) };
      case 5:
        return { type: 'delete', key };
      case 6:
        return { type: 'get', key: `n${key}` };
      default:
        return { type: 'get', key };
    }
  }
}

/** The bytes that a node is asked with. */
export function encodeCall(input: KeyValueInput): Uint8Array {
  switch (input.type) {
    case 'get':
      return queries.get(input.key);
    case 'put':
      return commands.put(input.key, input.value);
    case 'delete':
      return commands.remove(input.key);
    case 'compareAndSet':
      return commands.compareAndSet(input.key, input.expected, input.value);
    case 'increment':
      return commands.increment(input.key, input.by);
  }
}

export function decodeAnswer({ type }: KeyValueInput, bytes: Uint8Array): KeyValueOutput {
  switch (type) {
    case 'get':
      return results.decodeValue(bytes);
    case 'put':
    case 'delete':
      return results.decodePrevious(bytes);
    case 'compareAndSet':
      return results.decodeSwap(bytes);
    case 'increment':
      return results.decodeSum(bytes);
  }
}
