import { Random } from '../ground/random.js';
import type { Cipher } from './cipher.js';

const nonceBytes = 2;
/** The keystream's period; a power of two. Small, so that it stays in the processor's first cache. */
const periodBytes = 8192;
const periodMask = periodBytes - 1;
/** Part of the format: another seed could not read what this one wrote. */
const keystreamSeed = 0xc0_9c_1a_7e;
/** From this length on, the set-up of going word by word pays. */
const wordwiseBytesMin = 96;

/** The keystream, twice over so that a word never straddles its end. */
const keystream = new Uint8Array(2 * periodBytes);
/** The keystream as words beginning at byte 0, 1, 2 and 3, which serves any alignment of the text. */
const keystreamWords = [0, 1, 2, 3].map((shift) => {
  if (shift === 0) {
    const random = new Random(keystreamSeed);
    for (let at = 0; at < periodBytes; at++) keystream[at] = random.uint32() >>> 24;
    keystream.copyWithin(periodBytes, 0, periodBytes);
  }
  return new Uint32Array(keystream.slice(shift, shift + periodBytes).buffer);
});

/**
 * A keystream XOR that hides text from a casual reader of a dump. **It is no protection**: the keystream is a
 * constant of this program, so anybody can undo it, and nothing is authenticated. Use `aes-256-gcm` for secrets.
 *
 * Sealed: u16 LE nonce (where in the keystream the text begins), then the text, byte by byte XORed.
 */
export class PseudoCipher implements Cipher {
  readonly kind = 'pseudo';
  readonly overheadBytes = nonceBytes;
  readonly textOffset = nonceBytes;
  #nonce: number;

  /** @param nonce any integer: where the first text begins in the keystream. */
  constructor(nonce: number) {
    this.#nonce = nonce & 0xffff;
  }

  encrypt(plain: Uint8Array): Uint8Array {
    const sealed = new Uint8Array(plain.length + nonceBytes);
    this.encryptInto(plain, 0, plain.length, sealed, 0);
    return sealed;
  }

  decrypt(sealed: Uint8Array): Uint8Array | null {
    if (sealed.length < nonceBytes) return null;
    const plain = new Uint8Array(sealed.length - nonceBytes);
    this.decryptInto(sealed, 0, sealed.length, plain, 0);
    return plain;
  }

  encryptInto(plain: Uint8Array, start: number, end: number, target: Uint8Array, offset: number): void {
    // An odd stride visits every nonce before one comes again.
    this.#nonce = (this.#nonce + 0x9e37) & 0xffff;
    target[offset] = this.#nonce & 0xff;
    target[offset + 1] = this.#nonce >>> 8;
    exclusiveOr(plain, start, end, target, offset + nonceBytes, this.#nonce & periodMask);
  }

  decryptInto(sealed: Uint8Array, start: number, end: number, target: Uint8Array, offset: number): number {
    if (end - start < nonceBytes) return -1;
    const nonce = (sealed[start] ?? 0) | ((sealed[start + 1] ?? 0) << 8);
    exclusiveOr(sealed, start + nonceBytes, end, target, offset, nonce & periodMask);
    return end - start - nonceBytes;
  }
}

function exclusiveOr(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  offset: number,
  key: number,
): void {
  if (end - start >= wordwiseBytesMin) {
    if (source !== target || start !== offset) target.set(source.subarray(start, end), offset);
    exclusiveOrWords(target, offset, offset + end - start, key);
    return;
  }
  // Below `wordwiseBytesMin` bytes the keystream's second copy makes wrapping needless.
  for (let from = start, to = offset, at = key; from < end; from++, to++, at++) {
    target[to] = (source[from] as number) ^ (keystream[at] as number);
  }
}

/** In place: single bytes up to the first whole word, words, and the bytes that are left. */
function exclusiveOrWords(target: Uint8Array, start: number, end: number, key: number): void {
  let at = start;
  let position = key;
  const misaligned = (target.byteOffset + start) & 3;
  for (let left = (4 - misaligned) & 3; left > 0; left--, at++, position++) {
    target[at] = (target[at] as number) ^ (keystream[position] as number);
  }
  const words = new Uint32Array(target.buffer, target.byteOffset + at, (end - at) >>> 2);
  const shifted = keystreamWords[position & 3] as Uint32Array;
  const wordMask = shifted.length - 1;
  for (let index = 0, from = position >>> 2; index < words.length; index++, from++) {
    words[index] = (words[index] as number) ^ (shifted[from & wordMask] as number);
  }
  at += words.length * 4;
  position += words.length * 4;
  for (; at < end; at++, position++) {
    target[at] = (target[at] as number) ^ (keystream[position & periodMask] as number);
  }
}
