import { expect } from 'chai';
import fc from 'fast-check';
import { InvariantViolation } from '../../src/raft/invariant.js';
import { Log } from '../../src/raft/log.js';
import { entriesOf, entry, termsOf } from './replicas.js';

const ascendingTerms = fc
  .array(fc.integer({ min: 1, max: 8 }), { maxLength: 30 })
  .map((terms) => terms.sort((a, b) => a - b));

describe('The log', () => {
  it('is empty before its first entry, and has term 0 there', () => {
    const log = new Log();
    expect([log.lastIndex, log.lastTerm, log.termAt(0), log.termAt(1)]).deep.equal([0, 0, 0, null]);
    expect(log.at(0)).equal(null);
    expect(log.at(1)).equal(null);
  });

  it('gives back what was appended', () => {
    const log = new Log(entriesOf(1, 1));
    log.append([entry(3, 2), entry(4, 3)]);
    expect(termsOf(log)).deep.equal([1, 1, 2, 3]);
    expect(log.at(3)).deep.equal(entry(3, 2));
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

  it('slices as many entries as fit, and one when not even one fits', () => {
    const log = new Log([entry(1, 1, 10), entry(2, 1, 10), entry(3, 1, 10)]);
    const indexes = (from: number, bytesMax: number) => log.slice(from, bytesMax).map(({ index }) => index);
    expect(indexes(1, 20)).deep.equal([1, 2]);
    expect(indexes(1, 19)).deep.equal([1]);
    expect(indexes(2, 1)).deep.equal([2]);
    expect(indexes(2, 1000)).deep.equal([2, 3]);
    expect(indexes(4, 1000)).deep.equal([]);
  });

  it('ranges over what exists of an interval', () => {
    const log = new Log(entriesOf(1, 1, 2));
    expect(log.range(2, 99)).deep.equal([entry(2, 1), entry(3, 2)]);
    expect(log.range(-5, 1)).deep.equal([entry(1, 1)]);
    expect(log.range(3, 2)).deep.equal([]);
  });

  it('finds where terms begin and end as a walk through it would', () => {
    fc.assert(
      fc.property(ascendingTerms, fc.nat(9), (terms, term) => {
        const log = new Log(entriesOf(...terms));
        const first = terms.findIndex((each) => each >= term);
        expect(log.firstIndexFromTerm(term)).equal(first === -1 ? terms.length + 1 : first + 1);
        expect(log.lastIndexOfTerm(term)).equal(terms.lastIndexOf(term) + 1);
      }),
    );
  });
});
