import type { HardState } from '../raft/entry.js';
import { RunSequence } from '../raft/run-sequence.js';
import { cutSealedRun, type SealedRun } from '../wire/packed-runs.js';
import { WalDamagedError } from './errors.js';
import type { FileSystem } from './file-system.js';
import { checksumOfHeader, decodeSegmentHeader, type Identity, segmentHeaderBytes } from './header.js';
import { decodePayload, decodeRecordHeader, follows, isWhole } from './record.js';
import { contentEnd } from './sectors.js';
import { isUnfinished, segmentName, segmentNumber } from './segment.js';
import { damageAt } from './torn-tail.js';

/** Where the log goes on. */
export interface Tail {
  readonly path: string;
  readonly number: number;
  readonly formatVersion: number;
  readonly seed: number;
  readonly segmentBytes: number;
  /** What the file has; less than `segmentBytes` when it was cut. */
  readonly fileBytes: number;
  /** Where the next record goes. */
  readonly position: number;
  /** Where a torn record there ends; equal to `position` when there is none. */
  readonly tornEnd: number;
  /** The last good record in the segment, empty when there is none. */
  readonly lastRecord: Buffer;
}

/** What a directory holds. */
export interface Replay {
  readonly hardState: HardState;
  readonly runs: RunSequence<SealedRun>;
  /** Of the next record. */
  readonly sequence: number;
  readonly previousCrc: number;
  /** Null when there is no segment yet. */
  readonly tail: Tail | null;
  /** Names of files that a crash left behind. */
  readonly unfinished: readonly string[];
}

/**
 * Reads a log from its first record to its last and changes nothing. Entries at or before the last index replace
 * the suffix, as they did when they were written.
 * @throws WalDamagedError, UnknownFormatError, WrongClusterError, WrongNodeError
 */
export function replay(fileSystem: FileSystem, directory: string, identity: Identity): Replay {
  const names = fileSystem.list(directory);
  const numbers = names.map(segmentNumber).filter((number) => number !== null);
  const reader = new Reader();
  let tail: Tail | null = null;
  for (const [order, number] of numbers.entries()) {
    const path = `${directory}/${segmentName(number)}`;
    if (number !== order + 1) {
      throw new WalDamagedError(path, 0, `segment ${order + 1}, which comes before it, is missing`);
    }
    const bytes = readFile(fileSystem, path);
    tail = reader.segment(path, bytes, number, identity, number === numbers.length);
  }
  return {
    hardState: reader.hardState,
    runs: reader.runs,
    sequence: reader.sequence,
    previousCrc: reader.previousCrc,
    tail,
    unfinished: names.filter(isUnfinished),
  };
}

class Reader {
  hardState: HardState = { term: 0, votedFor: null };
  readonly runs = new RunSequence<SealedRun>(cutSealedRun);
  sequence = 1;
  previousCrc = 0;

  segment(path: string, bytes: Buffer, number: number, identity: Identity, isLast: boolean): Tail {
    const { segmentBytes, formatVersion, ...header } = decodeSegmentHeader(path, bytes, identity);
    if (header.segment !== number) throw new WalDamagedError(path, 0, `it is segment ${header.segment}`);
    // A segment is made only after all before it are durable, so nothing may be missing in between.
    if (header.firstSequence !== this.sequence || header.previousCrc !== this.previousCrc) {
      throw new WalDamagedError(
        path,
        0,
        `it begins with record ${header.firstSequence}, and the segments before it end with record ${this.sequence - 1}`,
      );
    }
    const seed = checksumOfHeader(bytes);
    const { position, lastPosition } = this.#records(path, bytes, seed, formatVersion);
    const tornEnd = contentEnd(bytes, position);
    if (tornEnd > position) {
      const damage = isLast
        ? damageAt(bytes, position, this, seed)
        : 'a record of a finished segment does not check';
      if (damage !== null) throw new WalDamagedError(path, position, damage);
    }
    const lastRecord = bytes.subarray(lastPosition, position);
    return {
      path,
      number,
      formatVersion,
      seed,
      segmentBytes,
      fileBytes: bytes.length,
      position,
      tornEnd,
      lastRecord,
    };
  }

  /** Takes all good records and returns where the last one begins and ends. */
  #records(
    path: string,
    bytes: Buffer,
    seed: number,
    formatVersion: number,
  ): { position: number; lastPosition: number } {
    let position = segmentHeaderBytes;
    let lastPosition = position;
    for (;;) {
      const header = decodeRecordHeader(bytes, position, seed);
      if (header === null || !follows(header, this) || !isWhole(bytes, position, header)) break;
      const payload = decodePayload(bytes, position, header, formatVersion);
      if (payload === null) throw new WalDamagedError(path, position, 'its record checks and makes no sense');
      const { firstIndex = 1 } = payload.runs[0] ?? {};
      const { lastIndex } = this.runs;
      if (firstIndex < 1 || firstIndex > lastIndex + 1) {
        throw new WalDamagedError(path, position, `entry ${firstIndex} follows entry ${lastIndex}`);
      }
      this.runs.replaceWith(payload.runs);
      if (payload.hardState !== null) this.hardState = payload.hardState;
      this.sequence++;
      this.previousCrc = header.crc;
      lastPosition = position;
      position += header.recordBytes;
    }
    return { position, lastPosition };
  }
}

function readFile(fileSystem: FileSystem, path: string): Buffer {
  const file = fileSystem.open(path, 'existing');
  try {
    const bytes = file.read(0, file.size());
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  } finally {
    file.close();
  }
}
