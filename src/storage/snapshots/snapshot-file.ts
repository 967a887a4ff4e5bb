import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { SnapshotMark } from '../../raft/snapshot.js';
import type { Cipher } from '../../wire/cipher.js';
import { decodeConfiguration, encodeConfiguration } from '../../wire/configuration.js';
import type { SealMark } from '../../wire/log-seal.js';
import { UnknownFormatError } from '../errors.js';
import { type FileHandle, readBuffer } from '../file-system.js';
import { clusterIdBytesMax, type Identity, readSealMark, writeSealMark } from '../header.js';
import { chunkBytesMax, type StoredSnapshot } from '../storage.js';

/*
 * A snapshot is a file of its own, little-endian:
 *
 *     header   0  8 bytes  magic "CONCSNAP"
 *              8  u32      format version
 *             12  u32      length of the header
 *             16  u48      node id
 *             22  u48      index of the last entry in it
 *             28  u48      that entry's term
 *             34  u48      index of the configuration's entry
 *             40  17 bytes what it is sealed with, as a segment says it
 *             57  u8       0
 *             58  u16      length of the cluster id
 *             60  u32      length of the configuration
 *             64           cluster id in UTF-8 · the configuration as its entries have it
 *                 u32      crc32 of all before it
 *     chunks  u32 length of the sealed bytes · u32 crc32 · the sealed bytes
 *     footer  the seal of nothing · u48 bytes of content · u32 chunks · u32 crc32 · u32 0xffffffff
 *
 * The crc32 of a chunk and of the footer is seeded with that of the header and with the chunk's number, so that none
 * passes at another's place; a cipher with a key binds the same into its seals. The footer says that the snapshot is
 * whole, and how long: a file with its final name has one, for it is synced before it has that name.
 */

const snapshotFormatVersion = 1;
const magic = Buffer.from('CONCSNAP', 'latin1');
const fixedHeaderBytes = 64;
/** More than any cluster's members take up. */
const headerBytesMax = 1024 * 1024;
const sealAt = 40;
const chunkHeaderBytes = 8;
const footerBytes = 18;
const footerMark = 0xffff_ffff;

/** A snapshot's file as its header and its footer describe it. */
export interface SnapshotFile extends StoredSnapshot {
  readonly identity: Identity;
  readonly seal: SealMark | null;
  readonly headerBytes: number;
  readonly chunks: number;
  /** Where the footer begins. */
  readonly chunksEnd: number;
  readonly context: ChunkContext;
}

/** What ties chunks to their file. */
export interface ChunkContext {
  readonly crc: number;
  /** Of the header. */
  readonly hash: Uint8Array;
}

/** A place between two chunks. */
export interface ChunkPlace {
  /** In the file. */
  readonly offset: number;
  /** In the content. */
  readonly position: number;
  /** Of the chunk that begins here, from 0 on. */
  readonly number: number;
}

export function encodeSnapshotHeader(identity: Identity, mark: SnapshotMark, seal: SealMark | null): Buffer {
  const configuration = encodeConfiguration(mark.configuration);
  const clusterId = Buffer.from(identity.clusterId, 'utf8');
  const length = fixedHeaderBytes + clusterId.length + configuration.length + 4;
  const bytes = Buffer.alloc(length);
  magic.copy(bytes);
  bytes.writeUInt32LE(snapshotFormatVersion, 8);
  bytes.writeUInt32LE(length, 12);
  bytes.writeUIntLE(identity.nodeId, 16, 6);
  bytes.writeUIntLE(mark.index, 22, 6);
  bytes.writeUIntLE(mark.term, 28, 6);
  bytes.writeUIntLE(mark.configurationIndex, 34, 6);
  writeSealMark(bytes, sealAt, seal);
  bytes.writeUInt16LE(clusterId.length, 58);
  bytes.writeUInt32LE(configuration.length, 60);
  clusterId.copy(bytes, fixedHeaderBytes);
  bytes.set(configuration, fixedHeaderBytes + clusterId.length);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, length - 4)), length - 4);
  return bytes;
}

export function contextOf(header: Buffer): ChunkContext {
  return {
    crc: header.readUInt32LE(header.length - 4),
    hash: createHash('sha256').update(header).digest(),
  };
}

