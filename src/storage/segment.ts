import { InvalidOptionError } from '../ground/errors.js';
import { shown } from '../ground/option-checks.js';
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
import { sectorBytes } from './sectors.js';
import { recordsEnd, segmentOverheadBytes } from './successor-mark.js';
import { writeZeros } from './zeros.js';

export const segmentBytesDefault = 16 * 1024 * 1024;
export const segmentBytesMin = 4096;
export const segmentBytesMax = 1024 * 1024 * 1024;
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
}

/** The log in a directory, or null if there is none. What cannot be looked at may hold one. */
export function findLog(fileSystem: FileSystem, directory: string): FoundLog | null {
  try {
    const first = fileSystem.list(directory).find((name) => segmentNumber(name) !== null);
    if (first === undefined) return null;
    const file = fileSystem.open(`${directory}/${first}`, 'existing');
    try {
      return { identity: identityIn(Buffer.from(file.read(0, segmentHeaderBytes))) };
    } finally {
      file.close();
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    return code === 'ENOENT' || code === 'ENOTDIR' ? null : { identity: null };
  }
}

/** The length of a segment that must hold a record of `recordBytes`. */
export function segmentLength(segmentBytes: number, recordBytes: number): number {
  const needed = segmentOverheadBytes + recordBytes;
  return Math.max(segmentBytes, Math.ceil(needed / sectorBytes) * sectorBytes);
}

/** Where a segment's file is made before it has its name. */
export function unfinishedPath(directory: string, segment: number): string {
  return `${directory}/${segmentName(segment)}.new`;
}

/**
 * Makes a segment, durable when this returns. It is filled and synced under another name first: a file with a
 * segment's name is always whole, so a crash here leaves at most an unfinished file, which recovery removes.
 *
 *     create .new ─ zeros ─┬─ header ─ sync ─ rename ─ sync directory ─ records
 *     prepared, synced  ───┘
 *
 * @param prepared the `.new` file, durably zeros and as long as the header says; null makes it here.
 */
export function createSegment(
  fileSystem: FileSystem,
  directory: string,
  identity: Identity,
  header: SegmentHeader,
  prepared: FileHandle | null,
): OpenSegment {
  const path = `${directory}/${segmentName(header.segment)}`;
  const unfinished = unfinishedPath(directory, header.segment);
  const bytes = encodeSegmentHeader(identity, header);
  const fresh = prepared ?? fileSystem.open(unfinished, 'create');
  try {
    if (prepared === null) writeZeros(fresh, segmentHeaderBytes, header.segmentBytes);
    fresh.write(0, bytes);
    fresh.sync();
  } finally {
    fresh.close();
  }
  fileSystem.rename(unfinished, path);
  fileSystem.syncDirectory(directory);
  return {
    file: fileSystem.open(path, 'existing'),
    path,
    number: header.segment,
    formatVersion,
    recordsEnd: recordsEnd(header.segmentBytes, formatVersion),
    seed: checksumOfHeader(bytes),
  };
}
