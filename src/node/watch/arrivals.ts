import type { Message } from '../../raft/messages.js';

/** Heard messages are dropped in bulk: one by one each would move all that are yet to be heard. */
const heardMax = 256;
/** Of more that wait the older half is forgotten: a node that is stopped hears none, and more and more arrive. */
const waitingMax = 16_384;

/**
 * Under which key each message came, until the chart has heard it. Charts hear messages in the order of their arrival;
 * some they never hear.
 */
export class Arrivals {
  #messages: Message[] = [];
  #keys: number[] = [];
  /** The first that has not been heard. */
  #next = 0;

  add(message: Message, key: number): void {
    this.#messages.push(message);
    this.#keys.push(key);
    if (this.#messages.length - this.#next > waitingMax) this.#forget(this.#next + waitingMax / 2);
  }

  /** The key of a message that is heard now; 0 if it came before anybody took note. */
  take(message: Message): number {
    const isNext = this.#messages[this.#next] === message;
    const at = isNext ? this.#next : this.#messages.indexOf(message, this.#next);
    if (at < 0) return 0;
    const key = this.#keys[at] as number;
    this.#next = at + 1;
    if (this.#next >= heardMax) this.#forget(this.#next);
    return key;
  }

  #forget(count: number): void {
    this.#messages = this.#messages.slice(count);
    this.#keys = this.#keys.slice(count);
    this.#next = 0;
  }
}