/** What a seal vouches for besides the chunk: its file, and its place there. */
function associatedWith(
  { hash }: ChunkContext,
  number: number,
  rest: Uint8Array = new Uint8Array(0),
): Buffer {
  const place = Buffer.alloc(4);
  place.writeUInt32LE(number);
  return Buffer.concat([hash, place, rest]);
}

function crcOf({ crc }: ChunkContext, number: number, ...parts: readonly Uint8Array[]): number {
  const seed = Buffer.alloc(4);
  seed.writeUInt32LE(number);
  return parts.reduce((sum: number, part) => crc32(part, sum), crc32(seed, crc));
}

export function encodeChunk(
  chunk: Uint8Array,
  number: number,
  context: ChunkContext,
  cipher: Cipher | null,
): Buffer {
  const sealedBytes = chunk.length + (cipher?.overheadBytes ?? 0);
  const bytes = Buffer.allocUnsafeSlow(chunkHeaderBytes + sealedBytes);
  const at = chunkHeaderBytes;
  if (cipher === null) bytes.set(chunk, at);
  else cipher.encryptInto(chunk, 0, chunk.length, bytes, at, associatedWith(context, number));
  bytes.writeUInt32LE(sealedBytes, 0);
  bytes.writeUInt32LE(crcOf(context, number, bytes.subarray(0, 4), bytes.subarray(at)), 4);
  return bytes;
}

export function encodeFooter(
  content: number,
  chunks: number,
  context: ChunkContext,
  cipher: Cipher | null,
): Buffer {
  const sealBytes = cipher?.overheadBytes ?? 0;
  const bytes = Buffer.alloc(sealBytes + footerBytes);
  bytes.writeUIntLE(content, sealBytes, 6);
  bytes.writeUInt32LE(chunks, sealBytes + 6);
  const said = bytes.subarray(sealBytes, sealBytes + 10);
  cipher?.encryptInto(new Uint8Array(0), 0, 0, bytes, 0, associatedWith(context, footerMark, said));
  bytes.writeUInt32LE(crcOf(context, footerMark, bytes.subarray(0, sealBytes + 10)), sealBytes + 10);
  bytes.writeUInt32LE(footerMark, sealBytes + 14);
  return bytes;
}

/**
 * What header and footer say, or in words why they cannot be believed. Whether the chunks are whole is seen when they
 * are read.
 * @param cipher opens seals; null takes them as they are.
 * @throws UnknownFormatError
 */
export function decodeSnapshotFile(
  path: string,
  file: FileHandle,
  cipher: Cipher | null,
): SnapshotFile | string {
  const size = file.size();
  const header = readHeader(path, file, size);
  if (typeof header === 'string') return header;
  const { mark, identity, seal, bytes: headerBytes } = header;
  const context = contextOf(headerBytes);
  const overhead = seal === null ? 0 : sealOverheads[seal.kind];
  const footerAt = size - footerBytes - overhead;
  if (footerAt < headerBytes.length) return 'its end is missing';
  const footer = readBuffer(file, footerAt, footerBytes + overhead);
  const said = footer.subarray(overhead, overhead + 10);
  const crc = crcOf(context, footerMark, footer.subarray(0, overhead + 10));
  if (footer.readUInt32LE(overhead + 14) !== footerMark || footer.readUInt32LE(overhead + 10) !== crc) {
    return 'its end does not match its checksum';
  }
  if (cipher !== null && overhead > 0) {
    const associated = associatedWith(context, footerMark, said);
    if (cipher.decryptInto(footer, 0, overhead, new Uint8Array(overhead), 0, associated) !== 0)
      return altered;
  }
  return {
    mark,
    identity,
    seal,
    bytes: said.readUIntLE(0, 6),
    headerBytes: headerBytes.length,
    chunks: said.readUInt32LE(6),
    chunksEnd: footerAt,
    context,
  };
}

const altered = 'its seal does not open: it was altered by somebody without the key';
/** What each cipher adds to what it seals. */
const sealOverheads: Record<SealMark['kind'], number> = { none: 0, pseudo: 2, 'aes-256-gcm': 32 };

interface Header {
  readonly mark: SnapshotMark;
  readonly identity: Identity;
  readonly seal: SealMark | null;
  readonly bytes: Buffer;
}

