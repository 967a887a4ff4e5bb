import { expect } from 'chai';
import fc from 'fast-check';
import { lengthBytes, packBytes } from '../../src/ground/byte-strings.js';
import { InvariantViolation } from '../../src/raft/invariant.js';
import {
  cutRun,
  entriesIn,
  entriesOf,
  headOf,
  lastIndexOf,
  longestCommand,
  type Run,
  splitRun,
} from '../../src/raft/run.js';

/** Commands, empty ones among them. */
const commands = fc.array(fc.uint8Array({ maxLength: 9 }), { minLength: 1, maxLength: 12 });
const run: fc.Arbitrary<Run> = fc
  .record({ firstIndex: fc.integer({ min: 1, max: 1000 }), term: fc.integer({ min: 1, max: 9 }), commands })
  .map(({ firstIndex, term, commands }) => ({
    firstIndex,
    count: commands.length,
    term,
    kind: 'command',
    leaderId: 3,
    body: packBytes(commands),
  }));

describe('A run', () => {
  it('is the entries that were packed into it, one by one', () => {
    fc.assert(
      fc.property(commands, (given) => {
        const packed: Run = {
          firstIndex: 7,
          count: given.length,
          term: 2,
          kind: 'command',
          leaderId: 1,
          body: packBytes(given),
        };
        expect(entriesOf(packed)).deep.equal(
          given.map((command, at) => ({ term: 2, index: 7 + at, leaderId: 1, kind: 'command', command })),
        );
        expect(lastIndexOf(packed)).equal(6 + given.length);
        expect(entriesIn([packed, packed])).equal(2 * given.length);
      }),
    );
  });

  it('can be cut between any two entries, and is the same entries then, in the same memory', () => {
    fc.assert(
      fc.property(run, fc.nat(11), fc.nat(11), (whole, skipped, kept) => {
        const from = whole.firstIndex + (skipped % whole.count);
        const to = Math.min(lastIndexOf(whole), from + kept);
        const cut = cutRun(whole, from, to);
        expect(entriesOf(cut)).deep.equal(
          entriesOf(whole).slice(from - whole.firstIndex, to - whole.firstIndex + 1),
        );
        expect(cut).include({ firstIndex: from, count: to - from + 1, term: whole.term });
        expect(cut.body.buffer).equal(whole.body.buffer);
        expect(longestCommand(cut.body, cut.count)).not.equal(null);
        if (cut.count === whole.count) expect(cut).equal(whole);
      }),
    );
  });

  it('dies of being cut where it has no entries', () => {
    fc.assert(
      fc.property(run, (whole) => {
        const { firstIndex } = whole;
        const last = lastIndexOf(whole);
        for (const [from, to] of [
          [firstIndex - 1, last],
          [firstIndex, last + 1],
          [last + 1, last + 1],
          [last, last - 1],
        ] as const) {
          expect(() => cutRun(whole, from, to), `${from} to ${to}`).throw(InvariantViolation, 'cut out of');
        }
      }),
    );
  });

  it('keeps its place in its client’s session, whole, cut, and entry by entry', () => {
    const session = { id: 40, sequence: 7, acknowledged: 3, logTimeMs: 900 };
    const body = packBytes([1, 2, 3].map((byte) => Uint8Array.of(byte)));
    const whole: Run = { firstIndex: 5, count: 3, term: 2, kind: 'command', leaderId: 1, body, session };
    const sequences = (of: Run) => entriesOf(of).map((each) => each.session);
    expect(sequences(whole)).deep.equal([7, 8, 9].map((sequence) => ({ ...session, sequence })));
    expect(cutRun(whole, 6, 7)).deep.include({
      firstIndex: 6,
      count: 2,
      session: { ...session, sequence: 8 },
    });
    expect(cutRun(whole, 5, 6).session).deep.equal(session);
    expect(sequences(cutRun(whole, 6, 7))).deep.equal(sequences(whole).slice(1));
    const { session: _, ...ofNone } = whole;
    expect(cutRun(ofNone, 6, 7)).not.have.property('session');
    expect(entriesOf(ofNone)[0]).not.have.property('session');
  });

  it('that is unsound has no entries', () => {
    const body = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1);
    expect(entriesOf({ firstIndex: 5, count: 1, term: 2, kind: 'command', leaderId: 1, body })).deep.equal(
      [],
    );
  });

  it('has a head of as many entries as fit, and of one when none does', () => {
    fc.assert(
      fc.property(run, fc.nat(80), (whole, bytesMax) => {
        const head = headOf(whole, bytesMax);
        const sizes = entriesOf(whole).map(({ command }) => lengthBytes + command.length);
        const bytes = (count: number) => sizes.slice(0, count).reduce((sum, size) => sum + size, 0);
        let count = 1;
        while (count < whole.count && bytes(count + 1) <= bytesMax) count++;
        expect(head.count).equal(count);
        expect(head.firstIndex).equal(whole.firstIndex);
        expect(head.body.length).equal(bytes(count));
      }),
    );
  });

  it('is split into heads, which are all of it', () => {
    fc.assert(
      fc.property(run, fc.nat(80), (whole, bytesMax) => {
        const pieces = splitRun(whole, bytesMax);
        expect(pieces.flatMap(entriesOf)).deep.equal(entriesOf(whole));
        for (const piece of pieces) {
          expect(piece.count === 1 || piece.body.length <= bytesMax).equal(true);
        }
        if (whole.body.length <= bytesMax) expect(pieces).deep.equal([whole]);
      }),
    );
  });
});

describe('The body of a run', () => {
  it('is known by its count: one command more or less is none', () => {
    fc.assert(
      fc.property(commands, (given) => {
        const body = packBytes(given);
        expect(longestCommand(body, given.length)).equal(Math.max(...given.map(({ length }) => length)));
        expect(longestCommand(body, given.length + 1)).equal(null);
        expect(longestCommand(body, given.length - 1)).equal(null);
      }),
    );
  });

  it('is none when it is cut within a command, or goes on after the last', () => {
    const body = packBytes([Uint8Array.of(1, 2, 3), new Uint8Array(0), Uint8Array.of(4)]);
    for (let length = 0; length < body.length; length++) {
      expect(longestCommand(body.subarray(0, length), 3), `${length} bytes`).equal(null);
    }
    expect(longestCommand(Uint8Array.of(...body, 0), 3)).equal(null);
  });

  it('is none without commands, and whatever lengths it claims: nothing beyond it is read', () => {
    expect(longestCommand(new Uint8Array(0), 0)).equal(null);
    expect(longestCommand(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1, 2), 1)).equal(null);
    expect(longestCommand(new Uint8Array(8), 2 ** 32 - 1)).equal(null);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(9), (bytes, count) => {
        const longest = longestCommand(bytes, count);
        if (longest !== null) expect(longest + count * lengthBytes).at.most(bytes.length);
      }),
    );
  });
});
