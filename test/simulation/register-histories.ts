import fc from 'fast-check';
import {
  type RegisterInput,
  type RegisterOutput,
  register,
} from '../../src/simulation/linearizability/models.js';
import type { Operation } from '../../src/simulation/linearizability/operation.js';

/** When a call returns that never does. */
export const withoutEnd = Number.POSITIVE_INFINITY;

export type RegisterOperation = Operation<RegisterInput, RegisterOutput>;

/** `[invokedAt, returnedAt]`, client, input, output. */
export function call(
  [invokedAt, returnedAt]: [number, number],
  client: number,
  input: RegisterInput,
  output: RegisterOutput | undefined,
): RegisterOperation {
  return { client, input, output, invokedAt, returnedAt };
}

const input: fc.Arbitrary<RegisterInput> = fc.oneof(
  fc.constant({ type: 'read' } as const),
  fc.record({ type: fc.constant('write' as const), value: fc.integer({ min: 0, max: 2 }) }),
  fc.record({
    type: fc.constant('cas' as const),
    from: fc.integer({ min: 0, max: 2 }),
    to: fc.integer({ min: 0, max: 2 }),
  }),
);

/** Any calls at distinct times with any answers. */
export function anyHistory(callsMax: number): fc.Arbitrary<RegisterOperation[]> {
  const one = fc.record({
    input,
    invokedAt: fc.double({ min: 0, max: 20, noNaN: true }),
    duration: fc.double({ min: 0.1, max: 10, noNaN: true }),
    isLost: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
    value: fc.option(fc.integer({ min: 0, max: 2 })),
    held: fc.boolean(),
  });
  return fc.array(one, { maxLength: callsMax }).map((calls) => {
    const times = calls.flatMap(({ invokedAt, duration }) => [invokedAt, invokedAt + duration]);
    const order = times.map((time, at) => ({ time, at })).sort((a, b) => a.time - b.time);
    const rank = new Map(order.map(({ at }, position) => [at, position]));
    return calls.map((one, client) => ({
      client,
      input: one.input,
      output: one.isLost ? undefined : { read: one.value, write: true, cas: one.held }[one.input.type],
      invokedAt: rank.get(2 * client) ?? 0,
      returnedAt: one.isLost ? withoutEnd : (rank.get(2 * client + 1) ?? 0),
    }));
  });
}

/** Calls that took effect one after the other, each within an interval drawn around that moment. */
export function atomicHistory(callsMax: number): fc.Arbitrary<RegisterOperation[]> {
  const one = fc.record({
    input,
    before: fc.nat({ max: 30 }),
    after: fc.nat({ max: 30 }),
    fate: fc.constantFrom('answered', 'answered', 'answered', 'lost', 'never done'),
  });
  return fc.array(one, { maxLength: callsMax }).map((calls) => {
    let state: number | null = register.initial;
    return calls.map(({ input, before, after, fate }, n) => {
      const moment = 10 * n;
      const output = answer(state, input);
      if (fate !== 'never done') state = register.step(state, input, output).state;
      return fate === 'answered'
        ? call([moment - before, moment + after], n, input, output)
        : call([moment - before, withoutEnd], n, input, undefined);
    });
  });
}

function answer(state: number | null, input: RegisterInput): RegisterOutput {
  if (input.type === 'read') return state;
  return input.type === 'write' ? true : state === input.from;
}
