import { isDeepStrictEqual } from 'node:util';
import { Memory } from './memory.js';
import type { Model, State } from './operation.js';
import { Timeline } from './timeline.js';

/** A call as the search sees it. */
export interface Call<Input, Output> {
  readonly input: Input;
  /** `undefined`: any outcome. */
  readonly output: Output | undefined;
  /** Must it take effect? If not, it does so in its time and with its output, or never. */
  readonly required: boolean;
  readonly invokedAt: number;
  /** It takes effect before this, if at all; `Infinity` is the end of the history. */
  readonly returnedAt: number;
}

/** When a search gives up. */
export interface SearchLimits {
  /** The time in milliseconds. Asked once in `STEPS_PER_LOOK` steps, so a counter makes a limit that repeats. */
  readonly now: () => number;
  /** The search answers `unknown` once `now()` has reached this. */
  readonly deadlineMs: number;
  /** What the memory of visited configurations may hold; the search answers `unknown` when it is full. */
  readonly memoryBytesMax: number;
}

export type SearchResult =
  | { readonly verdict: 'linearizable' }
  /** `blockedAt` is the call whose return no order could get past: every order fails there or earlier. */
  | { readonly verdict: 'not linearizable'; readonly blockedAt: number }
  | { readonly verdict: 'unknown'; readonly reason: 'time' | 'memory' };

const STEPS_PER_LOOK = 1024;

/**
 * Is there an order of the calls, all required ones among them, that respects real time and that the model accepts? The search of Wing and Gong
 * ("Testing and verifying concurrent objects", 1993) with the memory of configurations of Lowe ("Testing for
 * linearizability", 2017): a depth-first walk over a doubly linked list of invocations and returns, out of which a
 * call is lifted when it takes effect. A configuration is the set of finished calls and the state; one that was met
 * before is not entered again.
 *
 * Three reductions, none of which loses an order:
 * - A call that only observes goes first wherever it fits: it can be moved to the front of any order that follows.
 * - A call that is not required is not tried where it would change nothing: it might as well never happen.
 * - Of equal calls that are not required and open to the end of the history, the one invoked first goes first.
 */
export function search<S extends State, Input, Output>(
  model: Model<S, Input, Output>,
  calls: readonly Call<Input, Output>[],
  limits: SearchLimits,
): SearchResult {
  return new Search(model, calls, limits).run();
}

/** `effect`: alternatives remain. `forced`: what it was chosen over could not have helped. */
interface Move<S> {
  readonly call: number;
  readonly stateBefore: S;
  readonly kind: 'effect' | 'forced';
}

class Search<S extends State, Input, Output> {
  readonly #model: Model<S, Input, Output>;
  readonly #calls: readonly Call<Input, Output>[];
  readonly #limits: SearchLimits;
  readonly #timeline: Timeline;
  readonly #memory: Memory<S>;
  readonly #observers: readonly boolean[];
  readonly #twins: readonly (number | undefined)[];
  readonly #moves: Move<S>[] = [];
  #state: S;
  #requiredLeft: number;
  #furthest = -1;
  #steps = 0;

