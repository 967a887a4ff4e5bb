import { expect } from 'chai';
import { ClientLines } from '../../src/client/client-lines.js';

describe('The lines of a session', () => {
  it('hear a thread’s last words before its line is given up for that of the next', async () => {
    const told: string[] = [];
    const lines = ClientLines.toThreads({
      hear: (from, reply) => told.push(`${from}: ${reply.type} ${'first' in reply ? reply.first : ''}`),
      nodeEnded: (id) => told.push(`${id} ended`),
    });
    const applied = (first: number) => {
      const results = { buffer: new Uint8Array(0) };
      return { type: 'applied', first, count: 1, results } as const;
    };
    const before = lines.attach(3);
    before.postMessage([applied(1), applied(2)]);
    before.postMessage([applied(3)]);
    before.close();
    // Nothing was heard on this thread yet.
    const next = lines.attach(3);
    expect(told).to.deep.equal(['3: applied 1', '3: applied 2', '3: applied 3', '3 ended']);
    next.postMessage([applied(1)]);
    while (told.length < 5) await new Promise(setImmediate);
    expect(told.at(-1)).to.equal('3: applied 1');
    lines.close();
    expect(told.slice(4)).to.deep.equal(['3: applied 1', '3 ended']);
  });
});
