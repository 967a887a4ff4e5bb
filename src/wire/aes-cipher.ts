import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { readU32, writeU32 } from '../ground/integers.js';
import type { Cipher } from './cipher.js';

export const aesKeyBytes = 32;
const algorithm = 'aes-256-gcm';
const keyIdBytes = 4;
const prefixBytes = 8;
const nonceBytes = 12;
const tagBytes = 16;
const counterMax = 0xffff_ffff;

/** What a key is used for. Each use has one of its own, so that what was sealed for one can never pass as another's. */
export type KeyPurpose = 'frames' | 'entries' | 'snapshots';

/**
 * AES-256 in Galois/Counter mode: secrecy, and a tag without which nothing opens. Its keys are derived from the user's,
 * one for each purpose (HKDF with SHA-256, RFC 5869); a key's id, derived too, says nothing of it and stands in the
 * clear, so that keys can change: what is new is sealed with the first, and what any of them sealed opens.
 *
 * Sealed: 4 bytes of key id, 12 bytes of nonce, the enciphered text, 16 bytes of tag. A nonce must never come twice
 * under one key, and many threads and runs share the key without knowing of each other; so each instance takes 8 random
 * bytes from the operating system and counts in the other 4 (NIST SP 800-38D §8.2), and takes new ones when the counter
 * is used up.
 */
export class AesCipher implements Cipher {
  readonly kind = 'aes-256-gcm';
  readonly overheadBytes = keyIdBytes + nonceBytes + tagBytes;
  readonly textOffset = keyIdBytes + nonceBytes;
  readonly #keyId: number;
  readonly #key: Uint8Array;
  readonly #keys: ReadonlyMap<number, Uint8Array>;
  /** Format 1 sealed entries with the user's key itself and wrote no id; its disks are still read. */
  readonly #keysOfFormat1: readonly Uint8Array[];
  readonly #nonce = Buffer.alloc(nonceBytes);
  #counter = counterMax;

  /** @param keys the user's, 32 bytes each: the present one, and older ones */
  constructor(keys: readonly [Uint8Array, ...Uint8Array[]], purpose: KeyPurpose) {
    this.#keyId = keyIdOf(keys[0]);
    this.#key = derived(keys[0], purpose, aesKeyBytes);
    this.#keys = new Map(keys.map((key) => [keyIdOf(key), derived(key, purpose, aesKeyBytes)]));
    this.#keysOfFormat1 = purpose === 'entries' ? keys.map((key) => new Uint8Array(key)) : [];
  }

  encrypt(plain: Uint8Array): Uint8Array {
    const sealed = new Uint8Array(plain.length + this.overheadBytes);
    this.encryptInto(plain, 0, plain.length, sealed, 0);
    return sealed;
  }

  decrypt(sealed: Uint8Array): Uint8Array | null {
    const plain = new Uint8Array(sealed.length);
    const plainBytes = this.decryptInto(sealed, 0, sealed.length, plain, 0);
    return plainBytes < 0 ? null : plain.subarray(0, plainBytes);
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
    const textAt = offset + this.textOffset;
    target.set(cipher.update(plain.subarray(start, end)), textAt);
    cipher.final();
    writeU32(target, offset, this.#keyId);
    target.set(nonce, offset + keyIdBytes);
    target.set(cipher.getAuthTag(), textAt + end - start);
  }

  decryptInto(
    sealed: Uint8Array,
    start: number,
    end: number,
    target: Uint8Array,
    offset: number,
    associated?: Uint8Array,
  ): number {
    const key = end - start < this.overheadBytes ? undefined : this.#keys.get(readU32(sealed, start));
    const bytes = sealed.subarray(start, end);
    const plain = key === undefined ? null : opened(key, bytes.subarray(keyIdBytes), associated);
    const found = plain ?? this.#openedOfFormat1(bytes);
    if (found === null) return -1;
    target.set(found, offset);
    return found.length;
  }

  #openedOfFormat1(bytes: Uint8Array): Uint8Array | null {
    for (const key of this.#keysOfFormat1) {
      const plain = opened(key, bytes, undefined);
      if (plain !== null) return plain;
    }
    return null;
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

/** Tells keys apart without giving one away. */
export function keyIdOf(key: Uint8Array): number {
  return readU32(derived(key, 'key id', keyIdBytes), 0);
}

/** By this a disk knows the key again that its entries were sealed with: long enough that no other key has it. */
export function checkValueOf(key: Uint8Array, bytes: number): Uint8Array {
  return derived(key, 'check value', bytes);
}

/** Under this a log's records carry tags (`log-seal.ts`). */
export function recordKeyOf(key: Uint8Array): Uint8Array {
  return derived(key, 'log', aesKeyBytes);
}

function derived(
  key: Uint8Array,
  purpose: KeyPurpose | 'log' | 'key id' | 'check value',
  bytes: number,
): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, new Uint8Array(0), `conclave 2 ${purpose}`, bytes));
}

/** The text of nonce, text and tag; null when they do not check. */
function opened(key: Uint8Array, sealed: Uint8Array, associated: Uint8Array | undefined): Uint8Array | null {
  const textEnd = sealed.length - tagBytes;
  if (textEnd < nonceBytes) return null;
  const decipher = createDecipheriv(algorithm, key, sealed.subarray(0, nonceBytes), {
    authTagLength: tagBytes,
  });
  try {
    decipher.setAuthTag(sealed.subarray(textEnd));
    if (associated !== undefined) decipher.setAAD(associated);
    const plain = decipher.update(sealed.subarray(nonceBytes, textEnd));
    decipher.final();
    return plain;
  } catch {
    return null;
  }
}
