import { expect } from 'chai';
import fc from 'fast-check';
import { Configuration } from '../../src/raft/configuration.js';
import { VerificationRound } from '../../src/raft/verification.js';

const three = Configuration.of([0, 1, 2]);

describe('A verification round', () => {
  it('approves what a majority of voters approves, each command by itself', () => {
    const round = new VerificationRound(2);
    round.count({ from: 0, approved: [true, false] });
    expect(round.decisions(three)).equal(null);
    round.count({ from: 1, approved: [true, false] });
    expect(round.decisions(three)).deep.equal([true, false]);
  });

  it('is open while any command is', () => {
    const round = new VerificationRound(2);
    round.count({ from: 0, approved: [true, true] });
    round.count({ from: 1, approved: [true, false] });
    expect(round.decisions(three)).equal(null);
    round.count({ from: 2, approved: [true, true] });
    expect(round.decisions(three)).deep.equal([true, true]);
  });

  it('counts a voter once, and neither strangers nor answers of the wrong length', () => {
    const round = new VerificationRound(1);
    round.count({ from: 0, approved: [true] });
    round.count({ from: 0, approved: [true] });
    round.count({ from: 9, approved: [true] });
    round.count({ from: 1, approved: [true, true] });
    expect(round.decisions(three)).equal(null);
    expect([0, 1, 2].map((id) => round.hasAnswered(id))).deep.equal([true, false, false]);
  });

  it('decides as soon as, and only when, what is missing could not change it', () => {
    const verdict = fc.option(fc.boolean(), { nil: null });
    fc.assert(
      fc.property(fc.array(verdict, { minLength: 1, maxLength: 7 }), (verdicts) => {
        const round = new VerificationRound(1);
        const voters = Configuration.of([...verdicts.keys()]);
        verdicts.forEach((approved, from) => {
          if (approved !== null) round.count({ from, approved: [approved] });
        });
        const winsWith = (missing: boolean) =>
          verdicts.filter((approved) => approved ?? missing).length * 2 > verdicts.length;
        const decided = winsWith(true) === winsWith(false);
        expect(round.decisions(voters)).deep.equal(decided ? [winsWith(true)] : null);
      }),
    );
  });
});
