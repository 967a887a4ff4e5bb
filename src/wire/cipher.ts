/** How entries and messages are enciphered. Every node of a cluster is given the same. */
export type CipherOptions =
  | { readonly kind: 'none' }
  /** Hides text from a casual reader and is no protection: anybody can undo it. */
  | { readonly kind: 'pseudo' }
  /**
   * `key` has 32 bytes, and so has each of `oldKeys`, which open what they sealed and seal nothing more. To change a key
   * under a running cluster: give every node the new one as an old key, one after the other; then make it the key of
   * each, with the former among the old ones.
   */
  | { readonly kind: 'aes-256-gcm'; readonly key: Uint8Array; readonly oldKeys?: readonly Uint8Array[] };

/** A node's, for what it says and for what it keeps. */
export interface Ciphers {
  readonly frames: Cipher;
  readonly entries: Cipher;
}

/**
 * Makes bytes unreadable and back. Neither direction keeps a reference to what it was given, and the sealed form
 * is always `overheadBytes` longer than the plain one.
 */
export interface Cipher {
  readonly kind: CipherOptions['kind'];
  readonly overheadBytes: number;
  /** Where in the sealed form the text stands. Who lays the plain text there has it sealed in place. */
  readonly textOffset: number;
  encrypt(plain: Uint8Array): Uint8Array;
  /** Null when the bytes do not check. Never throws. */
  decrypt(sealed: Uint8Array): Uint8Array | null;
  /**
   * `encrypt` without an allocation: seals `plain[start, end)` into `target` from `offset` on; the two may overlap only
   * where the text is to stand, `offset + textOffset`. `associated` is not
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
