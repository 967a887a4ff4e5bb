import { crc32 } from 'node:zlib';
import { expect } from 'chai';
import { Random } from '../../src/ground/random.js';
import { segmentHeaderBytes } from '../../src/storage/header.js';
import { type RecordHeader, recordHeaderBytes, recordSize } from '../../src/storage/record.js';
import type { Storage } from '../../src/storage/storage.js';
import { WriteAheadLog } from '../../src/storage/write-ahead-log.js';
import type { CipherOptions } from '../../src/wire/cipher.js';
import { createCiphers } from '../../src/wire/create-cipher.js';
import { logSealOf } from '../../src/wire/log-seal.js';
import { RunSeals } from '../../src/wire/run-seals.js';
import { batchOf, put } from './entries.js';
import { MemoryDisk } from './memory-disk.js';
import { birth, chunksOf, markOf, take } from './snapshots.js';

/*
 * Somebody who can write to the disk and has not the key: they know the format, and make every checksum right. The bug
 * this would catch: a record that says another vote or term than the node gave is believed, and two leaders are elected
 * in one term.
 */

const key = new Uint8Array(32).fill(7);
const cipher: CipherOptions = { kind: 'aes-256-gcm', key };
const last = 'd/0000000000000002.wal';
const seal = sealOf(cipher);

function sealOf(options: CipherOptions) {
  return logSealOf(options, createCiphers(options, new Random(1)).entries);
}

function logOn(disk: MemoryDisk): WriteAheadLog {
  return new WriteAheadLog({
    fileSystem: disk,
    directory: 'd',
    clusterId: 'c',
    nodeId: 0,
    segmentBytes: 4096,
    lock: null,
  });
}

function fill(storage: Storage, scale = 12): void {
  const { entries } = createCiphers(cipher, new Random(1));
  const sealed = (index: number, term: number) =>
    new RunSeals(entries).sealed({
      firstIndex: index,
      count: 1,
      term,
      leaderId: 0,
      kind: 'noop',
      body: new Uint8Array([0, 0, 0, 0]),
    });
  storage.recover(sealOf(cipher), birth);
  put(storage, batchOf({ term: 1, votedFor: 0 }));
  for (let index = 1; index <= 12; index++)
    put(storage, batchOf(null, sealed(index, 1), sealed(index + 1, 1)));
  put(storage, batchOf({ term: 2, votedFor: null }), batchOf({ term: 2, votedFor: 1 }));
  for (let index = scale + 2; index <= 2.5 * scale; index++) put(storage, batchOf(null, sealed(index, 2)));
  put(storage, batchOf({ term: 3, votedFor: 2 }));
  if (scale > 1) take(storage, markOf(13), 'first', 'second', 'third');
  storage.close();
}

/** Where each record of a segment begins, and its payload's length. */
function recordsOf(bytes: Buffer): { at: number; payloadBytes: number }[] {
  const records: { at: number; payloadBytes: number }[] = [];
  for (let at = segmentHeaderBytes; bytes[at + recordHeaderBytes - 1] === 0x9d; ) {
    const payloadBytes = bytes.readUInt32LE(at + 8);
    records.push({ at, payloadBytes });
    at += recordSize(payloadBytes);
  }
  return records;
}

/** Makes all checksums of a segment right: of its header, and of each record after the one before. */
function checkAnew(bytes: Buffer): void {
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 508)), 508);
  const seed = bytes.readUInt32LE(508);
  let previous: RecordHeader['crc'] = bytes.readUInt32LE(12);
  for (const { at, payloadBytes } of recordsOf(bytes)) {
    const payload = bytes.subarray(at + recordHeaderBytes, at + recordHeaderBytes + payloadBytes);
    bytes.writeUInt32LE(crc32(payload, previous), at + 4);
    bytes.writeUInt32LE(previous, at + 12);
    previous = crc32(bytes.subarray(at + 4, at + recordHeaderBytes), seed);
    bytes.writeUInt32LE(previous, at);
  }
}

