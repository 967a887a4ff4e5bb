import { checkValueOf } from './aes-cipher.js';
import type { Cipher, CipherOptions } from './cipher.js';
import type { SealedRun } from './packed-runs.js';
import { RunSeals } from './run-seals.js';

export const checkValueBytes = 16;

/** What a log can say of the cipher and key that its entries are sealed with, giving neither away. */
export interface SealMark {
  readonly kind: CipherOptions['kind'];
  /** `checkValueBytes` that only that key has; zeros where a cipher has no key. */
  readonly checkValue: Uint8Array;
}

/** What a node's entries are sealed with, as its storage is told before it reads what is there. */
export interface LogSeal {
  /** Of what is written from now on. */
  readonly mark: SealMark;
  /** Was what that mark is on sealed under the same cipher, and the present key or an older one that is known? */
  knows(mark: SealMark): boolean;
  opens(run: SealedRun): boolean;
}

/** @param entries the cipher that was made from the options. */
export function logSealOf(options: CipherOptions, entries: Cipher): LogSeal {
  const keys = options.kind === 'aes-256-gcm' ? [options.key, ...(options.oldKeys ?? [])] : [];
  const [present = new Uint8Array(checkValueBytes), ...older] = keys.map((key) =>
    checkValueOf(key, checkValueBytes),
  );
  return {
    mark: { kind: options.kind, checkValue: present },
    knows: (mark) =>
      [present, ...older].some((checkValue) => isSameMark({ kind: options.kind, checkValue }, mark)),
    opens: (run) => new RunSeals(entries).openStored(run) !== null,
  };
}

export function isSameMark(one: SealMark | null, other: SealMark | null): boolean {
  if (one === null || other === null) return one === other;
  return one.kind === other.kind && Buffer.compare(one.checkValue, other.checkValue) === 0;
}
