import { InvalidOptionError } from '../ground/errors.js';
import { shown } from '../ground/option-checks.js';
import type { Random } from '../ground/random.js';
import { AesCipher, aesKeyBytes, type KeyPurpose } from './aes-cipher.js';
import type { Cipher, CipherOptions, Ciphers } from './cipher.js';
import { NoCipher } from './no-cipher.js';
import { PseudoCipher } from './pseudo-cipher.js';

/**
 * @param random chooses the pseudo cipher's offsets, so that a simulated world repeats itself byte for byte.
 *   `aes-256-gcm` takes no part in that: its nonces come from the operating system, since a repeated one would
 *   give the key's messages away.
 * @throws InvalidOptionError for an unknown kind or a key of the wrong length.
 */
export function createCipher(
  options: CipherOptions,
  random: Random,
  purpose: KeyPurpose = 'entries',
): Cipher {
  switch (options.kind) {
    case 'none':
      return new NoCipher();
    case 'pseudo':
      return new PseudoCipher(random.uint32());
    case 'aes-256-gcm': {
      const { key, oldKeys = [] } = options;
      for (const each of [key, ...oldKeys]) requireKey(each);
      return new AesCipher([key, ...oldKeys], purpose);
    }
    default:
      throw new InvalidOptionError(
        `The cipher's kind is ${shown((options as { kind: unknown }).kind)}. Give 'none', 'pseudo' or 'aes-256-gcm'.`,
      );
  }
}

/** A node's ciphers. @throws InvalidOptionError as `createCipher` does */
export function createCiphers(options: CipherOptions, random: Random): Ciphers {
  const entries = createCipher(options, random);
  // Only keys have purposes.
  return {
    entries,
    frames: options.kind === 'aes-256-gcm' ? createCipher(options, random, 'frames') : entries,
  };
}

function requireKey(key: unknown): void {
  if (key instanceof Uint8Array && key.byteLength === aesKeyBytes) return;
  const found = key instanceof Uint8Array ? `${key.byteLength} bytes` : typeof key;
  throw new InvalidOptionError(
    `The key of the aes-256-gcm cipher must be a Uint8Array of ${aesKeyBytes} bytes, not ${found}. Give every node the same key of that length.`,
  );
}
