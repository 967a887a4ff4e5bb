import { expect } from 'chai';
import fc from 'fast-check';
import { InvalidOptionError } from '../../src/ground/errors.js';
import { Random } from '../../src/ground/random.js';
import { keyIdOf } from '../../src/wire/aes-cipher.js';
import type { CipherOptions } from '../../src/wire/cipher.js';
import { createCipher, createCiphers } from '../../src/wire/create-cipher.js';
import { bytes, cipherOptions, ciphers } from './arbitraries.js';

describe('cipher', () => {
  for (const options of cipherOptions) {
    it(`${options.kind} opens what another instance sealed, whatever its length and alignment`, () => {
      const ours = createCipher(options, new Random(1));
      const theirs = createCipher(options, new Random(2));
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 900 }), fc.nat(5), fc.nat(5), (plain, shift, offset) => {
          const source = new Uint8Array(plain.length + shift + 3);
          source.set(plain, shift);
          const sealedBytes = plain.length + ours.overheadBytes;
          const sealed = new Uint8Array(offset + sealedBytes + 2).fill(0xee);
          ours.encryptInto(source, shift, shift + plain.length, sealed, offset);
          expect(sealed.subarray(offset + sealedBytes)).to.deep.equal(Uint8Array.of(0xee, 0xee));
          const opened = theirs.decrypt(sealed.subarray(offset, offset + sealedBytes));
          expect(opened).to.deep.equal(plain);
          const target = new Uint8Array(plain.length + shift + 1).fill(0xee);
          const length = theirs.decryptInto(sealed, offset, offset + sealedBytes, target, shift);
          expect(target.subarray(shift, shift + length)).to.deep.equal(plain);
          expect(target[shift + length]).to.equal(0xee);
          expect(ours.encrypt(plain).length).to.equal(sealedBytes);
        }),
      );
    });

    it(`${options.kind} seals in place what lies where the text is to stand`, () => {
      const ours = createCipher(options, new Random(1));
      const theirs = createCipher(options, new Random(2));
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 900 }), fc.nat(5), (plain, offset) => {
          const sealed = new Uint8Array(offset + plain.length + ours.overheadBytes + 2).fill(0xee);
          const start = offset + ours.textOffset;
          sealed.set(plain, start);
          ours.encryptInto(sealed, start, start + plain.length, sealed, offset);
          const end = offset + plain.length + ours.overheadBytes;
          expect(theirs.decrypt(sealed.subarray(offset, end))).to.deep.equal(plain);
          expect(
            [...sealed.subarray(0, offset), ...sealed.subarray(end)].every((byte) => byte === 0xee),
          ).to.equal(true);
        }),
      );
    });

    it(`${options.kind} does not throw on bytes that nobody sealed`, () => {
      const cipher = createCipher(options, new Random(1));
      fc.assert(fc.property(bytes, (garbage) => void cipher.decrypt(garbage)));
    });
  }

  it('reads long texts across the end of the pseudo keystream', () => {
    const cipher = createCipher({ kind: 'pseudo' }, new Random(3));
    const plain = Uint8Array.from({ length: 100_001 }, (_, at) => at * 7);
    for (let round = 0; round < 5; round++) {
      expect(cipher.decrypt(cipher.encrypt(plain))).to.deep.equal(plain);
    }
  });

  it('hides text in the pseudo cipher, and seals the same text the same way from the same seed only', () => {
    const text = new TextEncoder().encode('the quick brown fox jumps over the lazy dog');
    const seal = (seed: number) => createCipher({ kind: 'pseudo' }, new Random(seed)).encrypt(text);
    expect(Buffer.from(seal(1)).includes('fox')).to.equal(false);
    expect(seal(1)).to.deep.equal(seal(1));
    expect(seal(1)).not.to.deep.equal(seal(2));
  });

  it('refuses with aes-256-gcm any text in which a single bit was changed', () => {
    const cipher = ciphers()[2]!;
    const sealed = cipher.encrypt(Uint8Array.of(1, 2, 3));
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const tampered = new Uint8Array(sealed);
      tampered[bit >> 3]! ^= 1 << (bit & 7);
      expect(cipher.decrypt(tampered), `bit ${bit}`).to.equal(null);
    }
  });

  it('refuses with aes-256-gcm a text sealed with another key or beside other associated bytes', () => {
    const cipher = ciphers()[2]!;
    const stranger = createCipher({ kind: 'aes-256-gcm', key: new Uint8Array(32) }, new Random(7));
    const plain = Uint8Array.of(1, 2, 3);
    expect(stranger.decrypt(cipher.encrypt(plain))).to.equal(null);
    const sealed = new Uint8Array(3 + cipher.overheadBytes);
    cipher.encryptInto(plain, 0, 3, sealed, 0, Uint8Array.of(1));
    const target = new Uint8Array(3);
    expect(cipher.decryptInto(sealed, 0, sealed.length, target, 0, Uint8Array.of(2))).to.equal(-1);
    expect(cipher.decryptInto(sealed, 0, sealed.length, target, 0, Uint8Array.of(1))).to.equal(3);
  });

  it('never gives a nonce twice, not even to instances with the same key and seed', () => {
    const nonces = new Set<string>();
    for (let instance = 0; instance < 4; instance++) {
      const cipher = ciphers()[2]!;
      for (let count = 0; count < 300; count++) {
        nonces.add(Buffer.from(cipher.encrypt(new Uint8Array(0)).subarray(4, 16)).toString('hex'));
      }
    }
    expect(nonces.size).to.equal(1200);
  });

  it('opens with aes-256-gcm what older keys sealed, seals with the present one, and tells keys by an id', () => {
    const [old, present] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
    const aes = (key: Uint8Array, ...oldKeys: Uint8Array[]) =>
      createCipher({ kind: 'aes-256-gcm', key, oldKeys }, new Random(1));
    const plain = Uint8Array.of(1, 2, 3);
    const [before, between, after] = [aes(old, present), aes(present, old), aes(present)];
    expect(between.decrypt(before.encrypt(plain))).to.deep.equal(plain);
    expect(before.decrypt(between.encrypt(plain))).to.deep.equal(plain);
    expect(after.decrypt(between.encrypt(plain))).to.deep.equal(plain);
    expect(after.decrypt(before.encrypt(plain))).to.equal(null);
    expect(keyIdOf(old)).not.to.equal(keyIdOf(present));
  });

  it('seals with aes-256-gcm for one purpose what opens for no other', () => {
    const { frames, entries } = createCiphers(
      { kind: 'aes-256-gcm', key: new Uint8Array(32).fill(1) },
      new Random(1),
    );
    const plain = Uint8Array.of(1, 2, 3);
    expect(entries.decrypt(frames.encrypt(plain))).to.equal(null);
    expect(frames.decrypt(entries.encrypt(plain))).to.equal(null);
  });

  it('names the length of a key that does not fit, and the kinds there are', () => {
    const create = (options: unknown) => () => createCipher(options as CipherOptions, new Random(1));
    expect(create({ kind: 'aes-256-gcm', key: new Uint8Array(16) })).to.throw(InvalidOptionError, '16 bytes');
    expect(create({ kind: 'aes-256-gcm', key: 'secret' })).to.throw(InvalidOptionError, 'string');
    expect(create({ kind: 'aes-256-gcm' })).to.throw(InvalidOptionError, '32 bytes');
    expect(create({ kind: 'rot13' })).to.throw(InvalidOptionError, 'rot13');
  });
});
