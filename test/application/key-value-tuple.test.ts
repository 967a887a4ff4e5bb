import { crc32 } from 'node:zlib';
import { expect } from 'chai';
import fc from 'fast-check';
import { KeyValueStore } from '../../src/application/key-value/key-value-store.js';
import { packTuple, readTuple, type TupleElement } from '../../src/application/key-value/tuple.js';
import { ApplicationError } from '../../src/ground/errors.js';
import { restoreFrom } from './conformance.js';

const unhex = (digits: string) => new Uint8Array(Buffer.from(digits.replaceAll(' ', ''), 'hex'));

describe('a tuple', () => {
  it('reads as it was packed, whatever it holds', () => {
    const element = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.uint8Array({ maxLength: 300 }),
      fc.maxSafeInteger(),
      fc.integer({ min: -70_000, max: 70_000 }),
      fc.constant(null),
    );
    fc.assert(
      fc.property(fc.array(element, { maxLength: 40 }), (elements) => {
        expect(readTuple(packTuple(elements), 40)).to.deep.equal(elements);
      }),
    );
  });

  it('reads long text, long bytes and many elements', () => {
    for (const length of [31, 32, 255, 256, 65535, 65536]) {
      const elements: TupleElement[] = [
        'é'.repeat(length),
        'x'.repeat(length),
        new Uint8Array(length).fill(7),
      ];
      expect(readTuple(packTuple(elements), 3)).to.deep.equal(elements);
      const many = new Array<TupleElement>(length).fill(1);
      expect(readTuple(packTuple(many), length)).to.deep.equal(many);
      expect(readTuple(packTuple(many), length - 1)).to.equal(null);
    }
  });

  it('is refused when bytes are missing or follow', () => {
    const tuple = packTuple([1, 'text', new Uint8Array([1, 2, 3]), 70_000, 2 ** 40, -300]);
    for (let length = 0; length < tuple.length; length++) {
      expect(readTuple(tuple.subarray(0, length), 10), `${length} bytes`).to.equal(null);
    }
    expect(readTuple(new Uint8Array([...tuple, 0xc0]), 10)).to.equal(null);
  });

  const refused: readonly (readonly [what: string, bytes: string])[] = [
    ['an array inside', '91 90'],
    ['a map inside', '91 80'],
    ['a map outside', '80'],
    ['a boolean', '91 c3'],
    ['an extension (a date)', '91 d6 ff 00 00 00 00'],
    ['an extension of no bytes', '91 c7 00 01'],
    ['a 64-bit integer', '91 cf 00 00 00 00 00 00 00 01'],
    ['a fraction', '91 cb 3f f8 00 00 00 00 00 00'],
    ['not a number', '91 cb 7f f8 00 00 00 00 00 00'],
    ['an integer that is not safe', '91 cb 43 40 00 00 00 00 00 00'],
    ['a type that msgpack never uses', '91 c1'],
    ['text that is not UTF-8', '91 a2 c3 28'],
    ['half of a surrogate pair', '91 a3 ed a0 80'],
    ['an overlong slash', '91 a2 c0 af'],
    ['text of four gigabytes in five bytes', '91 db ff ff ff ff'],
    ['bytes of four gigabytes in five bytes', '91 c6 ff ff ff ff'],
    ['four billion elements in five bytes', 'dd ff ff ff ff'],
  ];
  for (const [what, bytes] of refused) {
    it(`is refused with ${what}`, () => expect(readTuple(unhex(bytes), 2 ** 32)).to.equal(null));
  }

  it('reads minus zero as zero, so that no two nodes can write it differently', () => {
    expect(Object.is(readTuple(unhex('91 cb 80 00 00 00 00 00 00 00'), 1)?.[0], 0)).to.equal(true);
  });
});

describe('a key-value snapshot with a right checksum', () => {
  function forge(...sections: readonly (readonly TupleElement[])[]): Uint8Array {
    const parts = sections.flatMap((elements) => {
      const section = packTuple(elements);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(section.length);
      return [length, section];
    });
    const body = Buffer.concat(parts);
    const checksum = Buffer.alloc(4);
    checksum.writeUInt32LE(crc32(body));
    return new Uint8Array(Buffer.concat([body, checksum]));
  }
  const header = (keys: TupleElement, records: TupleElement, version: TupleElement = 1) =>
    ['conclave.key-value', version, keys, records, new Uint8Array(32)] as const;
  const restore = (snapshot: Uint8Array) => restoreFrom(new KeyValueStore(), snapshot);
  const bytes = new Uint8Array(1);

  it('is restored when it is what a store writes', () => {
    restore(forge(header(2, 1), ['a', 'x', 'b', bytes], [bytes]));
  });

  it('is refused with the version when it comes from a later program', () => {
    expect(() => restore(forge(header(0, 0, 2)))).to.throw(ApplicationError, 'format version 2');
  });

  const forgeries: readonly (readonly [what: string, snapshot: Uint8Array])[] = [
    ['nothing in it', forge()],
    ['another name', forge(['other', 1, 0, 0, new Uint8Array(32)])],
    ['too much in its header', forge([...header(0, 0), 1])],
    ['no counts', forge(header(null, 0))],
    ['a negative count', forge(header(-1, 0))],
    ['a digest of the wrong length', forge(['conclave.key-value', 1, 0, 0, bytes])],
    ['keys out of order', forge(header(2, 0), ['b', 'x', 'a', 'x'])],
    ['a key twice', forge(header(1, 0), ['a', 'x', 'a', 'y'])],
    ['a key without a value', forge(header(2, 0), ['a', 'x', 'b'])],
    ['a key that is a number', forge(header(1, 0), [1, 'x'])],
    ['a value that is null', forge(header(1, 0), ['a', null])],
    ['more keys than it says', forge(header(1, 0), ['a', 'x', 'b', 'x'])],
    ['fewer keys than it says', forge(header(3, 0), ['a', 'x', 'b', 'x'])],
    ['a record that is text', forge(header(0, 1), ['text'])],
    ['more records than it says', forge(header(0, 1), [bytes, bytes])],
    ['fewer records than it says', forge(header(0, 2), [bytes])],
    ['an empty section', forge(header(1, 0), [], ['a', 'x'])],
    ['more after its end', forge(header(0, 0), [bytes])],
    ['as many keys as there are numbers', forge(header(Number.MAX_SAFE_INTEGER, 0))],
  ];
  for (const [what, snapshot] of forgeries) {
    it(`is refused with ${what}`, () => expect(() => restore(snapshot)).to.throw(ApplicationError));
  }
});
