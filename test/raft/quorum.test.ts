import { expect } from 'chai';
import fc from 'fast-check';
import { highestReachedByMajority, majority } from '../../src/raft/quorum.js';

const values = fc.array(fc.nat(20), { maxLength: 9 });

/** The definition, as it is said: the largest n that more than half of the values reach. */
function naive(reached: readonly number[]): number {
  const isReached = (n: number) => reached.filter((value) => value >= n).length * 2 > reached.length;
  return Math.max(0, ...reached.filter(isReached));
}

describe('Quorums', () => {
  it('are more than half, and never more than one server more than needed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), (size) => {
        expect(majority(size) * 2).greaterThan(size);
        expect((majority(size) - 1) * 2).at.most(size);
      }),
    );
  });

  it('agree with the naive definition of what a majority has reached', () => {
    fc.assert(
      fc.property(values, (reached) => {
        expect(highestReachedByMajority(reached)).equal(naive(reached));
      }),
      { numRuns: 500 },
    );
  });

  it('do not depend on the order of the voters, nor on what was counted before', () => {
    fc.assert(
      fc.property(values, values, (reached, before) => {
        const expected = highestReachedByMajority(reached);
        highestReachedByMajority(before);
        expect(highestReachedByMajority([...reached].reverse())).equal(expected);
      }),
    );
  });
});
