import { expect } from 'chai';
import fc from 'fast-check';
import type { ClientReply } from '../../src/node/clients/client-requests.js';
import { OpenRequests } from '../../src/node/clients/open-requests.js';
import { NodeCounts } from '../../src/node/measures/node-counts.js';

describe('The requests that a node has open', () => {
  it('are each answered once, in whatever parts and order before the node ends', () => {
    const parts = fc.array(fc.record({ first: fc.nat(30), count: fc.integer({ min: 1, max: 8 }) }));
    fc.assert(
      fc.property(fc.nat(20), fc.integer({ min: 1, max: 20 }), parts, (first, count, answers) => {
        const requests = new OpenRequests(new NodeCounts());
        const answered = new Map<number, number>();
        const proposal = requests.addProposal({
          first,
          count,
          body: new Uint8Array(0),
          reply: (reply: ClientReply) => {
            if (reply.type !== 'refused') throw new Error(reply.type);
            for (let at = reply.first; at < reply.first + reply.count; at++) {
              answered.set(at, (answered.get(at) ?? 0) + 1);
            }
          },
        });
        const error = { code: 'NOT_LEADER', message: '' };
        for (const part of answers) {
          const isNew = Array.from({ length: part.count }, (_, at) => part.first + at).every(
            (number) => number >= first && number < first + count && !answered.has(number),
          );
          if (isNew) proposal.reply({ type: 'refused', ...part, error });
        }
        expect(requests.size).equal(answered.size === count ? 0 : 1);
        requests.refuseAll(3);
        expect(requests.size).equal(0);
        const numbers = Array.from({ length: count }, (_, at) => first + at);
        expect([...answered].sort(([a], [b]) => a - b)).deep.equal(numbers.map((number) => [number, 1]));
      }),
    );
  });
});
