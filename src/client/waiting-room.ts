import type { WaitOptions } from '../ground/call-options.js';
import { type ConclaveError, TimeoutError } from '../ground/errors.js';
import { aborted, onAbort, timeoutMsDefault } from '../ground/waiting.js';
import type { Call, Settle } from './calls.js';

interface Waiter extends Call<void> {
  isOver: boolean;
  /** No longer hears whether it is aborted. */
  forget: (() => void) | null;
}

/** Callers that wait until a session can take another request. They come in as they came; each holds nothing but itself. */
export class WaitingRoom {
  readonly #turnDue: () => void;
  #waiters: Waiter[] = [];

  constructor(turnDue: () => void) {
    this.#turnDue = turnDue;
  }

  get isEmpty(): boolean {
    return this.#waiters.length === 0;
  }

  add(settle: Settle<void>, { timeoutMs = timeoutMsDefault, signal }: WaitOptions, deadlineMs: number): void {
    const waiter: Waiter = { timeoutMs, deadlineMs, signal, settle, isOver: false, forget: null };
    if (signal !== undefined) waiter.forget = onAbort(signal, this.#turnDue);
    this.#waiters.push(waiter);
  }

  /** There is room for so many. */
  letIn(count: number): void {
    for (const waiter of this.#waiters.splice(0, count)) this.#end(waiter, null);
  }

  endAborted(): void {
    for (const waiter of this.#waiters) {
      if (waiter.signal?.aborted) this.#end(waiter, aborted('wait', waiter.signal));
    }
    this.#waiters = this.#waiters.filter(({ isOver }) => !isOver);
  }

  /** Rejects what is past its deadline. Returns when the next deadline is. */
  expire(nowMs: number): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const waiter of this.#waiters) {
      if (waiter.deadlineMs > nowMs) nextMs = Math.min(nextMs, waiter.deadlineMs);
      else this.#end(waiter, new TimeoutError('room for another request', waiter.timeoutMs));
    }
    this.#waiters = this.#waiters.filter(({ isOver }) => !isOver);
    return nextMs;
  }

  close(error: ConclaveError): void {
    for (const waiter of this.#waiters.splice(0)) this.#end(waiter, error);
  }

  #end(waiter: Waiter, error: Error | null): void {
    waiter.isOver = true;
    waiter.forget?.();
    if (error === null) waiter.settle.resolve();
    else waiter.settle.reject(error);
  }
}