function readHeader(path: string, file: FileHandle, size: number): Header | string {
  const start = readBuffer(file, 0, fixedHeaderBytes);
  if (start.length < fixedHeaderBytes || !start.subarray(0, magic.length).equals(magic)) {
    return 'it does not begin as a snapshot does';
  }
  const length = start.readUInt32LE(12);
  if (length < fixedHeaderBytes + 4 || length > Math.min(size, headerBytesMax))
    return 'its header is cut off';
  const bytes = readBuffer(file, 0, length);
  if (crc32(bytes.subarray(0, length - 4)) !== bytes.readUInt32LE(length - 4)) {
    return 'its header does not match its checksum';
  }
  const version = bytes.readUInt32LE(8);
  if (version !== snapshotFormatVersion) throw new UnknownFormatError(path, version, snapshotFormatVersion);
  const clusterIdEnd = fixedHeaderBytes + bytes.readUInt16LE(58);
  const configurationEnd = clusterIdEnd + bytes.readUInt32LE(60);
  const seal = readSealMark(bytes, sealAt);
  const isSound = clusterIdEnd - fixedHeaderBytes <= clusterIdBytesMax && configurationEnd === length - 4;
  const configuration = isSound ? decodeConfiguration(bytes.subarray(clusterIdEnd, configurationEnd)) : null;
  if (configuration === null || seal === undefined) return 'its header checks and makes no sense';
  return {
    mark: {
      index: bytes.readUIntLE(22, 6),
      term: bytes.readUIntLE(28, 6),
      configuration,
      configurationIndex: bytes.readUIntLE(34, 6),
    },
    identity: {
      clusterId: bytes.toString('utf8', fixedHeaderBytes, clusterIdEnd),
      nodeId: bytes.readUIntLE(16, 6),
    },
    seal,
    bytes,
  };
}

/** How long the chunk at a place is, or in words why that cannot be. */
export function chunkBytesAt(
  file: FileHandle,
  { chunksEnd, seal }: SnapshotFile,
  place: ChunkPlace,
): number | string {
  const overhead = seal === null ? 0 : sealOverheads[seal.kind];
  const header = readBuffer(file, place.offset, chunkHeaderBytes);
  const sealedBytes = header.length < chunkHeaderBytes ? 0 : header.readUInt32LE(0);
  const end = place.offset + chunkHeaderBytes + sealedBytes;
  if (sealedBytes <= overhead || sealedBytes > chunkBytesMax + overhead || end > chunksEnd) {
    return `chunk ${place.number} has no length that it could have`;
  }
  return sealedBytes - overhead;
}

/** The place after the chunk there. */
export function placeAfter({ seal }: SnapshotFile, place: ChunkPlace, chunkBytes: number): ChunkPlace {
  const overhead = seal === null ? 0 : sealOverheads[seal.kind];
  return {
    offset: place.offset + chunkHeaderBytes + chunkBytes + overhead,
    position: place.position + chunkBytes,
    number: place.number + 1,
  };
}

/** The chunk at a place, opened; or in words what is wrong with it. @param cipher null leaves it sealed. */
export function readChunk(
  file: FileHandle,
  snapshot: SnapshotFile,
  place: ChunkPlace,
  cipher: Cipher | null,
): Uint8Array | string {
  const { context, seal } = snapshot;
  const length = chunkBytesAt(file, snapshot, place);
  if (typeof length === 'string') return length;
  const overhead = seal === null ? 0 : sealOverheads[seal.kind];
  const bytes = readBuffer(file, place.offset, chunkHeaderBytes + length + overhead);
  const sealed = bytes.subarray(chunkHeaderBytes);
  if (bytes.readUInt32LE(4) !== crcOf(context, place.number, bytes.subarray(0, 4), sealed)) {
    return `chunk ${place.number} does not match its checksum`;
  }
  if (cipher === null || seal === null) return sealed;
  const chunk = new Uint8Array(sealed.length);
  const associated = associatedWith(context, place.number);
  const opened = cipher.decryptInto(sealed, 0, sealed.length, chunk, 0, associated);
  return opened === length ? chunk.subarray(0, length) : `of chunk ${place.number} ${altered}`;
}
