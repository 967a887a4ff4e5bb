import { createHmac } from 'node:crypto';
import { AesCipher, checkValueOf, recordKeyOf } from './aes-cipher.js';
import type { Cipher, CipherOptions } from './cipher.js';
import type { SealedRun } from './packed-runs.js';
import { RunSeals } from './run-seals.js';

export const checkValueBytes = 16;
/** What a record's tag takes up. */
export const recordTagBytes = 16;

/** What a log can say of the cipher and key that its entries are sealed with, giving neither away. */
export interface SealMark {
  readonly kind: CipherOptions['kind'];
  /** `checkValueBytes` that only that key has; zeros where a cipher has no key. */
  readonly checkValue: Uint8Array;
}

/** The tag of these bytes, one part after the other: nobody makes it without the key. */
export type RecordTag = (...parts: readonly Uint8Array[]) => Uint8Array;

/** What a node's entries are sealed with, as its storage is told before it reads what is there. */
export interface LogSeal {
  /** Of what is written from now on. */
  readonly mark: SealMark;
  /** Was what that mark is on sealed under the same cipher, and the present key or an older one that is known? */
  knows(mark: SealMark): boolean;
  opens(run: SealedRun): boolean;
  /**
   * What the records under that mark, which it knows, are tagged with: term, vote, members and the order of all, which
   * are in the clear (HMAC with SHA-256, RFC 2104). Null where the cipher has no key.
   */
  recordTag(mark: SealMark): RecordTag | null;
  /** For the chunks of snapshots. */
  readonly snapshots: Cipher;
}

/** @param entries the cipher that was made from the options. */
export function logSealOf(options: CipherOptions, entries: Cipher): LogSeal {
  const { kind } = options;
  const keys = kind === 'aes-256-gcm' ? [options.key, ...(options.oldKeys ?? [])] : [];
  const [present, ...older] = keys;
  const marks = keys.map((key) => ({ kind, checkValue: checkValueOf(key, checkValueBytes) }));
  const mark = marks[0] ?? { kind, checkValue: new Uint8Array(checkValueBytes) };
  const opener = new RunSeals(entries);
  return {
    mark,
    knows: (other) => [mark, ...marks].some((known) => isSameMark(known, other)),
    opens: (run) => opener.openStored(run) !== null,
    recordTag: (other) => {
      const key = keys[marks.findIndex((known) => isSameMark(known, other))];
      return key === undefined ? null : tagUnder(recordKeyOf(key));
    },
    snapshots: present === undefined ? entries : new AesCipher([present, ...older], 'snapshots'),
  };
}

export function isSameMark(one: SealMark | null, other: SealMark | null): boolean {
  if (one === null || other === null) return one === other;
  return one.kind === other.kind && Buffer.compare(one.checkValue, other.checkValue) === 0;
}

function tagUnder(key: Uint8Array): RecordTag {
  return (...parts) => {
    const mac = createHmac('sha256', key);
    for (const part of parts) mac.update(part);
    return mac.digest().subarray(0, recordTagBytes);
  };
}
