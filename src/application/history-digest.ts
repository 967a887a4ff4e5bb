import { createHash } from 'node:crypto';
import { ApplicationError } from '../ground/errors.js';
import type { LogIndex } from '../raft/entry.js';

const stagingBytes = 64 * 1024;
const stateBytes = 32;
/** Before each command: its length (4 bytes) and its index in the log (8 bytes), little-endian. */
const prefixBytes = 12;
const digestCharacters = 16;

/**
 * Folds every applied command, in order, into one number, so that equal digests mean equal histories.
 *
 * The history is one stream of bytes, `length | index | command` for each command, hashed in blocks of 64 KiB:
 * `state = sha256(state | block)`. Block boundaries depend on the stream alone, so batching cannot show, and a
 * small command costs a copy instead of a hash.
 */
export class HistoryDigest {
  #state: Uint8Array = new Uint8Array(stateBytes);
  readonly #staging = new Uint8Array(stagingBytes);
  #staged = 0;
  readonly #prefix = new Uint8Array(prefixBytes);

  /** Folds in one applied command. */
  add(index: LogIndex, command: Uint8Array): void {
    const prefix = this.#prefix;
    writeUint32(prefix, 0, command.length);
    writeUint32(prefix, 4, index);
    writeUint32(prefix, 8, Math.floor(index / 0x1_0000_0000));
    this.#fold(prefix);
    this.#fold(command);
  }

  /** The digest so far: 16 hexadecimal characters. Hashes up to 64 KiB, so ask per status, not per command. */
  text(): string {
    return this.#hash().toString('hex').slice(0, digestCharacters);
  }

  /** Everything needed to go on from here, for a snapshot. */
  toBytes(): Uint8Array {
    const bytes = new Uint8Array(stateBytes + this.#staged);
    bytes.set(this.#state);
    bytes.set(this.#staging.subarray(0, this.#staged), stateBytes);
    return bytes;
  }

  /**
   * The digest that gave these bytes.
   * @throws {ApplicationError} when no digest can have given them.
   */
  static fromBytes(bytes: Uint8Array): HistoryDigest {
    const staged = bytes.length - stateBytes;
    if (staged < 0 || staged >= stagingBytes) {
      throw new ApplicationError(
        `A history digest takes ${stateBytes} to ${stateBytes + stagingBytes - 1} bytes and this has ${bytes.length}. Restore from another snapshot.`,
      );
    }
    const digest = new HistoryDigest();
    digest.#state = bytes.slice(0, stateBytes);
    digest.#staging.set(bytes.subarray(stateBytes));
    digest.#staged = staged;
    return digest;
  }

  #fold(bytes: Uint8Array): void {
    let from = 0;
    while (from < bytes.length) {
      const count = Math.min(bytes.length - from, stagingBytes - this.#staged);
      copy(bytes, from, this.#staging, this.#staged, count);
      from += count;
      this.#staged += count;
      if (this.#staged === stagingBytes) {
        this.#state = this.#hash();
        this.#staged = 0;
      }
    }
  }

  #hash(): Buffer {
    return createHash('sha256').update(this.#state).update(this.#staging.subarray(0, this.#staged)).digest();
  }
}

/** Under this a loop is faster than a call into the engine's copy. */
const loopBytesMax = 48;

function copy(source: Uint8Array, from: number, target: Uint8Array, at: number, count: number): void {
  if (count > loopBytesMax) {
    target.set(source.subarray(from, from + count), at);
    return;
  }
  for (let i = 0; i < count; i++) target[at + i] = source[from + i] as number;
}

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}
