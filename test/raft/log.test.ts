import { expect } from 'chai';
import fc from 'fast-check';
import { packBytes } from '../../src/ground/byte-strings.js';
import { InvariantViolation } from '../../src/raft/invariant.js';
import { Log } from '../../src/raft/log.js';
import { entriesIn, entriesOf, entry, runOf, runsOf, termsOf } from './replicas.js';

const ascendingTerms = fc
  .array(fc.integer({ min: 1, max: 8 }), { maxLength: 30 })
  .map((terms) => terms.sort((a, b) => a - b));

describe('The log', () => {
  it('is empty before its first entry, and has term 0 there', () => {
    const log = new Log();
    expect([log.lastIndex, log.lastTerm, log.termAt(0), log.termAt(1)]).deep.equal([0, 0, 0, null]);
    expect(log.runAt(0)).equal(null);
    expect(log.runAt(1)).equal(null);
  });

  it('gives back what was appended', () => {
    const log = new Log(entriesOf(1, 1));
    log.append([entry(3, 2), entry(4, 3)]);
    expect(termsOf(log)).deep.equal([1, 1, 2, 3]);
    expect(log.runAt(3)).deep.equal(entry(3, 2));
    expect(log.termAt(5)).equal(null);
  });

  it('dies of a gap, of a repeated index, and of a term that falls', () => {
    const log = new Log(entriesOf(1, 2));
    for (const wrong of [entry(4, 2), entry(2, 2), entry(3, 1)]) {
      expect(() => log.append([wrong])).throw(InvariantViolation, 'cannot follow (index 2, term 2)');
    }
    expect(termsOf(log)).deep.equal([1, 2]);
  });

  it('hands each entry to the disk once, and counts it durable when the disk says so', () => {
    const log = new Log(entriesOf(1));
    expect([log.writtenIndex, log.durableIndex]).deep.equal([1, 1]);
    log.append([entry(2, 1), entry(3, 1)]);
    expect(log.takeUnwritten()).deep.equal([entry(2, 1), entry(3, 1)]);
    expect(log.takeUnwritten()).deep.equal([]);
    expect([log.writtenIndex, log.durableIndex]).deep.equal([3, 1]);
    log.markDurable(2);
    log.markDurable(1);
    expect(log.durableIndex).equal(2);
  });

  it('dies when the disk claims what it was never given', () => {
    const log = new Log();
    log.append([entry(1, 1)]);
    expect(() => log.markDurable(1)).throw(InvariantViolation, 'never written');
  });

  it('forgets with an entry that it was written and durable', () => {
    const log = new Log(entriesOf(1, 1, 1));
    log.truncateFrom(2);
    expect([log.lastIndex, log.writtenIndex, log.durableIndex]).deep.equal([1, 1, 1]);
    log.append([entry(2, 2)]);
    expect(log.takeUnwritten()).deep.equal([entry(2, 2)]);
    log.truncateFrom(9);
    expect(termsOf(log)).deep.equal([1, 2]);
    expect(() => log.truncateFrom(0)).throw(InvariantViolation);
  });

  it('is cut within a run exactly where it is told to be, and so is what counts as written', () => {
    for (let from = 2; from <= 5; from++) {
      const log = new Log([runOf(1, 3, 1), runOf(4, 2, 1)]);
      log.append([runOf(6, 2, 1)]);
      log.truncateFrom(from);
      expect(termsOf(log)).deep.equal(new Array(from - 1).fill(1));
      expect(entriesIn(log.range(1, 9))).deep.equal(
        entriesIn([runOf(1, 3, 1), runOf(4, 2, 1)]).slice(0, from - 1),
      );
      expect([log.writtenIndex, log.durableIndex]).deep.equal([from - 1, from - 1]);
      log.append([runOf(from, 2, 3)]);
      expect(log.takeUnwritten()).deep.equal([runOf(from, 2, 3)]);
    }
  });

  it('hands the rest of a run to the disk that was cut before it was written', () => {
    const log = new Log();
    log.append([runOf(1, 5, 1)]);
    log.truncateFrom(3);
    expect(entriesIn(log.takeUnwritten())).deep.equal(entriesIn([runOf(1, 2, 1)]));
  });

  it('slices as many runs as fit, whole, and of the first as many entries, one at least', () => {
    const log = new Log([runOf(1, 3, 1, 6), runOf(4, 2, 1, 6), runOf(6, 1, 1, 6)]);
    const indexes = (from: number, bytesMax: number) =>
      log.slice(from, bytesMax).map(({ firstIndex, count }) => [firstIndex, count]);
    expect(indexes(1, 1000)).deep.equal([
      [1, 3],
      [4, 2],
      [6, 1],
    ]);
    expect(indexes(1, 50), 'to the byte').deep.equal([
      [1, 3],
      [4, 2],
    ]);
    expect(indexes(1, 49), 'the second does not fit').deep.equal([[1, 3]]);
    expect(indexes(1, 29)).deep.equal([[1, 2]]);
    expect(indexes(1, 1)).deep.equal([[1, 1]]);
    expect(indexes(3, 30), 'begun within a run').deep.equal([
      [3, 1],
      [4, 2],
    ]);
    expect(indexes(5, 1)).deep.equal([[5, 1]]);
    expect(indexes(7, 1000)).deep.equal([]);
  });

  it('slices without a gap: where a run did not fit whole, a smaller one after it is left for later', () => {
    const body = packBytes([2, 90].map((bytes) => new Uint8Array(bytes)));
    const log = new Log([{ ...runOf(1, 2, 1), body }, runOf(3, 1, 1)]);
    expect(log.slice(1, 30).map(({ firstIndex, count }) => [firstIndex, count])).deep.equal([[1, 1]]);
  });

  it('says what its entries take of memory, so that it can be kept within a bound', () => {
    // Six bytes a command and its length in four: with what a run takes besides, 170, 180 and 190 bytes.
    const log = new Log([runOf(1, 1, 1, 6), runOf(2, 2, 1, 6), runOf(4, 3, 2, 6)]);
    expect(log.bytesAppended).equal(3 * 160 + 6 * 10);
    expect([189, 190, 369, 370, 539, 540].map((bytesMax) => log.indexBefore(bytesMax))).deep.equal([
      6, 3, 3, 1, 1, 0,
    ]);
    log.dropThrough(3);
    expect([log.indexBefore(190), log.indexBefore(1000)], 'what was given up takes none').deep.equal([3, 3]);
    expect(log.bytesAppended, 'ever').equal(540);
  });

  it('slices a run as the object that it is, so that it is sealed once', () => {
    const runs = [runOf(1, 3, 1), runOf(4, 2, 1)];
    const log = new Log(runs);
    expect(log.slice(1, 1000)).have.ordered.members(runs);
    expect(log.slice(4, 1000)).have.ordered.members([runs[1]]);
  });

  it('ranges over what exists of an interval', () => {
    const log = new Log(runsOf(1, 1, 2));
    expect(log.range(2, 99)).deep.equal([entry(2, 1), entry(3, 2)]);
    expect(log.range(-5, 1)).deep.equal([entry(1, 1)]);
    expect(log.range(3, 2)).deep.equal([]);
  });

  it('finds where terms begin and end as a walk through it would', () => {
    fc.assert(
      fc.property(ascendingTerms, fc.nat(9), fc.boolean(), (terms, term, inRuns) => {
        const log = new Log(inRuns ? runsOf(...terms) : entriesOf(...terms));
        const first = terms.findIndex((each) => each >= term);
        expect(log.firstIndexFromTerm(term)).equal(first === -1 ? terms.length + 1 : first + 1);
        expect(log.lastIndexOfTerm(term)).equal(terms.lastIndexOf(term) + 1);
      }),
    );
  });

  it('goes on after its base, of which it knows the term and nothing before', () => {
    const log = new Log([runOf(8, 2, 5)], { index: 7, term: 3 });
    expect([log.baseIndex, log.lastIndex, log.lastTerm]).deep.equal([7, 9, 5]);
    expect([0, 6, 7, 8, 9, 10].map((index) => log.termAt(index))).deep.equal([null, null, 3, 5, 5, null]);
    expect(log.runAt(7)).equal(null);
    expect([log.lastIndexOfTerm(3), log.lastIndexOfTerm(4), log.lastIndexOfTerm(5)]).deep.equal([7, 0, 9]);
    expect(() => log.append([entry(10, 4)])).throw(InvariantViolation);
    log.truncateFrom(8);
    expect([log.lastIndex, log.lastTerm, log.durableIndex]).deep.equal([7, 3, 7]);
    expect(() => log.append([entry(8, 2)])).throw(InvariantViolation, 'cannot follow (index 7, term 3)');
    expect(() => log.truncateFrom(7)).throw(InvariantViolation);
  });

  it('gives up its beginning, within a run or between two, and keeps the rest as it was', () => {
    for (let through = 0; through <= 6; through++) {
      const log = new Log([runOf(1, 3, 1), runOf(4, 3, 2)]);
      log.dropThrough(through);
      expect([log.baseIndex, log.termAt(through)]).deep.equal([
        through,
        through === 0 ? 0 : through <= 3 ? 1 : 2,
      ]);
      expect(entriesIn(log.range(1, 9))).deep.equal(
        entriesIn([runOf(1, 3, 1), runOf(4, 3, 2)]).slice(through),
      );
      log.append([entry(7, 2)]);
      expect(entriesIn(log.takeUnwritten())).deep.equal(entriesIn([entry(7, 2)]));
    }
  });

  it('dies rather than give up what is not durable', () => {
    const log = new Log(entriesOf(1));
    log.append([entry(2, 1)]);
    expect(() => log.dropThrough(2)).throw(InvariantViolation, 'not durable');
  });
});
