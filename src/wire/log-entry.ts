import { packBytes } from '../ground/byte-strings.js';
import { ownMemory } from '../ground/memory.js';
import { entryKinds, type LogEntry, type SessionPlace, termMax } from '../raft/entry.js';
import { entriesOf, longestCommand, type Run } from '../raft/run.js';
import type { Cipher } from './cipher.js';
import { packTuple, type Tuple, TupleReader } from './tuple.js';

/** Small runs are opened into blocks of this size, which live as long as the log does. */
const blockBytes = 65_536;

/**
 * LogEntry messages: what travels and lies on disk of the entries of a run. A message is the msgpack tuple
 * `[term, index, leaderId, kind, count, body]`, enciphered: the fields of the first LogEntry, how many there are, and
 * their commands packed as `packBytes` does. Those of a client's session have the first one's place in it before the
 * body: `[…, count, session, sequence, acknowledged, log time in ms, body]`. (Format 1 had a message for each entry, `[term, index, leaderId, kind,
 * command]`; old disks still hold such.)
 */
export class LogEntryCodec {
  readonly #cipher: Cipher;
  readonly #reader: TupleReader;

  constructor(cipher: Cipher) {
    this.#cipher = cipher;
    this.#reader = new TupleReader(cipher, blockBytes);
  }

  /** One entry's message, never written again. */
  encode({ term, index, leaderId, kind, command, session }: LogEntry): Uint8Array {
    const run = { firstIndex: index, count: 1, term, kind, leaderId, body: packBytes([command]) };
    return this.seal(session === undefined ? run : { ...run, session });
  }

  /** The entry of a message of one, or null when the bytes are none. Never throws. */
  decode(bytes: Uint8Array): LogEntry | null {
    const entries = this.decodeAll(bytes);
    return entries?.length === 1 ? (entries[0] ?? null) : null;
  }

  /** All entries of a message, or null when the bytes are none. Never throws. */
  decodeAll(bytes: Uint8Array): LogEntry[] | null {
    const run = this.open(bytes);
    return run === null ? null : entriesOf(run);
  }

  /**
   * The run's message. msgpackr packs the numbers, with a 0 in the body's place; what it would write there is written
   * over it, since the body is to be copied once, to where it is enciphered.
   */
  seal({ firstIndex, count, term, kind, leaderId, body, session }: Run): Uint8Array {
    const places =
      session === undefined ? [] : [session.id, session.sequence, session.acknowledged, session.logTimeMs];
    const numbers = packTuple([term, firstIndex, leaderId, entryKinds.indexOf(kind), count, ...places, 0]);
    const numbersBytes = numbers.end - numbers.start - 1;
    const plainBytes = numbersBytes + binHeaderBytes(body.length) + body.length;
    const sealed = ownMemory(plainBytes + this.#cipher.overheadBytes);
    const start = this.#cipher.textOffset;
    for (let at = 0; at < numbersBytes; at++) sealed[start + at] = numbers[numbers.start + at] as number;
    sealed.set(body, writeBinHeader(sealed, start + numbersBytes, body.length));
    this.#cipher.encryptInto(sealed, start, start + plainBytes, sealed, 0);
    return sealed;
  }

  /**
   * The run of a message, or null when the bytes are none: of another key, or of a body that is not `count` commands.
   * Never throws. Where no cipher is, its body is a view into `sealed`.
   */
  open(sealed: Uint8Array): Run | null {
    const tuple = this.#reader.read(sealed, 0, sealed.length);
    return tuple === null ? null : toRun(tuple);
  }
}

function binHeaderBytes(length: number): number {
  return length < 0x100 ? 2 : length < 0x1_0000 ? 3 : 5;
}

/** Writes msgpack's header of a byte string, in its shortest form, and returns where the bytes begin. */
function writeBinHeader(target: Uint8Array, at: number, length: number): number {
  const width = binHeaderBytes(length) - 1;
  target[at] = width === 1 ? 0xc4 : width === 2 ? 0xc5 : 0xc6;
  for (let byte = 0; byte < width; byte++) target[at + 1 + byte] = length >>> (8 * (width - 1 - byte));
  return at + 1 + width;
}

function toRun(tuple: Tuple): Run | null {
  const [term, firstIndex, leaderId, kindNumber] = tuple;
  if (!isNatural(term) || term === 0 || term > termMax) return null;
  if (!isNatural(firstIndex) || firstIndex === 0 || !isNatural(leaderId)) return null;
  const kind = typeof kindNumber === 'number' ? entryKinds[kindNumber] : undefined;
  if (kind === undefined) return null;
  if (tuple.length === 5 && tuple[4] instanceof Uint8Array && kind !== 'session') {
    return { firstIndex, count: 1, term, kind, leaderId, body: packBytes([tuple[4]]) };
  }
  const count = tuple[4];
  const body = tuple.at(-1);
  if ((tuple.length !== 6 && tuple.length !== 10) || !isNatural(count) || !(body instanceof Uint8Array)) {
    return null;
  }
  if (!Number.isSafeInteger(firstIndex + count - 1) || longestCommand(body, count) === null) return null;
  const run = { firstIndex, count, term, kind, leaderId, body };
  if (tuple.length === 6) return kind === 'session' ? null : run;
  const session = toPlace(tuple, count);
  const isOne = kind === 'session' ? count === 1 : kind === 'command';
  return session === null || !isOne ? null : { ...run, session };
}

function toPlace(
  [, , , , , id, sequence, acknowledged, logTimeMs]: Tuple,
  count: number,
): SessionPlace | null {
  if (!isNatural(id) || !isNatural(sequence) || !isNatural(acknowledged) || !isNatural(logTimeMs))
    return null;
  return Number.isSafeInteger(sequence + count - 1) ? { id, sequence, acknowledged, logTimeMs } : null;
}

function isNatural(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
