import { expect } from 'chai';
import fc from 'fast-check';
import { BytePacker, cutPacked, offsetAfter, packBytes, unpackBytes } from '../../src/ground/byte-strings.js';
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

  it('are cut anywhere between two, and found by their number, without a copy', () => {
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 12 }), fc.nat(12), fc.nat(12), (items, one, other) => {
        const [from, to] = [Math.min(one, other, items.length), Math.min(Math.max(one, other), items.length)];
        const packed = packBytes(items);
        const cut = cutPacked(packed, from, to);
        expect(unpackBytes(cut, to - from)).to.deep.equal(items.slice(from, to));
        expect(cut.buffer).to.equal(packed.buffer);
        expect(offsetAfter(packed, offsetAfter(packed, 0, from), to - from)).to.equal(
          packBytes(items.slice(0, to)).length,
        );
      }),
    );
  });
});

describe('A packer of byte strings', () => {
  it('packs what comes one by one as what comes together, again and again, and keeps none of it', () => {
    const packer = new BytePacker();
    const large = fc.integer({ min: 4000, max: 9000 }).map((length) => new Uint8Array(length).fill(length));
    const lists = fc.array(fc.array(fc.oneof(bytes, large), { maxLength: 8 }), { maxLength: 5 });
    fc.assert(
      fc.property(lists, (turns) => {
        for (const items of turns) {
          for (const item of items) packer.add(item);
          expect(packer.count).to.equal(items.length);
          const taken = packer.take();
          expect(Buffer.compare(taken, packBytes(items))).to.equal(0);
          expect(taken.byteLength).to.equal(taken.buffer.byteLength);
          expect(packer.count).to.equal(0);
        }
      }),
    );
  });

  it('has a copy of what it was given, so that its owner may go on with it', () => {
    const packer = new BytePacker();
    const item = Uint8Array.of(1, 2);
    packer.add(item);
    item.fill(9);
    expect(unpackBytes(packer.take())).to.deep.equal([Uint8Array.of(1, 2)]);
  });
});
