import { expect } from 'chai';
import fc from 'fast-check';
import { pack } from 'msgpackr';
import { packBytes } from '../../src/ground/byte-strings.js';
import { Random } from '../../src/ground/random.js';
import { entryKinds, type LogEntry } from '../../src/raft/entry.js';
import { entriesOf } from '../../src/raft/run.js';
import { createCipher } from '../../src/wire/create-cipher.js';
import { LogEntryCodec } from '../../src/wire/log-entry.js';
import { bytes, ciphers, consecutiveRuns, logEntry } from './arbitraries.js';

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

  it('writes the tuple that msgpackr would, of one entry as a run of one', () => {
    const codec = plainCodec();
    const lengths = [0, 1, 255, 256, 65_535, 65_536, 100_000].map((length) => new Uint8Array(length).fill(3));
    fc.assert(
      fc.property(logEntry, fc.constantFrom(...lengths, null), (entry, long) => {
        const command = long ?? entry.command;
        const { term, index, leaderId, kind, session } = entry;
        const place = session ? [session.id, session.sequence, session.acknowledged, session.logTimeMs] : [];
        const tuple = [term, index, leaderId, entryKinds.indexOf(kind), 1, ...place, packBytes([command])];
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

  for (const cipher of ciphers()) {
    it(`opens a run that it sealed, and gives its entries to who looks (${cipher.kind})`, () => {
      const codec = new LogEntryCodec(cipher);
      fc.assert(
        fc.property(consecutiveRuns, (runs) => {
          for (const run of runs) {
            const sealed = codec.seal(run);
            expect(codec.open(sealed)).to.deep.equal(run);
            expect(codec.decodeAll(sealed)).to.deep.equal(entriesOf(run));
            expect(codec.decode(sealed)).to.deep.equal(run.count === 1 ? entriesOf(run)[0] : null);
          }
        }),
        { numRuns: 50 },
      );
    });

    it(`opens an entry as format 1 had it (${cipher.kind})`, () => {
      const codec = new LogEntryCodec(cipher);
      fc.assert(
        fc.property(logEntry, (entry) => {
          const { session: _, ...old } = entry;
          const { term, index, leaderId, kind, command } = old;
          const tuple = pack([term, index, leaderId, entryKinds.indexOf(kind), command]);
          const opened = kind === 'session' ? null : old;
          expect(codec.decode(cipher.encrypt(tuple))).to.deep.equal(opened);
        }),
      );
    });
  }

  it('lays small runs that it opens into memory that they share, for a log has many', () => {
    const codec = new LogEntryCodec(ciphers()[1]!);
    const opened = Array.from({ length: 300 }, (_, at) =>
      codec.open(
        codec.encode({ term: 1, index: at + 1, leaderId: 0, kind: 'command', command: Uint8Array.of(at) }),
      ),
    );
    expect(new Set(opened.map((run) => run?.body.buffer)).size).to.equal(1);
  });

  it('gives null for bytes that are no entry', () => {
    const codec = plainCodec();
    const body = packBytes([Uint8Array.of(1)]);
    const wrong: unknown[] = [
      [],
      [1, 1, 0, 1],
      [1, 1, 0, 1, 1],
      [1, 1, 0, 1, 1, body, 0],
      [0, 1, 0, 1, 1, body],
      [1, 0, 0, 1, 1, body],
      [2 ** 48, 1, 0, 1, 1, body],
      [1, 2 ** 53, 0, 1, 1, body],
      [1, Number.MAX_SAFE_INTEGER, 0, 1, 2, packBytes([body, body])],
      [1, 1, -1, 1, 1, body],
      [1, 1, 0.5, 1, 1, body],
      [1, Number.NaN, 0, 1, 1, body],
      [1, 1, 0, 4, 1, body],
      [1, 1, 0, 3, body],
      [1, 1, 0, 3, 1, body],
      [1, 1, 0, 3, 2, 0, 0, 0, 0, packBytes([body, body])],
      [1, 1, 0, 0, 1, 5, 1, 1, 9, body],
      [1, 1, 0, 2, 1, 5, 1, 1, 9, body],
      [1, 1, 0, 1, 1, 5, 1, 1, body],
      [1, 1, 0, 1, 1, 5, 1, 1, 9, 9, body],
      [1, 1, 0, 1, 1, 5, -1, 1, 9, body],
      [1, 1, 0, 1, 1, 5, 1, 0.5, 9, body],
      [1, 1, 0, 1, 1, 'text', 1, 1, 9, body],
      [1, 1, 0, 1, 2, 5, Number.MAX_SAFE_INTEGER, 1, 9, packBytes([body, body])],
      [1, 1, 0, 1.5, 1, body],
      [1, 1, 0, 'command', 1, body],
      [1, 1, 0, 1, 1, 'text'],
      [1, 1, 0, 1, 1, [1]],
      [1, 1, 0, 1, 1, null],
      [1, 1, 0, 1, 0, new Uint8Array(0)],
      [1, 1, 0, 1, 0, body],
      [1, 1, 0, 1, 2, body],
      [1, 1, 0, 1, 2 ** 32, body],
      [1, 1, 0, 1, -1, body],
      [1, 1, 0, 1, 1, body.subarray(0, 4)],
      [1, 1, 0, 1, 1, Uint8Array.of(...body, 7)],
      [1, 1, 0, 1, 1, Uint8Array.of(0xff, 0xff, 0xff, 0xff, 7)],
      [1, 1, 0, 1, 'text'],
      [0, 1, 0, 1, body],
      { term: 1, index: 1, leaderId: 0, kind: 1, count: 1, body },
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
