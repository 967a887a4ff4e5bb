import { InvalidOptionError } from '../ground/errors.js';
import { shown } from '../ground/option-checks.js';
import type { ConfigurationData } from '../raft/configuration.js';
import type { FileHandle, FileSystem } from './file-system.js';
import {
  checksumOfHeader,
  encodeSegmentHeader,
  formatVersion,
  type Identity,
  identityIn,
  type SegmentHeader,
  segmentHeaderBytes,
} from './header.js';
import { decodeBirth, decodePreamble } from './payload.js';
import {
  decodeRecordHeader,
  encodeRecord,
  isWhole,
  payloadOf,
  recordHeaderBytes,
  recordSize,
} from './record.js';
import { sectorBytes } from './sectors.js';
import { recordsEnd, segmentOverheadBytes } from './successor-mark.js';
import { writeZeros } from './zeros.js';

export const segmentBytesDefault = 16 * 1024 * 1024;
export const segmentBytesMin = 4096;
export const segmentBytesMax = 1024 * 1024 * 1024;
/** More than the members of any cluster take up. */
const preambleBytesMax = 1024 * 1024;
const digits = 16;
const finished = /^\d{16}\.wal$/;
const unfinished = /^\d{16}\.wal\.new$/;

/** The segment that records are added to. */
export interface OpenSegment {
  readonly file: FileHandle;
  readonly path: string;
  readonly number: number;
  readonly formatVersion: number;
  /** Where the place for records ends. */
  readonly recordsEnd: number;
  /** Seeds the checksums of its records. */
  readonly seed: number;
}

/** @throws InvalidOptionError */
export function checkSegmentBytes(segmentBytes: number): void {
  if (
    !Number.isInteger(segmentBytes) ||
    segmentBytes < segmentBytesMin ||
    segmentBytes > segmentBytesMax ||
    segmentBytes % sectorBytes !== 0
  ) {
    throw new InvalidOptionError(
      `segmentBytes is ${shown(segmentBytes)}; it must be a multiple of ${sectorBytes} from ${segmentBytesMin} to ${segmentBytesMax}.`,
    );
  }
}

export function segmentName(segment: number): string {
  return `${String(segment).padStart(digits, '0')}.wal`;
}

/** A segment's number by its file name, or null when the name is not a segment's. */
export function segmentNumber(name: string): number | null {
  return finished.test(name) ? Number(name.slice(0, digits)) : null;
}

/** The number of the segment that this file was to become, when a crash left it unfinished; null when the name is another. */
export function unfinishedNumber(name: string): number | null {
  return unfinished.test(name) ? Number(name.slice(0, digits)) : null;
}

/** A log as it is seen from outside, by those who have no need to open it. */
export interface FoundLog {
  /** Whose it is; null if that cannot be read. */
  readonly identity: Identity | null;
  /** The members that its cluster was made with; null if it does not say, or that cannot be read. */
  readonly birth: ConfigurationData | null;
}

/** The log in a directory, or null if there is none. What cannot be looked at may hold one. */
export function findLog(fileSystem: FileSystem, directory: string): FoundLog | null {
  try {
    const names = fileSystem.list(directory).filter((name) => segmentNumber(name) !== null);
    if (names.length === 0) return null;
    let identity: Identity | null = null;
    for (const name of names) {
      const head = headOf(fileSystem, `${directory}/${name}`);
      identity ??= identityIn(head);
      // Segments of earlier formats do not say; one of the present may come after them.
      const birth = birthIn(head);
      if (birth !== null) return { identity, birth };
    }
    return { identity, birth: null };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    return code === 'ENOENT' || code === 'ENOTDIR' ? null : { identity: null, birth: null };
  }
}

/** A segment through its first record, if it has a whole one. */
function headOf(fileSystem: FileSystem, path: string): Buffer {
  const file = fileSystem.open(path, 'existing');
  try {
    const start = Buffer.from(file.read(0, segmentHeaderBytes + recordHeaderBytes));
    if (start.length < segmentHeaderBytes + recordHeaderBytes) return start;
    const record = decodeRecordHeader(start, segmentHeaderBytes, checksumOfHeader(start));
    if (record === null || record.payloadBytes > preambleBytesMax) return start;
    return Buffer.from(file.read(0, segmentHeaderBytes + record.recordBytes));
  } finally {
    file.close();
  }
}

function birthIn(head: Buffer): ConfigurationData | null {
  if (identityIn(head) === null || head.readUInt32LE(8) < formatVersion) return null;
  const record = decodeRecordHeader(head, segmentHeaderBytes, checksumOfHeader(head));
  if (record === null || !isWhole(head, segmentHeaderBytes, record)) return null;
  const preamble = decodePreamble(payloadOf(head, segmentHeaderBytes, record));
  return preamble === null ? null : (decodeBirth(preamble.birth) ?? null);
}

/** The length of a segment that must hold records of so many bytes, its preamble among them. */
export function segmentLength(segmentBytes: number, recordBytes: number): number {
  const needed = segmentOverheadBytes + recordBytes;
  return Math.max(segmentBytes, Math.ceil(needed / sectorBytes) * sectorBytes);
}

/** Where a segment's file is made before it has its name. */
export function unfinishedPath(directory: string, segment: number): string {
  return `${directory}/${segmentName(segment)}.new`;
}

/** A segment that was made: where it goes on, and what ties the next record to its preamble. */
export interface MadeSegment {
  readonly segment: OpenSegment;
  readonly position: number;
  readonly preambleCrc: number;
}

/** How long the preamble of a segment is, and how it is laid out once the segment's header is. */
export interface PreambleLayout {
  readonly payloadBytes: number;
  layOut(target: Buffer, at: number, header: Uint8Array): number;
}

/**
 * Makes a segment, durable when this returns. It is filled and synced under another name first: a file with a
 * segment's name is always whole and has its preamble, so a crash here leaves at most an unfinished file, which recovery
 * removes.
 *
 *     create .new ─ zeros ─┬─ header, preamble ─ sync ─ rename ─ sync directory ─ records
 *     prepared, synced  ───┘
 *
 * @param prepared the `.new` file, durably zeros and as long as the header says; null makes it here.
 */
export function createSegment(
  fileSystem: FileSystem,
  directory: string,
  identity: Identity,
  header: SegmentHeader,
  preamble: PreambleLayout,
  prepared: FileHandle | null,
): MadeSegment {
  const path = `${directory}/${segmentName(header.segment)}`;
  const unfinished = unfinishedPath(directory, header.segment);
  const position = segmentHeaderBytes + recordSize(preamble.payloadBytes);
  const bytes = Buffer.alloc(position);
  const headerBytes = encodeSegmentHeader(identity, header);
  headerBytes.copy(bytes);
  const seed = checksumOfHeader(bytes);
  const preambleCrc = encodeRecord(
    bytes.subarray(segmentHeaderBytes),
    (target, at) => preamble.layOut(target, at, headerBytes),
    segmentHeaderBytes,
    { sequence: header.firstSequence, previousCrc: header.previousCrc },
    seed,
  );
  const fresh = prepared ?? fileSystem.open(unfinished, 'create');
  try {
    if (prepared === null) writeZeros(fresh, position, header.segmentBytes);
    fresh.write(0, bytes);
    fresh.sync();
  } finally {
    fresh.close();
  }
  fileSystem.rename(unfinished, path);
  fileSystem.syncDirectory(directory);
  const segment = {
    file: fileSystem.open(path, 'existing'),
    path,
    number: header.segment,
    formatVersion,
    recordsEnd: recordsEnd(header.segmentBytes, formatVersion),
    seed,
  };
  return { segment, position, preambleCrc };
}
