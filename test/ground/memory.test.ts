import { expect } from 'chai';
import { ownMemory } from '../../src/ground/memory.js';

describe('Memory of its own', () => {
  it('is as large as was asked for, to the byte, and changes hands whole', () => {
    for (const bytes of [0, 1, 100, 1023, 1024, 5000, 300_000]) {
      const memory = ownMemory(bytes);
      expect([memory.byteLength, memory.buffer.byteLength]).to.deep.equal([bytes, bytes]);
      memory.fill(7);
      const moved = structuredClone(memory, { transfer: [memory.buffer] });
      expect([memory.byteLength, moved.byteLength, moved.every((byte) => byte === 7)]).to.deep.equal([
        0,
        bytes,
        true,
      ]);
    }
  });
});
