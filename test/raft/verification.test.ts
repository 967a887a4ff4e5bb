import { expect } from 'chai';
import fc from 'fast-check';
import { Configuration } from '../../src/raft/configuration.js';
import { VerificationRound } from '../../src/raft/verification.js';

const three = Configuration.of([0, 1, 2]);

describe('A verification round', () => {
  it('has for each command that it refuses the reasons of those who gave one', () => {
    const round = new VerificationRound(3);
    const [low, high] = ['too low', 'too high'].map((reason) => new TextEncoder().encode(reason));
    round.count({ from: 0, approved: [false, true, false], reasons: [low!, high!] });
    round.count({ from: 1, approved: [false, true, false], reasons: [high!, new Uint8Array(0)] });
    const decisions = round.decisions(three);
    expect(decisions?.map(({ approved }) => approved)).deep.equal([false, true, false]);
    expect(decisions?.map(({ reasons }) => [...reasons])).deep.equal([
      [
        [0, low],
        [1, high],
      ],
      [],
      [[0, high]],
    ]);
  });

  it('has no reason of a voter against what that voter approves, whatever else it refuses', () => {
    const round = new VerificationRound(3);
    const [low, high] = ['too low', 'too high'].map((reason) => new TextEncoder().encode(reason));
    round.count({ from: 0, approved: [true, false, false], reasons: [low!, high!] });
    round.count({ from: 1, approved: [false, false, false] });
    round.count({ from: 2, approved: [false, true, false] });
    expect(round.decisions(three)?.map(({ reasons }) => [...reasons])).deep.equal([
      [],
      [[0, low]],
      [[0, high]],
    ]);
  });

  it('grants what was appended before, whatever voters say of it now', () => {
    const round = new VerificationRound(2, (command) => command === 1);
    for (const from of [0, 1]) round.count({ from, approved: [true, false] });
    expect(round.decisions(three)?.map(({ approved }) => approved)).deep.equal([true, true]);
  });

  it('approves what a majority of voters approves, each command by itself', () => {
    const round = new VerificationRound(2);
    round.count({ from: 0, approved: [true, false] });
    expect(round.decisions(three)).equal(null);
    round.count({ from: 1, approved: [true, false] });
    expect(round.decisions(three)?.map(({ approved }) => approved)).deep.equal([true, false]);
  });

  it('is open while any command is', () => {
    const round = new VerificationRound(2);
    round.count({ from: 0, approved: [true, true] });
    round.count({ from: 1, approved: [true, false] });
    expect(round.decisions(three)).equal(null);
    round.count({ from: 2, approved: [true, true] });
    expect(round.decisions(three)?.map(({ approved }) => approved)).deep.equal([true, true]);
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
        const decisions = round.decisions(voters)?.map(({ approved }) => approved) ?? null;
        expect(decisions).deep.equal(decided ? [winsWith(true)] : null);
      }),
    );
  });
});
