import { expect } from 'chai';
import { checkHistory } from '../../src/simulation/linearizability/checker.js';
import { drawCounterexample } from '../../src/simulation/linearizability/drawing.js';
import {
  type RegisterInput,
  type RegisterOutput,
  register,
} from '../../src/simulation/linearizability/models.js';
import type { Operation } from '../../src/simulation/linearizability/operation.js';

const withoutEnd = Number.POSITIVE_INFINITY;

function refuse(history: readonly Operation<RegisterInput, RegisterOutput>[]) {
  const result = checkHistory(register, history, { now: () => performance.now(), timeLimitMs: 10_000 });
  if (result.verdict !== 'not linearizable') throw new Error(`The history is ${result.verdict}.`);
  return result;
}

const write = (client: number, value: number, invokedAt: number, returnedAt: number) =>
  ({
    client,
    input: { type: 'write', value },
    output: returnedAt === withoutEnd ? undefined : true,
    invokedAt,
    returnedAt,
  }) as const;
const read = (client: number, value: number, invokedAt: number, returnedAt: number) =>
  ({ client, input: { type: 'read' }, output: value, invokedAt, returnedAt }) as const;

describe('the drawing of what cannot be linearized', () => {
  it('shows the stale read and the write that it missed, and what else could have changed the register', () => {
    const { drawing } = refuse([
      write(0, 1, 1, 2),
      write(1, 9, 3, withoutEnd),
      write(0, 2, 4, 6),
      read(2, 2, 7, 8),
      read(3, 1, 9, 10),
      write(0, 5, 11, 12),
    ]);
    expect(drawing.split('\n')).to.deep.equal([
      'client 0  ├─ write 1 ─┤ ├─ write 2 ─┤',
      'client 1               ├─ write 9 ? ─────────────────────────────┄',
      'client 2                             ╞═ read → 2 ═╡',
      'client 3                                           ╞═ read → 1 ═╡',
      '',
      'No order explains these 2 operations (╞══╡), whatever the others did in their time.',
      '├──┤ another operation that may change the state.',
    ]);
  });

  it('keeps what proves the fault and no more, of hundreds of operations', () => {
    const before = Array.from({ length: 200 }, (_, n) => write(n % 5, n, 10 * n, 10 * n + 15));
    const { part, shortest } = refuse([...before, write(0, 777, 3000, 3001), read(1, 5, 3002, 3003)]);
    expect(part).to.deep.equal([write(0, 777, 3000, 3001), read(1, 5, 3002, 3003)]);
    expect(shortest).to.equal(true);
  });

  it('never takes away a write only to blame the read that saw it', () => {
    const { part } = refuse([write(0, 1, 1, 2), read(1, 1, 3, 4), write(0, 2, 5, 6), read(1, 1, 7, 8)]);
    expect(part).to.deep.equal([write(0, 2, 5, 6), read(1, 1, 7, 8)]);
  });

  it('stays within 100 columns, with a legend or in several strips when it must', () => {
    for (const operations of [1, 8, 60]) {
      const part = Array.from({ length: operations }, (_, n) => write(n % 7, 10 ** 12 + n, n, n + 6.5));
      const lines = drawCounterexample(register, { part, others: [], shortest: true }).split('\n');
      for (const line of lines) expect(line.length).to.be.at.most(100);
      const labels = lines.join('\n').match(/write 1000000000\d{3}\b/g);
      expect(labels, 'every operation is named').to.have.lengthOf(operations);
    }
  });
});
