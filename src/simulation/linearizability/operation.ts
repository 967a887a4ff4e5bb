/**
 * One call of one client, as the client saw it. Times are positions in any order that all clients share: an event
 * counter, or a clock; two events at the same time count as concurrent, so a counter proves more than a coarse clock.
 * A call that certainly did not happen is left out of the history.
 */
export interface Operation<Input, Output> {
  /** Who called: a row of the drawing. A client whose call never returned may be used again. */
  readonly client: string | number;
  readonly input: Input;
  /** What was answered; `undefined` when the outcome is unknown: it may take effect at any later time, or never. */
  readonly output: Output | undefined;
  readonly invokedAt: number;
  /** `Infinity` when no answer came. */
  readonly returnedAt: number;
}

/** What a model compares states by: values that are equal exactly when they are the same value. */
export type State = string | number | bigint | boolean | null | undefined;

/** The sequential specification: how an object behaves when it is used by one client at a time. */
export interface Model<S extends State, Input, Output> {
  readonly initial: S;
  /**
   * Is this answer possible in this state, and which state follows? An `undefined` output is any outcome: then `ok`
   * is true when the call could have taken effect. Must be pure.
   */
  step(state: S, input: Input, output: Output | undefined): { readonly ok: boolean; readonly state: S };
  /** Objects that do not touch each other are checked one by one. Absent: the history is about a single object. */
  key?(input: Input): string;
  /** True when a call with this answer changes the state in no state whatever: a read, a refused compare-and-set. */
  observes?(input: Input, output: Output): boolean;
  /** A short label for a person, such as `cas 3→4: refused`. */
  describe(input: Input, output: Output | undefined): string;
}