  constructor(model: Model<S, Input, Output>, calls: readonly Call<Input, Output>[], limits: SearchLimits) {
    this.#model = model;
    this.#calls = calls;
    this.#limits = limits;
    this.#timeline = new Timeline(calls);
    this.#memory = new Memory(calls.length, limits.memoryBytesMax);
    this.#observers = calls.map(
      ({ input, output, required }) =>
        required && output !== undefined && (model.observes?.(input, output) ?? false),
    );
    this.#twins = twins(calls);
    this.#state = model.initial;
    this.#requiredLeft = calls.filter(({ required }) => required).length;
  }

  run(): SearchResult {
    while (this.#requiredLeft > 0) {
      if (this.#steps++ % STEPS_PER_LOOK === 0 && this.#limits.now() >= this.#limits.deadlineMs) {
        return { verdict: 'unknown', reason: 'time' };
      }
      if (this.#memory.full) return { verdict: 'unknown', reason: 'memory' };
      if (!this.#advance() && !this.#backtrack()) {
        return { verdict: 'not linearizable', blockedAt: this.#timeline.callAt(this.#furthest) };
      }
    }
    return { verdict: 'linearizable' };
  }

  /** Makes one move; false when this configuration leads nowhere. */
  #advance(): boolean {
    for (let at = this.#timeline.first(); this.#timeline.isInvocation(at); at = this.#timeline.after(at)) {
      const call = this.#timeline.callAt(at);
      if (!this.#observers[call]) continue;
      const { input, output } = this.#call(call);
      if (!this.#model.step(this.#state, input, output).ok) continue;
      // Met before, it failed before; and nothing else is worth a try here.
      if (!this.#memory.enter(call, this.#state)) return false;
      this.#finish(call, this.#state, 'forced');
      return true;
    }
    return this.#takeEffect(this.#timeline.first());
  }

  /** Lets the first call at or behind `from` take effect that may; at the first return, gives up or lets go. */
  #takeEffect(from: number): boolean {
    let at = from;
    for (; this.#timeline.isInvocation(at); at = this.#timeline.after(at)) {
      const call = this.#timeline.callAt(at);
      if (this.#observers[call]) continue;
      const twin = this.#twins[call];
      if (twin !== undefined && !this.#memory.isFinished(twin)) continue;
      const { input, output, required } = this.#call(call);
      const next = this.#model.step(this.#state, input, output);
      if (!next.ok || (!required && next.state === this.#state)) continue;
      if (!this.#memory.enter(call, next.state)) continue;
      this.#finish(call, next.state, 'effect');
      return true;
    }
    this.#furthest = Math.max(this.#furthest, at);
    const call = this.#timeline.callAt(at);
    // A call that need not take effect is let go when its time is over.
    if (this.#call(call).required || !this.#memory.enter(call, this.#state)) return false;
    this.#finish(call, this.#state, 'forced');
    return true;
  }

  /** Takes moves back up to one that has another alternative, and goes there. False when there is none. */
  #backtrack(): boolean {
    for (let move = this.#moves.pop(); move !== undefined; move = this.#moves.pop()) {
      const { call, stateBefore, kind } = move;
      this.#timeline.putBack(call);
      this.#memory.leave(call);
      this.#state = stateBefore;
      if (this.#call(call).required) this.#requiredLeft++;
      if (kind === 'effect' && this.#takeEffect(this.#timeline.after(this.#timeline.invocationOf(call)))) {
        return true;
      }
    }
    return false;
  }

  #finish(call: number, state: S, kind: Move<S>['kind']): void {
    this.#moves.push({ call, stateBefore: this.#state, kind });
    this.#timeline.lift(call);
    this.#state = state;
    if (this.#call(call).required) this.#requiredLeft--;
  }

  #call(call: number): Call<Input, Output> {
    const found = this.#calls[call];
    if (found === undefined) throw new RangeError(`There is no call ${call}.`);
    return found;
  }
}

/** For each call that is not required and open to the end, the equal one before it. */
function twins(calls: readonly Call<unknown, unknown>[]): (number | undefined)[] {
  const open = calls
    .map((call, index) => ({ call, index }))
    .filter(({ call }) => !call.required && call.returnedAt === Number.POSITIVE_INFINITY)
    .sort((a, b) => a.call.invokedAt - b.call.invokedAt);
  const result = new Array<number | undefined>(calls.length).fill(undefined);
  open.forEach(({ call, index }, position) => {
    const earlier = open
      .slice(0, position)
      .findLast(
        (other) =>
          isDeepStrictEqual(other.call.input, call.input) &&
          isDeepStrictEqual(other.call.output, call.output),
      );
    result[index] = earlier?.index;
  });
  return result;
}
