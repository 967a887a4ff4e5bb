import type { SnapshotSink } from '../../application/application.js';
import { readU32, writeU32 } from '../../ground/integers.js';
import { longestCommand } from '../../raft/run.js';
import type { ClientSession, SessionTable, Stretch } from '../../raft/sessions.js';
import { NoCipher } from '../../wire/no-cipher.js';
import { packTuple, type Tuple, TupleReader } from '../../wire/tuple.js';

/*
 * What a snapshot holds, on disk and on the wire. First the node's own section, records that are each a tuple behind its
 * length (u32 LE), and then the application's bytes:
 *
 *     [format version, log time, number of sessions]
 *     [id, timeout, active, acknowledged, number of stretches]          for each session, those silent longest first,
 *     [sequence, count, index, term, results]                           and after it its stretches; false: forgotten
 *
 * Chunks may end anywhere.
 */

const formatVersion = 1;
const lengthBytes = 4;
/** No record is longer: results of one stretch are what a node keeps of all at most. */
const recordBytesMax = 128 * 1024 * 1024;

/** The node's own section, record by record: clients' sessions as they are now, whatever becomes of them meanwhile. */
export function nodeSection(sessions: SessionTable): Iterable<Uint8Array> {
  return recordsOf(sessions.capture());
}

function* recordsOf({ logTimeMs, sessions }: ReturnType<SessionTable['capture']>): Iterable<Uint8Array> {
  yield record([formatVersion, logTimeMs, sessions.length]);
  for (const { id, timeoutMs, activeMs, acknowledged, stretches } of sessions) {
    yield record([id, timeoutMs, activeMs, acknowledged, stretches.length]);
    for (const { sequence, count, index, term, results } of stretches) {
      yield record([sequence, count, index, term, results ?? false]);
    }
  }
}

function record(tuple: Tuple): Uint8Array {
  const packed = packTuple(tuple);
  const length = packed.end - packed.start;
  const bytes = new Uint8Array(lengthBytes + length);
  writeU32(bytes, 0, length);
  bytes.set(packed.subarray(packed.start, packed.end), lengthBytes);
  return bytes;
}

/** Takes a snapshot's content chunk by chunk, reads the node's section and hands the rest to the application. */
export class ContentReader {
  readonly #application: SnapshotSink;
  readonly #sessions: SessionTable;
  readonly #tuples = new TupleReader(new NoCipher());
  readonly #read: ClientSession[] = [];
  #logTimeMs = 0;
  /** Records that are still to come; null before the first one has said. */
  #sessionsLeft: number | null = null;
  #stretchesLeft = 0;
  /** What has come of the next record, or of its length before that. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #needed = lengthBytes;
  #isLength = true;

  /** @param sessions is given what was read at the end, like the application */
  constructor(application: SnapshotSink, sessions: SessionTable) {
    this.#application = application;
    this.#sessions = sessions;
  }

  /** @throws {Error} when the content is of a version that this program does not know; what the application throws. */
  write(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length && !this.#isWhole) {
      const end = Math.min(chunk.length, at + this.#needed - this.#heldBytes);
      this.#held.push(chunk.slice(at, end));
      this.#heldBytes += end - at;
      at = end;
      if (this.#heldBytes === this.#needed) this.#take();
    }
    if (at < chunk.length) this.#application.write(at === 0 ? chunk : chunk.subarray(at));
  }

  /** That was all. @throws {Error} when it cannot be; what the application throws. */
  end(): void {
    if (!this.#isWhole) throw new Error('it ends too early');
    this.#application.end();
    this.#sessions.restore(this.#logTimeMs, this.#read);
  }

  get #isWhole(): boolean {
    return this.#sessionsLeft === 0 && this.#stretchesLeft === 0;
  }

  #take(): void {
    const piece = Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    this.#isLength = !this.#isLength;
    if (this.#isLength) {
      this.#needed = lengthBytes;
      this.#takeRecord(piece);
      return;
    }
    this.#needed = readU32(piece, 0);
    if (this.#needed === 0 || this.#needed > recordBytesMax)
      throw new Error('a record has no possible length');
  }

  #takeRecord(bytes: Uint8Array): void {
    const tuple = this.#tuples.read(bytes, 0, bytes.length);
    if (tuple === null) throw new Error('a record is none');
    if (this.#sessionsLeft === null) this.#begin(tuple);
    else if (this.#stretchesLeft > 0) this.#addStretch(tuple);
    else this.#addSession(tuple);
  }

  #begin([version, logTimeMs, sessions]: Tuple): void {
    if (version !== formatVersion) {
      throw new Error(`it has content version ${String(version)}, and this program knows ${formatVersion}`);
    }
    this.#logTimeMs = natural(logTimeMs);
    this.#sessionsLeft = natural(sessions);
  }

  #addSession([id, timeoutMs, activeMs, acknowledged, stretches]: Tuple): void {
    this.#sessionsLeft = (this.#sessionsLeft ?? 0) - 1;
    this.#stretchesLeft = natural(stretches);
    this.#read.push({
      id: natural(id),
      timeoutMs: natural(timeoutMs),
      activeMs: natural(activeMs),
      acknowledged: natural(acknowledged),
      stretches: [],
      kept: 0,
      bytes: 0,
    });
  }

  #addStretch([sequence, count, index, term, results]: Tuple): void {
    this.#stretchesLeft--;
    const session = this.#read.at(-1) as ClientSession;
    const stretch: Stretch = {
      sequence: natural(sequence),
      count: natural(count),
      index: natural(index),
      term: natural(term),
      results: results === false ? null : resultsIn(results, natural(count)),
    };
    session.stretches.push(stretch);
    session.kept += stretch.count;
    session.bytes += stretch.results?.length ?? 0;
  }
}

function natural(value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw new Error('a record holds no number where one belongs');
}

/** The results in memory of their own. */
function resultsIn(value: unknown, count: number): Uint8Array {
  if (!(value instanceof Uint8Array) || longestCommand(value, count) === null) {
    throw new Error('a record holds no results where they belong');
  }
  return value.slice();
}
