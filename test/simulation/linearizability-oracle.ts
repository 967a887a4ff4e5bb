import type { Model, Operation, State } from '../../src/simulation/linearizability/operation.js';

/** Linearizability by its definition: every subset of the calls of unknown outcome, in every order. */
export function isLinearizableByDefinition<S extends State, Input, Output>(
  model: Model<S, Input, Output>,
  history: readonly Operation<Input, Output>[],
): boolean {
  const place = (state: S, left: readonly Operation<Input, Output>[]): boolean => {
    if (left.every(({ output }) => output === undefined)) return true;
    return left.some((candidate) => {
      const others = left.filter((other) => other !== candidate);
      const isPossibleNow = others.every(
        ({ output, returnedAt }) => output === undefined || returnedAt >= candidate.invokedAt,
      );
      if (!isPossibleNow) return false;
      const { ok, state: next } = model.step(state, candidate.input, candidate.output);
      return ok && place(next, others);
    });
  };
  return place(model.initial, history);
}
