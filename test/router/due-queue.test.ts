import { expect } from 'chai';
import fc from 'fast-check';
import { DueQueue } from '../../src/router/due-queue.js';

describe('due queue', () => {
  it('gives out what a sorted list would, whatever is put in, taken out and removed between', () => {
    const step = fc.oneof(
      fc.record({ push: fc.nat(20) }),
      fc.constant('pop' as const),
      fc.record({ remove: fc.nat(20) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const queue = new DueQueue<{ dueMs: number; order: number }>();
        let sorted: { dueMs: number; order: number }[] = [];
        for (const [order, each] of steps.entries()) {
          if (each === 'pop') {
            expect(queue.pop()).to.equal(sorted.shift());
          } else if ('push' in each) {
            const item = { dueMs: each.push, order };
            queue.push(item);
            sorted = [...sorted, item].sort((a, b) => a.dueMs - b.dueMs || a.order - b.order);
          } else {
            const matches = (item: { dueMs: number }) => item.dueMs === each.remove;
            expect(queue.removeWhere(matches)).to.have.members(sorted.filter(matches));
            sorted = sorted.filter((item) => !matches(item));
          }
          expect(queue.size).to.equal(sorted.length);
          expect(queue.peek()).to.equal(sorted[0]);
        }
      }),
    );
  });
});
