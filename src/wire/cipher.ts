import { InvalidOptionError } from '../errors.js';
import { shown } from '../option-checks.js';
import type { Random } from '../random.js';
import { AesCipher, aesKeyBytes } from './aes-cipher.js';
import { NoCipher } from './no-cipher.js';
import { PseudoCipher } from './pseudo-cipher.js';

/** How entries and messages are enciphered. Every node of a cluster is given the same. */
export type CipherOptions =
  | { readonly kind: 'none' }
  /** Hides text from a casual reader and is no protection: anybody can undo it. */
  | { readonly kind: 'pseudo' }
  /** `key` has 32 bytes. */
  | { readonly kind: 'aes-256-gcm'; readonly key: Uint8Array };

/**
 * Makes bytes unreadable and back. Neither direction keeps a reference to what it was given, and the sealed form
 * is always `overheadBytes` longer than the plain one.
 */
export interface Cipher {
  readonly kind: CipherOptions['kind'];
  readonly overheadBytes: number;
  encrypt(plain: Uint8Array): Uint8Array;
  /** Null when the bytes do not check. Never throws. */
  decrypt(sealed: Uint8Array): Uint8Array | null;
  /**
   * `encrypt` without an allocation: seals `plain[start, end)` into `target` from `offset` on. `associated` is not
   * stored; a cipher that authenticates refuses to open the result beside any other.
   */
  encryptInto(
    plain: Uint8Array,
    start: number,
    end: number,
    target: Uint8Array,
    offset: number,
    associated?: Uint8Array,
  ): void;
  /**
   * `decrypt` without an allocation: opens `sealed[start, end)` into `target` from `offset` on and returns how
   * many bytes that made, or -1 when they do not check. Never throws.
   */
  decryptInto(
    sealed: Uint8Array,
    start: number,
    end: number,
    target: Uint8Array,
    offset: number,
    associated?: Uint8Array,
  ): number;
}

/**
 * @param random chooses the pseudo cipher's offsets, so that a simulated world repeats itself byte for byte.
 *   `aes-256-gcm` takes no part in that: its nonces come from the operating system, since a repeated one would
 *   give the key's messages away.
 * @throws InvalidOptionError for an unknown kind or a key of the wrong length.
 */
export function createCipher(options: CipherOptions, random: Random): Cipher {
  switch (options.kind) {
    case 'none':
      return new NoCipher();
    case 'pseudo':
      return new PseudoCipher(random.uint32());
    case 'aes-256-gcm':
      if (!(options.key instanceof Uint8Array) || options.key.byteLength !== aesKeyBytes) {
        const found =
          options.key instanceof Uint8Array ? `${options.key.byteLength} bytes` : typeof options.key;
        throw new InvalidOptionError(
          `The key of the aes-256-gcm cipher must be a Uint8Array of ${aesKeyBytes} bytes, not ${found}. Give every node the same key of that length.`,
        );
      }
      return new AesCipher(options.key);
    default:
      throw new InvalidOptionError(
        `The cipher's kind is ${shown((options as { kind: unknown }).kind)}. Give 'none', 'pseudo' or 'aes-256-gcm'.`,
      );
  }
}
