import { expect } from 'chai';
import fc from 'fast-check';
import type { LogEntry } from '../../src/raft/entry.js';
import { InvariantViolation } from '../../src/raft/invariant.js';
import { cutRun, type Run } from '../../src/raft/run.js';
import { RunSequence } from '../../src/raft/run-sequence.js';
import { entriesIn, runOf } from './replicas.js';

type Step =
  | { readonly does: 'append'; readonly counts: readonly number[] }
  | { readonly does: 'replace'; readonly back: number; readonly counts: readonly number[] }
  | { readonly does: 'truncate'; readonly back: number }
  | { readonly does: 'drop'; readonly ahead: number };

const counts = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 4 });
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ does: fc.constant('append' as const), counts }),
    fc.record({ does: fc.constant('replace' as const), back: fc.nat(12), counts }),
    fc.record({ does: fc.constant('truncate' as const), back: fc.nat(12) }),
    fc.record({ does: fc.constant('drop' as const), ahead: fc.nat(4) }),
  ),
  { maxLength: 25 },
);

/** A sequence beside the plain list of its entries, which must always say the same. */
class Twin {
  readonly sequence = new RunSequence<Run>(cutRun);
  entries: LogEntry[] = [];
  #term = 1;

  get lastIndex(): number {
    return this.entries.at(-1)?.index ?? this.sequence.baseIndex;
  }

  do(step: Step): void {
    const { sequence } = this;
    const from = Math.max(sequence.baseIndex + 1, this.lastIndex + 1 - ('back' in step ? step.back : 0));
    switch (step.does) {
      case 'append':
        for (const run of this.#runs(from, step.counts)) sequence.push(run);
        break;
      case 'replace':
        this.entries = this.entries.filter(({ index }) => index < from);
        sequence.replaceWith(this.#runs(from, step.counts));
        break;
      case 'truncate':
        this.entries = this.entries.filter(({ index }) => index < from);
        sequence.truncateFrom(from);
        break;
      case 'drop': {
        const through = Math.min(this.lastIndex, sequence.baseIndex + step.ahead);
        this.entries = this.entries.filter(({ index }) => index > through);
        sequence.dropThrough(through);
      }
    }
  }

  #runs(from: number, sizes: readonly number[]): Run[] {
    const runs: Run[] = [];
    let next = from;
    for (const count of sizes) {
      runs.push(runOf(next, count, this.#term));
      next += count;
      if (count % 2 === 0) this.#term++;
    }
    this.#term++;
    this.entries.push(...entriesIn(runs));
    return runs;
  }
}

describe('A sequence of runs', () => {
  it('says after any appends, replacements and cuts what the list of its entries does', () => {
    fc.assert(
      fc.property(steps, fc.nat(30), fc.nat(30), fc.nat(30), (done, index, length, term) => {
        const twin = new Twin();
        for (const step of done) {
          twin.do(step);
          const { sequence, entries } = twin;
          expect(entriesIn([...sequence])).deep.equal(entries);
          expect(sequence.lastIndex).equal(twin.lastIndex);
          expect(sequence.last?.term ?? 0).equal(entries.at(-1)?.term ?? 0);
          const held = sequence.at(index);
          const entry = entries.find((each) => each.index === index);
          expect(held === null ? undefined : entriesIn([cutRun(held, index, index)])[0]).deep.equal(entry);
          expect(entriesIn(sequence.range(index, index + length))).deep.equal(
            entries.filter((each) => each.index >= index && each.index <= index + length),
          );
          const first = entries.find((each) => each.term >= term);
          expect(sequence.firstIndexFromTerm(term)).equal(first?.index ?? twin.lastIndex + 1);
        }
      }),
    );
  });

  it('hands out a run as the object that it was given, as long as it is whole', () => {
    const sequence = new RunSequence<Run>(cutRun);
    const runs = [runOf(1, 3, 1), runOf(4, 2, 1)];
    sequence.replaceWith(runs);
    expect(sequence.range(1, 5)).have.ordered.members(runs);
    expect([...sequence.runsFrom(2)]).have.ordered.members(runs);
    expect([...sequence.runsFrom(0)], 'from before the first').have.ordered.members(runs);
    expect([...sequence.runsBackwards()]).have.ordered.members([runs[1], runs[0]]);
    sequence.replaceWith([]);
    expect([...sequence], 'nothing replaces nothing').have.ordered.members(runs);
    sequence.truncateFrom(5);
    expect(sequence.at(1)).equal(runs[0]);
    expect(sequence.at(4)).deep.equal(runOf(4, 1, 1));
  });

  it('finds any entry among a million runs of one, and cuts there, without going through them', () => {
    const sequence = new RunSequence<Run>((run) => run);
    const [body] = [new Uint8Array(4)];
    for (let firstIndex = 1; firstIndex <= 1_000_000; firstIndex++) {
      sequence.push({ firstIndex, count: 1, term: 1, kind: 'noop', leaderId: 0, body });
    }
    for (let index = 1; index <= 1_000_000; index += 71) expect(sequence.at(index)?.firstIndex).equal(index);
    for (let index = 1_000_000; index > 0; index -= 3) sequence.truncateFrom(index);
    expect(sequence.lastIndex).equal(0);
  });

  it('dies of a gap, of an overlap, and of what is no run', () => {
    const sequence = new RunSequence<Run>(cutRun, 5);
    sequence.push(runOf(6, 2, 1));
    for (const wrong of [runOf(9, 1, 1), runOf(7, 2, 1), { ...runOf(8, 1, 1), count: 0 }]) {
      expect(() => sequence.push(wrong)).throw(InvariantViolation, 'cannot follow entry 7');
    }
    expect(() => sequence.truncateFrom(5)).throw(InvariantViolation, 'before the log');
    expect(() => sequence.dropThrough(8)).throw(InvariantViolation, 'cannot be dropped');
  });
});
