import { expect } from 'chai';
import fc from 'fast-check';
import { pack } from 'msgpackr';
import { Random } from '../../src/ground/random.js';
import { entryKinds, type LogEntry } from '../../src/raft/entry.js';
import { createCipher } from '../../src/wire/create-cipher.js';
import { packEntries, unpackEntries } from '../../src/wire/entries.js';
import { LogEntryCodec } from '../../src/wire/log-entry.js';
import { bytes, ciphers, logEntry } from './arbitraries.js';

const plainCodec = () => new LogEntryCodec(createCipher({ kind: 'none' }, new Random(1)));

describe('log entry codec', () => {
  for (const cipher of ciphers()) {
    it(`decodes what it encoded (${cipher.kind})`, () => {
      const codec = new LogEntryCodec(cipher);
      fc.assert(
        fc.property(logEntry, (entry) => {
          expect(codec.decode(codec.encode(entry))).to.deep.equal(entry);
        }),
      );
    });
  }

  it('writes the tuple that msgpackr would', () => {
    const codec = plainCodec();
    const lengths = [0, 1, 255, 256, 65_535, 65_536, 100_000].map((length) => new Uint8Array(length).fill(3));
    fc.assert(
      fc.property(logEntry, fc.constantFrom(...lengths, null), (entry, long) => {
        const command = long ?? entry.command;
        const tuple = [entry.term, entry.index, entry.leaderId, entryKinds.indexOf(entry.kind), command];
        const encoded = codec.encode({ ...entry, command });
        expect(Buffer.compare(encoded, pack(tuple))).to.equal(0);
        expect(Buffer.compare(codec.decode(encoded)!.command, command)).to.equal(0);
      }),
    );
  });

  it('never writes again what it encoded or decoded, nor what others packed meanwhile', () => {
    const codec = plainCodec();
    const entry = (index: number, command: Uint8Array): LogEntry => ({
      term: 1,
      index,
      leaderId: 0,
      kind: 'command',
      command,
    });
    const kept: { encoded: Uint8Array; decoded: LogEntry; other: Uint8Array; command: Uint8Array }[] = [];
    for (let index = 1; index < 3000; index++) {
      const command = new Uint8Array((index * 37) % (index % 100 === 0 ? 40_000 : 200)).fill(index);
      const encoded = codec.encode(entry(index, command));
      kept.push({ encoded, decoded: codec.decode(encoded)!, other: pack([index, 'theirs']), command });
    }
    for (const [at, { encoded, decoded, other, command }] of kept.entries()) {
      expect(Buffer.compare(decoded.command, command), `decoded ${at}`).to.equal(0);
      expect(Buffer.compare(codec.decode(encoded)!.command, command), `encoded ${at}`).to.equal(0);
      expect(Buffer.compare(other, pack([at + 1, 'theirs'])), `other ${at}`).to.equal(0);
    }
  });

  it('encodes a batch into entries that are packed and unpacked again', () => {
    const codec = plainCodec();
    fc.assert(
      fc.property(fc.array(logEntry, { maxLength: 20 }), (logEntries) => {
        const encoded = codec.encodeAll(logEntries);
        expect(encoded.map((entry) => codec.decode(entry.bytes))).to.deep.equal(logEntries);
        const back = unpackEntries(packEntries(encoded), 1)!;
        expect(back.map(({ term, kind }) => ({ term, kind }))).to.deep.equal(
          logEntries.map(({ term, kind }) => ({ term, kind })),
        );
        expect(back.map((entry) => codec.decode(entry.bytes))).to.deep.equal(logEntries);
      }),
    );
  });

  it('gives null for bytes that are no entry', () => {
    const codec = plainCodec();
    const command = Uint8Array.of(1);
    const wrong: unknown[] = [
      [],
      [1, 1, 0, 1],
      [1, 1, 0, 1, command, 0],
      [0, 1, 0, 1, command],
      [1, 0, 0, 1, command],
      [2 ** 48, 1, 0, 1, command],
      [1, 2 ** 53, 0, 1, command],
      [1, 1, -1, 1, command],
      [1, 1, 0.5, 1, command],
      [1, Number.NaN, 0, 1, command],
      [1, 1, 0, 3, command],
      [1, 1, 0, 1.5, command],
      [1, 1, 0, 'command', command],
      [1, 1, 0, 1, 'text'],
      [1, 1, 0, 1, [1]],
      [1, 1, 0, 1, null],
      { term: 1, index: 1, leaderId: 0, kind: 1, command },
    ];
    for (const value of wrong) expect(codec.decode(pack(value)), JSON.stringify(value)).to.equal(null);
    fc.assert(fc.property(bytes, (garbage) => codec.decode(garbage) === null));
  });

  it('gives null for an entry cut at any length', () => {
    for (const cipher of ciphers()) {
      const codec = new LogEntryCodec(cipher);
      const encoded = codec.encode({
        term: 9,
        index: 70_000,
        leaderId: 2,
        kind: 'command',
        command: Buffer.from('abc'),
      });
      for (let length = 0; length < encoded.length; length++) {
        expect(codec.decode(encoded.subarray(0, length)), `${cipher.kind} ${length}`).to.equal(null);
      }
    }
  });
});
