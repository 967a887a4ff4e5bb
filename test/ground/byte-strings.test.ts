import { expect } from 'chai';
import fc from 'fast-check';
import { packBytes, unpackBytes } from '../../src/ground/byte-strings.js';
import { bytes } from '../wire/arbitraries.js';

describe('byte strings', () => {
  it('come back as they were packed, in a buffer of their own', () => {
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 20 }), (items) => {
        const packed = packBytes(items);
        expect(packed.byteLength).to.equal(packed.buffer.byteLength);
        expect(unpackBytes(packed)).to.deep.equal(items);
        expect(unpackBytes(packed, items.length)).to.deep.equal(items);
        expect(unpackBytes(packed, items.length + 1)).to.equal(null);
        if (items.length > 0) expect(unpackBytes(packed, items.length - 1)).to.equal(null);
      }),
    );
  });

  it('are unpacked without a copy', () => {
    const packed = packBytes([Uint8Array.of(1), Uint8Array.of(2, 3)]);
    for (const item of unpackBytes(packed) ?? []) expect(item.buffer).to.equal(packed.buffer);
  });

  it('that are empty share the one that is empty, whatever packed them', () => {
    const [first] = unpackBytes(packBytes([new Uint8Array(0)])) ?? [];
    for (const item of unpackBytes(packBytes([new Uint8Array(0), new Uint8Array(0)])) ?? []) {
      expect(item).to.equal(first);
    }
  });

  it('are refused when cut anywhere within an item', () => {
    const packed = packBytes([Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5)]);
    for (let length = 0; length < packed.length; length++) {
      expect(unpackBytes(packed.subarray(0, length), 2), `${length} bytes`).to.equal(null);
    }
  });

  it('are refused, and no memory taken, when a length is beyond the bytes there are', () => {
    expect(unpackBytes(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1, 2))).to.equal(null);
    fc.assert(fc.property(bytes, (garbage) => void unpackBytes(garbage)));
  });
});
