import { crc32 } from 'node:zlib';
import { InvalidOptionError } from '../ground/errors.js';
import type { LogIndex, NodeId } from '../raft/entry.js';
import { checkValueBytes, type SealMark } from '../wire/log-seal.js';
import { UnknownFormatError, WalDamagedError, WrongClusterError, WrongNodeError } from './errors.js';

/*
 * A segment opens with a header of one sector, little-endian:
 *
 *      0  8 bytes  magic "CONCLAVE"
 *      8  u32      format version
 *     12  u32      crc of the last record before this segment, 0 in the first
 *     16  u48      node id
 *     22  u48      segment number, from 1 on
 *     28  u48      index of the first entry that may follow
 *     34  u48      sequence number of the first record
 *     40  u48      length of the segment in bytes
 *     46  u16      length of the cluster id
 *     48           cluster id in UTF-8, then zeros
 *    304  u8       cipher: 0 not said, 1 none, 2 pseudo, 3 aes-256-gcm; 0 in format 1
 *    305  16 bytes check value of its key, zeros where it has none
 *    508  u32      crc32 of all before it
 *
 * Magic, version, length and place of the checksum stay the same in every format to come, so that an unknown
 * version is told from a damaged byte.
 */

export const segmentHeaderBytes = 512;
/**
 * The format that is written. Those of format 1 have entries that lie otherwise (`format-1.ts`), and neither they nor
 * those of format 2 begin with a preamble (`payload.ts`).
 */
export const formatVersion = 3;
/** The longest cluster id, in bytes of UTF-8. */
export const clusterIdBytesMax = 256;
const magic = Buffer.from('CONCLAVE', 'latin1');
const cipherAt = 304;
const cipherKinds = ['none', 'pseudo', 'aes-256-gcm'] as const;
const checksumAt = segmentHeaderBytes - 4;

/** Whose log it is. */
export interface Identity {
  readonly clusterId: string;
  readonly nodeId: NodeId;
}

/** Where a segment stands in the log. */
export interface SegmentHeader {
  readonly segment: number;
  readonly firstIndex: LogIndex;
  readonly firstSequence: number;
  readonly previousCrc: number;
  readonly segmentBytes: number;
  /** What its entries are sealed with, where that is said. */
  readonly seal: SealMark | null;
}

export interface FoundSegmentHeader extends SegmentHeader {
  readonly formatVersion: number;
}

function isKnownFormat(version: number): boolean {
  return version >= 1 && version <= formatVersion;
}

/** Whose log the segment that begins so belongs to; null if that cannot be read. */
export function identityIn(bytes: Buffer): Identity | null {
  const isHeader =
    bytes.length >= segmentHeaderBytes &&
    bytes.subarray(0, magic.length).equals(magic) &&
    crc32(bytes.subarray(0, checksumAt)) === bytes.readUInt32LE(checksumAt) &&
    isKnownFormat(bytes.readUInt32LE(8));
  return isHeader ? { clusterId: clusterIdIn(bytes), nodeId: nodeIdIn(bytes) } : null;
}

function clusterIdIn(bytes: Buffer): string {
  return bytes.toString('utf8', 48, 48 + bytes.readUInt16LE(46));
}

function nodeIdIn(bytes: Buffer): NodeId {
  return bytes.readUIntLE(16, 6);
}

/** @throws InvalidOptionError when the names do not fit the header. */
export function checkIdentity(identity: Identity): void {
  const bytes = Buffer.byteLength(identity.clusterId);
  if (bytes < 1 || bytes > clusterIdBytesMax) {
    throw new InvalidOptionError(`A cluster id has 1 to ${clusterIdBytesMax} bytes; this one has ${bytes}.`);
  }
  if (!Number.isInteger(identity.nodeId) || identity.nodeId < 0 || identity.nodeId >= 2 ** 48) {
    throw new InvalidOptionError(`A node id is an integer of 48 bits; ${identity.nodeId} is not.`);
  }
}

export function encodeSegmentHeader(identity: Identity, header: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(segmentHeaderBytes);
  magic.copy(bytes);
  bytes.writeUInt32LE(formatVersion, 8);
  bytes.writeUInt32LE(header.previousCrc, 12);
  bytes.writeUIntLE(identity.nodeId, 16, 6);
  bytes.writeUIntLE(header.segment, 22, 6);
  bytes.writeUIntLE(header.firstIndex, 28, 6);
  bytes.writeUIntLE(header.firstSequence, 34, 6);
  bytes.writeUIntLE(header.segmentBytes, 40, 6);
  const length = bytes.write(identity.clusterId, 48, clusterIdBytesMax, 'utf8');
  bytes.writeUInt16LE(length, 46);
  writeSealMark(bytes, cipherAt, header.seal);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, checksumAt)), checksumAt);
  return bytes;
}

/** The header's own checksum: it seeds the checksums of the segment's records, so that no other segment's pass. */
export function checksumOfHeader(header: Buffer): number {
  return header.readUInt32LE(checksumAt);
}

/**
 * Reads the header at the start of `bytes`.
 * @throws WalDamagedError, UnknownFormatError, WrongClusterError, WrongNodeError
 */
export function decodeSegmentHeader(file: string, bytes: Buffer, identity: Identity): FoundSegmentHeader {
  if (bytes.length < segmentHeaderBytes) throw new WalDamagedError(file, 0, 'its header is cut off');
  if (!bytes.subarray(0, magic.length).equals(magic)) {
    throw new WalDamagedError(file, 0, 'it does not begin as a segment of a log does');
  }
  if (crc32(bytes.subarray(0, checksumAt)) !== bytes.readUInt32LE(checksumAt)) {
    throw new WalDamagedError(file, 0, 'its header does not match its checksum');
  }
  const version = bytes.readUInt32LE(8);
  if (!isKnownFormat(version)) throw new UnknownFormatError(file, version, formatVersion);
  const clusterId = clusterIdIn(bytes);
  if (clusterId !== identity.clusterId) throw new WrongClusterError(file, clusterId, identity.clusterId);
  const nodeId = nodeIdIn(bytes);
  if (nodeId !== identity.nodeId) throw new WrongNodeError(file, nodeId, identity.nodeId);
  return {
    formatVersion: version,
    segment: bytes.readUIntLE(22, 6),
    firstIndex: bytes.readUIntLE(28, 6),
    firstSequence: bytes.readUIntLE(34, 6),
    previousCrc: bytes.readUInt32LE(12),
    segmentBytes: bytes.readUIntLE(40, 6),
    seal: sealIn(file, bytes),
  };
}

function sealIn(file: string, bytes: Buffer): SealMark | null {
  const seal = readSealMark(bytes, cipherAt);
  if (seal === undefined) throw new WalDamagedError(file, cipherAt, 'it names a cipher that there is not');
  return seal;
}

/** Bytes of a seal's mark: the cipher, and the check value of its key. */
export const sealMarkBytes = 1 + checkValueBytes;

export function writeSealMark(target: Buffer, at: number, seal: SealMark | null): void {
  if (seal === null) return;
  target.writeUInt8(cipherKinds.indexOf(seal.kind) + 1, at);
  target.set(seal.checkValue, at + 1);
}

/** Null where nothing is said; undefined where a cipher is named that there is not. */
export function readSealMark(bytes: Buffer, at: number): SealMark | null | undefined {
  const code = bytes.readUInt8(at);
  if (code === 0) return null;
  const kind = cipherKinds[code - 1];
  if (kind === undefined) return undefined;
  return { kind, checkValue: Uint8Array.from(bytes.subarray(at + 1, at + sealMarkBytes)) };
}
