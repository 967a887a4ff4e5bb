import type { Line } from './line.js';

/**
 * A trace as it is written. A request has a slot of its own: it is told where it was sent, once for each time that it was
 * received, and how it is told is known only then.
 */
export class Lines {
  readonly #slots: Line[][] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get all(): Line[] {
    return this.#slots.flat();
  }

  put(slot: Line[]): Line[] {
    this.#slots.push(slot);
    this.#count += slot.length;
    return slot;
  }

  /** Puts a line before those from `position` on. */
  insert(position: number, line: Line): void {
    this.#slots.splice(position, 0, [line]);
    this.#count++;
  }

  /** The request is received for the first time, as this line says. */
  told(slot: Line[], line: Line): void {
    if (slot.length === 0) this.#count++;
    slot[0] = line;
  }

  /** The request is received once more. */
  more(slot: Line[], line: Line): void {
    slot.push(line);
    this.#count++;
  }
}
