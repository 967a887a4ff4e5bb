import type { Model, Operation, State } from './operation.js';
import { type Call, type SearchLimits, search } from './search.js';

/** A part of a history that no order explains, whatever the operations left out of it did. */
export interface Counterexample<Input, Output> {
  /** Ordered by invocation. Without any one of them the rest could be explained, unless time ran out. */
  readonly part: readonly Operation<Input, Output>[];
  /** Operations before the end of the part that it does without, although they may change the state. */
  readonly others: readonly Operation<Input, Output>[];
  /** Was everything tried that could make the part shorter? */
  readonly shortest: boolean;
}

/**
 * Shortens a history that is not linearizable to the part that a person must look at.
 *
 * Leaving operations out just so would prove nothing: without its write every read is wrong. So an operation is not
 * removed but waived: it may take effect in its time or never. Whatever is linearizable stays so when an operation is
 * waived, hence what still cannot be ordered is a proof against the whole. First all that was not answered by the
 * return at which the search was stuck is waived, for the history is linearizable up to there and not beyond; then
 * ever smaller groups of the rest, from the oldest on. Operations that only observe need not even be waived.
 */
export function counterexample<S extends State, Input, Output>(
  model: Model<S, Input, Output>,
  history: readonly Operation<Input, Output>[],
  blockedAt: number,
  limits: SearchLimits,
): Counterexample<Input, Output> {
  const blocked = history[blockedAt];
  if (blocked === undefined) throw new RangeError(`There is no operation ${blockedAt}.`);
  const end = blocked.returnedAt;
  const prefix = history.filter(({ invokedAt }) => invokedAt <= end);
  const returned = prefix.filter((operation) => operation.returnedAt <= end && operation !== blocked);
  returned.sort((a, b) => a.invokedAt - b.invokedAt);
  const required = new Set(returned).add(blocked);
  let shortest = true;

  for (let size = Math.ceil(returned.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    const candidates = returned.filter((operation) => required.has(operation));
    for (let from = 0; from < candidates.length; from += size) {
      const group = candidates.slice(from, from + size);
      for (const operation of group) required.delete(operation);
      const { verdict } = search(model, waive(model, prefix, required), limits);
      if (verdict === 'not linearizable') continue;
      for (const operation of group) required.add(operation);
      if (verdict === 'unknown') shortest = false;
    }
  }
  const byInvocation = (a: Operation<Input, Output>, b: Operation<Input, Output>) =>
    a.invokedAt - b.invokedAt;
  return {
    part: prefix.filter((operation) => required.has(operation)).sort(byInvocation),
    others: prefix
      .filter((operation) => !required.has(operation) && !observes(model, operation))
      .sort(byInvocation),
    shortest,
  };
}

function waive<S extends State, Input, Output>(
  model: Model<S, Input, Output>,
  prefix: readonly Operation<Input, Output>[],
  required: ReadonlySet<Operation<Input, Output>>,
): Call<Input, Output>[] {
  return prefix
    .filter((operation) => required.has(operation) || !observes(model, operation))
    .map((operation) => ({ ...operation, required: required.has(operation) }));
}

function observes<S extends State, Input, Output>(
  model: Model<S, Input, Output>,
  { input, output }: Operation<Input, Output>,
): boolean {
  return output !== undefined && (model.observes?.(input, output) ?? false);
}
