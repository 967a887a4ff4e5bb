import { expect } from 'chai';
import fc from 'fast-check';
import { Random } from '../../src/ground/random.js';
import { type Entry, termMax } from '../../src/raft/entry.js';
import { createCipher } from '../../src/wire/create-cipher.js';
import {
  entryHeaderBytes,
  packEntries,
  packEntriesInto,
  packedSize,
  unpackEntries,
} from '../../src/wire/entries.js';
import { LogEntryCodec } from '../../src/wire/log-entry.js';
import { bytes, consecutiveEntries, logEntry } from './arbitraries.js';

/** The same entries, each in memory of its own, so that nothing can be known of where they came from. */
const scattered = (entries: readonly Entry[]): Entry[] =>
  entries.map((entry) => ({ ...entry, bytes: new Uint8Array(entry.bytes) }));

describe('packed entries', () => {
  it('come back as they were packed, as views into the batch', () => {
    fc.assert(
      fc.property(consecutiveEntries, (entries) => {
        const packed = packEntries(entries);
        expect(packed.length).to.equal(packedSize(entries));
        const unpacked = unpackEntries(packed, entries[0]?.index ?? 1);
        expect(unpacked).to.deep.equal(entries);
        for (const entry of unpacked ?? []) expect(entry.bytes.buffer).to.equal(packed.buffer);
      }),
    );
  });

  it('have the documented layout', () => {
    const entry: Entry = {
      index: 5,
      term: 0x0605_0403_0201,
      kind: 'configuration',
      bytes: Uint8Array.of(9, 8),
    };
    expect([...packEntries([entry])]).to.deep.equal([2, 0, 0, 0, 1, 2, 3, 4, 5, 6, 2, 0, 9, 8]);
  });

  it('pack to the same bytes wherever they lie: any mix, order and choice of arrived, encoded and loose entries', () => {
    const codec = new LogEntryCodec(createCipher({ kind: 'pseudo' }, new Random(1)));
    fc.assert(
      fc.property(
        consecutiveEntries,
        fc.array(logEntry, { maxLength: 12 }),
        fc.array(fc.nat(40), { maxLength: 40 }),
        (entries, logEntries, picks) => {
          const arrived = unpackEntries(packEntries(entries), 1) ?? [];
          const all = [...arrived, ...codec.encodeAll(logEntries), ...scattered(arrived)];
          const chosen = picks.flatMap((pick) => all.slice(pick, pick + 4));
          expect(packEntries(chosen)).to.deep.equal(packEntries(scattered(chosen)));
        },
      ),
    );
  });

  it('are not taken for neighbours when they only have neighbouring places in two batches', () => {
    const batch = (fill: number) =>
      [1, 2].map((index) => ({
        index,
        term: 1,
        kind: 'command' as const,
        bytes: new Uint8Array(3).fill(fill),
      }));
    const [first] = unpackEntries(packEntries(batch(7)), 1)!;
    const [, second] = unpackEntries(packEntries(batch(9)), 1)!;
    const mixed = unpackEntries(packEntries([first!, second!]), 1)!;
    expect(mixed.map((entry) => entry.bytes[0])).to.deep.equal([7, 9]);
  });

  it('take their header from the entry when a copy was given another term', () => {
    const arrived = unpackEntries(
      packEntries([{ index: 1, term: 3, kind: 'command', bytes: Uint8Array.of(1) }]),
      1,
    )!;
    const changed = arrived.map((entry) => ({ ...entry, term: 4 }));
    expect(unpackEntries(packEntries(changed), 1)?.[0]?.term).to.equal(4);
  });

  it('are written where they are told to be, and nowhere else', () => {
    const entries = unpackEntries(
      packEntries([{ index: 1, term: 1, kind: 'noop', bytes: Uint8Array.of(7) }]),
      1,
    )!;
    const target = new Uint8Array(20).fill(0xee);
    expect(packEntriesInto(target, 3, entries)).to.equal(3 + entryHeaderBytes + 1);
    expect([target[2], target[15], target[16]]).to.deep.equal([0xee, 7, 0xee]);
  });

  it('are refused when cut within an entry, of an unknown kind, with flags, or of term 0', () => {
    const packed = packEntries([{ index: 1, term: termMax, kind: 'command', bytes: Uint8Array.of(1, 2) }]);
    for (let length = 1; length < packed.length; length++) {
      expect(unpackEntries(packed.subarray(0, length), 1), `${length} bytes`).to.equal(null);
    }
    const changed = (at: number, values: number[]) => {
      const copy = new Uint8Array(packed);
      copy.set(values, at);
      return unpackEntries(copy, 1);
    };
    expect(changed(10, [3])).to.equal(null);
    expect(changed(11, [1])).to.equal(null);
    expect(changed(4, [0, 0, 0, 0, 0, 0])).to.equal(null);
    expect(changed(0, [0xff, 0xff, 0xff, 0xff])).to.equal(null);
  });

  it('never throw on bytes that nobody packed', () => {
    fc.assert(fc.property(bytes, (garbage) => void unpackEntries(garbage, 1)));
  });
});
