import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Cipher } from './cipher.js';

export const aesKeyBytes = 32;
const algorithm = 'aes-256-gcm';
const prefixBytes = 8;
const nonceBytes = 12;
const tagBytes = 16;
const counterMax = 0xffff_ffff;

/**
 * AES-256 in Galois/Counter mode: secrecy, and a tag without which nothing opens.
 *
 * Sealed: 12 bytes of nonce, the enciphered text, 16 bytes of tag. A nonce must never come twice under one key,
 * and many threads and runs share the key without knowing of each other; so each instance takes 8 random bytes
 * from the operating system and counts in the other 4 (NIST SP 800-38D §8.2), and takes new ones when the
 * counter is used up.
 */
export class AesCipher implements Cipher {
  readonly kind = 'aes-256-gcm';
  readonly overheadBytes = nonceBytes + tagBytes;
  readonly textOffset = nonceBytes;
  readonly #key: Uint8Array;
  readonly #nonce = Buffer.alloc(nonceBytes);
  #counter = counterMax;

  /** @param key 32 bytes. */
  constructor(key: Uint8Array) {
    this.#key = new Uint8Array(key);
  }

  encrypt(plain: Uint8Array): Uint8Array {
    const sealed = new Uint8Array(plain.length + this.overheadBytes);
    this.encryptInto(plain, 0, plain.length, sealed, 0);
    return sealed;
  }

  decrypt(sealed: Uint8Array): Uint8Array | null {
    const plain = new Uint8Array(Math.max(0, sealed.length - this.overheadBytes));
    return this.decryptInto(sealed, 0, sealed.length, plain, 0) < 0 ? null : plain;
  }

  encryptInto(
    plain: Uint8Array,
    start: number,
    end: number,
    target: Uint8Array,
    offset: number,
    associated?: Uint8Array,
  ): void {
    const nonce = this.#nextNonce();
    const cipher = createCipheriv(algorithm, this.#key, nonce);
    if (associated !== undefined) cipher.setAAD(associated);
    target.set(nonce, offset);
    target.set(cipher.update(plain.subarray(start, end)), offset + nonceBytes);
    cipher.final();
    target.set(cipher.getAuthTag(), offset + nonceBytes + end - start);
  }

  decryptInto(
    sealed: Uint8Array,
    start: number,
    end: number,
    target: Uint8Array,
    offset: number,
    associated?: Uint8Array,
  ): number {
    const textEnd = end - tagBytes;
    const textStart = start + nonceBytes;
    if (textEnd < textStart) return -1;
    const decipher = createDecipheriv(algorithm, this.#key, sealed.subarray(start, textStart), {
      authTagLength: tagBytes,
    });
    try {
      decipher.setAuthTag(sealed.subarray(textEnd, end));
      if (associated !== undefined) decipher.setAAD(associated);
      const plain = decipher.update(sealed.subarray(textStart, textEnd));
      decipher.final();
      target.set(plain, offset);
      return plain.length;
    } catch {
      return -1;
    }
  }

  #nextNonce(): Buffer {
    if (this.#counter === counterMax) {
      randomBytes(prefixBytes).copy(this.#nonce);
      this.#counter = -1;
    }
    this.#counter++;
    this.#nonce.writeUInt32LE(this.#counter, prefixBytes);
    return this.#nonce;
  }
}