describe('A log whose cipher has a key', () => {
  const disk = new MemoryDisk();
  fill(logOn(disk));
  const whole = disk.files();

  function expectRefusal(
    files: Map<string, Buffer>,
    what: string,
    says = /altered by somebody without the key/,
  ) {
    const altered = new MemoryDisk(files);
    expect(() => logOn(altered).recover(seal), what)
      .to.throw(says)
      .with.property('code', 'WAL_DAMAGED');
    for (const [name, bytes] of altered.files()) {
      expect(bytes.equals(files.get(name) as Buffer), `${what}: ${name}`).to.equal(true);
    }
    expect(altered.files().size).to.equal(files.size);
  }

  it('opens where nobody has touched it', () => {
    expect([...whole.keys()]).to.include(last);
    const { hardState, runs, birth: found } = logOn(new MemoryDisk(whole)).recover(sealOf(cipher));
    expect([hardState, runs.length, found]).to.deep.equal([{ term: 3, votedFor: 2 }, 30, birth]);
  });

  it('is refused with any record changed, its checksums made right: 10,000 tries', function () {
    this.timeout(240_000);
    const random = new Random(1);
    const small = new MemoryDisk();
    fill(logOn(small), 1);
    const [[name, original] = ['', Buffer.alloc(0)]] = small.files();
    const records = recordsOf(original);
    expect(records.length).to.be.above(5);
    for (let round = 0; round < 10_000; round++) {
      const bytes = Buffer.from(original);
      const { at, payloadBytes } = records[random.below(records.length)] as (typeof records)[number];
      const start = at + recordHeaderBytes;
      // Term, vote, and the flag that there is one; then anything.
      const field = round % 4;
      if (field === 0) bytes.writeUIntLE(1 + random.below(2 ** 32), start + 2, 6);
      else if (field === 1) bytes.writeUIntLE(random.below(2 ** 32), start + 8, 6);
      else bytes[start + random.below(payloadBytes)]! ^= 1 << random.below(8);
      if (bytes.equals(original)) continue;
      checkAnew(bytes);
      // A flag that is not there, or a preamble that is none any more, makes no sense to begin with.
      const says = field < 2 ? undefined : /altered by somebody|makes no sense|does not begin with/;
      expectRefusal(new Map([[name, bytes]]), `round ${round}`, says);
    }
  });

  it('is refused with records in another order, twice, or taken out', () => {
    const original = whole.get(last) as Buffer;
    const records = recordsOf(original).filter(({ at }) => at > segmentHeaderBytes);
    const lines = records.map(({ at, payloadBytes }) => original.subarray(at, at + recordSize(payloadBytes)));
    const first = records[0]?.at ?? 0;
    for (const [what, chosen] of [
      ['another order', [...lines.slice(2, 4), ...lines.slice(0, 2), ...lines.slice(4)]],
      ['twice', [...lines.slice(0, 3), lines[2]!, ...lines.slice(4)]],
      ['taken out', [...lines.slice(0, 3), ...lines.slice(5)]],
    ] as const) {
      const bytes = Buffer.from(original);
      bytes.fill(0, first, bytes.length);
      let at = first;
      for (const [order, line] of chosen.entries()) {
        line.copy(bytes, at);
        bytes.writeUIntLE(
          (records[0] === undefined ? 0 : original.readUIntLE(first + 16, 6)) + order,
          at + 16,
          6,
        );
        at += line.length;
      }
      checkAnew(bytes);
      expectRefusal(new Map([...whole, [last, bytes]]), what);
    }
  });

  it('is refused with a segment’s header changed, also to an earlier format or no cipher', () => {
    const name = 'd/0000000000000001.wal';
    for (const [what, change] of [
      ['whose it is said to follow', (bytes: Buffer) => bytes.writeUInt32LE(5, 12)],
      ['format 2', (bytes: Buffer) => bytes.writeUInt32LE(2, 8)],
      ['no cipher', (bytes: Buffer) => bytes.fill(0, 304, 321)],
      ['the cipher none', (bytes: Buffer) => bytes.fill(0, 304, 321).writeUInt8(1, 304)],
    ] as const) {
      const files = new Map([...whole].map(([path, bytes]) => [path, Buffer.from(bytes)]));
      // The one segment alone, and nothing after it that speaks against it.
      for (const path of [...files.keys()]) if (path !== name) files.delete(path);
      const bytes = files.get(name) as Buffer;
      bytes.fill(0, bytes.length - 32);
      change(bytes);
      checkAnew(bytes);
      expect(() => logOn(new MemoryDisk(files)).recover(sealOf(cipher)), what).to.throw();
    }
  });

  it('is refused when its records lack their tags altogether', () => {
    const bare = new MemoryDisk();
    const storage = logOn(bare);
    storage.recover();
    put(storage, batchOf({ term: 9, votedFor: 0 }));
    const files = bare.files();
    for (const bytes of files.values()) {
      (whole.get(last) as Buffer).copy(bytes, 304, 304, 321);
      checkAnew(bytes);
    }
    expectRefusal(files, 'no tags');
  });

  it('opens under a new key beside the old one, and under the new one alone no more', () => {
    const next: CipherOptions = { kind: 'aes-256-gcm', key: new Uint8Array(32).fill(8), oldKeys: [key] };
    const changed = new MemoryDisk(whole);
    const storage = logOn(changed);
    storage.recover(sealOf(next));
    put(storage, batchOf({ term: 4, votedFor: 1 }));
    expect(logOn(changed).recover(sealOf(next)).hardState.term).to.equal(4);
    expect(chunksOf(opened(changed, next), markOf(13))).to.deep.equal(['first', 'second', 'third']);
    expect(() => logOn(changed).recover(sealOf({ kind: 'aes-256-gcm', key: next.key })))
      .to.throw()
      .with.property('code', 'WRONG_KEY');
  });

  function opened(on: MemoryDisk, options: CipherOptions): Storage {
    const storage = logOn(on);
    storage.recover(sealOf(options));
    return storage;
  }

  it('passes over a snapshot whose header or end was changed, its checksums made right', () => {
    const name = 'd/0000000000000013-1.snapshot';
    const original = whole.get(name) as Buffer;
    const headerBytes = original.readUInt32LE(12);
    for (const at of [34, 40, 64 + 4, headerBytes - 8, original.length - 18, original.length - 12]) {
      const bytes = Buffer.from(original);
      bytes[at]! ^= 1;
      checkSnapshotAnew(bytes);
      const { snapshots, damagedSnapshots } = logOn(
        new MemoryDisk(new Map([...whole, [name, bytes]])),
      ).recover(sealOf(cipher));
      expect([snapshots.length, damagedSnapshots], `byte ${at}`).to.deep.equal([0, 1]);
    }
  });

  it('gives up a snapshot of which a chunk was changed, or put in another’s place, its checksums made right', () => {
    const name = 'd/0000000000000013-1.snapshot';
    const original = whole.get(name) as Buffer;
    const chunks = chunksIn(original);
    const changed = Buffer.from(original);
    changed[(chunks[1] as number) + 30]! ^= 1;
    const swapped = Buffer.from(original);
    const [first, second] = [chunks[0] as number, chunks[1] as number];
    // `first` and `third` are as long as each other.
    const length = 8 + original.readUInt32LE(first);
    original.copy(swapped, first, chunks[2] as number, (chunks[2] as number) + length);
    original.copy(swapped, chunks[2] as number, first, second);
    for (const [bytes, opens] of [
      [changed, ['first']],
      [swapped, []],
    ] as const) {
      checkSnapshotAnew(bytes);
      const storage = opened(new MemoryDisk(new Map([...whole, [name, bytes]])), cipher);
      const read: string[] = [];
      expect(() => {
        for (let at: number | null = 0; at !== null; ) {
          const { chunk, next } = storage.readSnapshot(markOf(13), at);
          read.push(Buffer.from(chunk).toString());
          at = next;
        }
      })
        .to.throw(/altered by somebody without the key/)
        .with.property('code', 'SNAPSHOT_DAMAGED');
      expect(read).to.deep.equal(opens);
      expect(storage.snapshots).to.deep.equal([]);
      // The storage goes on.
      put(storage, batchOf({ term: 9, votedFor: 9 }));
    }
  });
});

function chunksIn(bytes: Buffer): number[] {
  const places: number[] = [];
  for (let at = bytes.readUInt32LE(12); at < bytes.length - 18 - 32; at += 8 + bytes.readUInt32LE(at))
    places.push(at);
  return places;
}

/** Makes all checksums of a snapshot right. */
function checkSnapshotAnew(bytes: Buffer): void {
  const headerBytes = bytes.readUInt32LE(12);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, headerBytes - 4)), headerBytes - 4);
  const headerCrc = bytes.readUInt32LE(headerBytes - 4);
  const crcOf = (number: number, ...parts: Buffer[]) => {
    const seed = Buffer.alloc(4);
    seed.writeUInt32LE(number);
    return parts.reduce((sum, part) => crc32(part, sum), crc32(seed, headerCrc));
  };
  for (const [number, at] of chunksIn(bytes).entries()) {
    const end = at + 8 + bytes.readUInt32LE(at);
    bytes.writeUInt32LE(crcOf(number, bytes.subarray(at, at + 4), bytes.subarray(at + 8, end)), at + 4);
  }
  const footer = bytes.subarray(bytes.length - 18 - 32);
  footer.writeUInt32LE(crcOf(0xffff_ffff, footer.subarray(0, 42)), 42);
}
