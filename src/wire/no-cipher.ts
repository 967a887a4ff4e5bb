import type { Cipher } from './cipher.js';

/** Leaves bytes as they are. */
export class NoCipher implements Cipher {
  readonly kind = 'none';
  readonly overheadBytes = 0;
  readonly textOffset = 0;

  encrypt(plain: Uint8Array): Uint8Array {
    return new Uint8Array(plain);
  }

  decrypt(sealed: Uint8Array): Uint8Array {
    return new Uint8Array(sealed);
  }

  encryptInto(plain: Uint8Array, start: number, end: number, target: Uint8Array, offset: number): void {
    if (plain !== target || start !== offset) target.set(plain.subarray(start, end), offset);
  }

  decryptInto(sealed: Uint8Array, start: number, end: number, target: Uint8Array, offset: number): number {
    target.set(start === 0 && end === sealed.length ? sealed : sealed.subarray(start, end), offset);
    return end - start;
  }
}
