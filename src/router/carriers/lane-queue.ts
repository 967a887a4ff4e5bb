import type { Clock } from '../../ground/clock.js';
import type { RemoteTally } from './counters.js';

export interface QueueLimits {
  /** Frames that may wait in one lane to one remote node. */
  readonly queueFramesMax: number;
  /** Bytes that may wait there; a frame always enters an empty queue. */
  readonly queueBytesMax: number;
  /** A frame that has waited longer, in milliseconds, is not worth sending: Raft has said it again. */
  readonly waitMsMax: number;
}

/** Of what must not be dropped, and is bounded by whoever says it. */
export const unbounded: QueueLimits = {
  queueFramesMax: Number.MAX_SAFE_INTEGER,
  queueBytesMax: Number.MAX_SAFE_INTEGER,
  waitMsMax: Number.MAX_SAFE_INTEGER,
};

interface Waiting {
  readonly frame: Uint8Array;
  readonly sinceMs: number;
}

/** Taken ones are cut off the front once there are this many: a shift of a long list costs its length. */
const takenMax = 256;

/** Frames that wait for a connection. At the bound the oldest is dropped, for a newer one says more. */
export class LaneQueue {
  readonly #limits: QueueLimits;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #tally: RemoteTally;
  readonly #waiting: (Waiting | undefined)[] = [];
  #first = 0;
  #bytes = 0;

  /** @param tally where drops are counted, and what waits. */
  constructor(limits: QueueLimits, clock: Pick<Clock, 'now'>, tally: RemoteTally) {
    this.#limits = limits;
    this.#clock = clock;
    this.#tally = tally;
  }

  get length(): number {
    return this.#waiting.length - this.#first;
  }

  push(frame: Uint8Array): void {
    const { queueFramesMax, queueBytesMax } = this.#limits;
    while (
      this.length > 0 &&
      (this.length >= queueFramesMax || this.#bytes + frame.byteLength > queueBytesMax)
    ) {
      this.#take();
      this.#tally.overflowed++;
    }
    this.#waiting.push({ frame, sinceMs: this.#clock.now() });
    this.#account(frame.byteLength, 1);
  }

  /** The oldest frame that is still worth sending. */
  shift(): Uint8Array | undefined {
    const oldestMs = this.#clock.now() - this.#limits.waitMsMax;
    for (let next = this.#take(); next !== undefined; next = this.#take()) {
      if (next.sinceMs >= oldestMs) return next.frame;
      this.#tally.stale++;
    }
    return undefined;
  }

  clear(): void {
    while (this.#take() !== undefined);
  }

  #take(): Waiting | undefined {
    const next = this.#waiting[this.#first];
    if (next === undefined) return undefined;
    this.#waiting[this.#first++] = undefined;
    if (this.#first >= takenMax || this.#first === this.#waiting.length) {
      this.#waiting.splice(0, this.#first);
      this.#first = 0;
    }
    this.#account(-next.frame.byteLength, -1);
    return next;
  }

  #account(bytes: number, frames: number): void {
    this.#bytes += bytes;
    this.#tally.bytesWaiting += bytes;
    this.#tally.framesWaiting += frames;
  }
}
