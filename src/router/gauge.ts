/** The way a frame goes between a node and the router. */
export type Direction = 'toRouter' | 'toNode';

/** Frames that may wait in one direction. */
export const framesWaitingMax = 8192;
/** Bytes that may wait in one direction; a frame always enters an empty queue, whatever its size. */
export const bytesWaitingMax = 64 * 1024 * 1024;

/** Per direction: frames waiting, bytes waiting, frames turned away. */
const slots = { toRouter: 0, toNode: 3 } as const;
const slotCount = 6;

/**
 * Counts what waits in the two queues of a MessagePort pair, which neither end can see and nobody bounds: the
 * sender counts a frame in before it posts, the receiver counts it out on receipt. At the bound the sender drops.
 *
 * Each direction has one sender, so a frame enters by a look and an addition; only the subtraction runs beside it.
 */
export class Gauge {
  readonly #counts: Int32Array;

  /** @param buffer what `allocate` made, here or on the other thread. */
  constructor(buffer: SharedArrayBuffer) {
    this.#counts = new Int32Array(buffer);
  }

  /** Memory for a new gauge, to be handed to both ends. */
  static allocate(): SharedArrayBuffer {
    return new SharedArrayBuffer(slotCount * Int32Array.BYTES_PER_ELEMENT);
  }

  /** Counts a frame in, or says that there is no room (and counts that). */
  tryEnter(direction: Direction, bytes: number): boolean {
    const slot = slots[direction];
    const frames = Atomics.load(this.#counts, slot);
    const full = frames >= framesWaitingMax;
    if (full || (frames > 0 && Atomics.load(this.#counts, slot + 1) + bytes > bytesWaitingMax)) {
      Atomics.add(this.#counts, slot + 2, 1);
      return false;
    }
    Atomics.add(this.#counts, slot, 1);
    Atomics.add(this.#counts, slot + 1, bytes);
    return true;
  }

  /** Counts a frame out. */
  leave(direction: Direction, bytes: number): void {
    const slot = slots[direction];
    Atomics.sub(this.#counts, slot + 1, bytes);
    Atomics.sub(this.#counts, slot, 1);
  }

  /** Frames waiting now. */
  waiting(direction: Direction): number {
    return Atomics.load(this.#counts, slots[direction]);
  }

  /** Frames turned away so far. */
  turnedAway(direction: Direction): number {
    return Atomics.load(this.#counts, slots[direction] + 2);
  }
}
