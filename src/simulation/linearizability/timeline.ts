const HEAD = 0;

interface Interval {
  readonly invokedAt: number;
  readonly returnedAt: number;
}

/**
 * Invocations and returns in the order of their times, as a doubly linked list over the positions 1 … 2n, out of
 * which calls are lifted and, in the opposite order, put back. At one time invocations come first.
 */
export class Timeline {
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #call: Int32Array;
  readonly #invocation: Int32Array;
  readonly #return: Int32Array;

  constructor(calls: readonly Interval[]) {
    const events = calls.flatMap(({ invokedAt, returnedAt }, call) => [
      { call, time: invokedAt, returns: 0 },
      { call, time: returnedAt, returns: 1 },
    ]);
    events.sort((a, b) => (a.time === b.time ? a.returns - b.returns : a.time < b.time ? -1 : 1));
    const size = events.length + 2;
    this.#next = Int32Array.from({ length: size }, (_, at) => at + 1);
    this.#previous = Int32Array.from({ length: size }, (_, at) => at - 1);
    this.#call = new Int32Array(size).fill(-1);
    this.#invocation = new Int32Array(calls.length);
    this.#return = new Int32Array(calls.length);
    events.forEach(({ call, returns }, index) => {
      this.#call[index + 1] = call;
      (returns === 1 ? this.#return : this.#invocation)[call] = index + 1;
    });
  }

  first(): number {
    return this.after(HEAD);
  }

  after(at: number): number {
    return this.#next[at] ?? HEAD;
  }

  callAt(at: number): number {
    return this.#call[at] ?? -1;
  }

  invocationOf(call: number): number {
    return this.#invocation[call] ?? HEAD;
  }

  isInvocation(at: number): boolean {
    return this.invocationOf(this.callAt(at)) === at;
  }

  lift(call: number): void {
    for (const at of [this.#invocation[call] ?? HEAD, this.#return[call] ?? HEAD]) {
      const next = this.#next[at] ?? HEAD;
      const previous = this.#previous[at] ?? HEAD;
      this.#next[previous] = next;
      this.#previous[next] = previous;
    }
  }

  putBack(call: number): void {
    for (const at of [this.#return[call] ?? HEAD, this.#invocation[call] ?? HEAD]) {
      this.#next[this.#previous[at] ?? HEAD] = at;
      this.#previous[this.#next[at] ?? HEAD] = at;
    }
  }
}
