import { expect } from 'chai';
import { InvalidOptionError } from '../../src/ground/errors.js';
import { Random } from '../../src/ground/random.js';
import { cleanLink, drawLatencyMs, type LinkPolicy, mergePolicy } from '../../src/router/link-policy.js';

describe('link policy', () => {
  it('keeps what a change does not name', () => {
    const lossy = mergePolicy(cleanLink, { loss: 0.25 });
    expect(mergePolicy(lossy, { latencyMsMin: 1, latencyMsMax: 5 })).to.deep.equal({
      ...cleanLink,
      loss: 0.25,
      latencyMsMin: 1,
      latencyMsMax: 5,
    });
  });

  const wrong: [string, object, RegExp][] = [
    ['a negative latency', { latencyMsMin: -1 }, /latencyMsMin is -1/],
    ['an endless latency', { latencyMsMax: Number.POSITIVE_INFINITY }, /latencyMsMax is Infinity/],
    ['latencies in the wrong order', { latencyMsMin: 9, latencyMsMax: 3 }, /\(9\) exceeds .*\(3\)/],
    ['a loss above one', { loss: 1.5 }, /loss is 1.5. Give a probability from 0 to 1/],
    ['a duplication that is no number', { duplication: Number.NaN }, /duplication is NaN/],
    ['a reordering in words', { reordering: 'often' }, /reordering is often/],
    ['an unknown distribution', { distribution: 'pareto' }, /'uniform' or 'normal'/],
    ['a cut that is no boolean', { cut: 1 }, /cut is 1/],
    ['a field it does not have', { latency: 3 }, /no setting latency.*latencyMsMin/],
  ];
  for (const [what, change, text] of wrong) {
    it(`refuses ${what}, and says what would do`, () => {
      expect(() => mergePolicy(cleanLink, change as Partial<LinkPolicy>)).to.throw(InvalidOptionError, text);
    });
  }

  /** Shares of 20,000 draws from [10, 40] in six parts of equal width. */
  function shares(distribution: 'uniform' | 'normal'): number[] {
    const policy = mergePolicy(cleanLink, { latencyMsMin: 10, latencyMsMax: 40, distribution });
    const random = new Random(5);
    const parts = [0, 0, 0, 0, 0, 0];
    for (let draw = 0; draw < 20_000; draw++) {
      const ms = drawLatencyMs(policy, random);
      expect(ms).to.be.within(10, 40);
      const part = Math.min(5, Math.floor((ms - 10) / 5));
      parts[part] = (parts[part] ?? 0) + 1 / 20_000;
    }
    return parts;
  }

  it('spreads uniform latency evenly', () => {
    for (const share of shares('uniform')) expect(share).to.be.closeTo(1 / 6, 0.01);
  });

  it('gathers normal latency around the middle: 68 % within a deviation, 95 % within two', () => {
    const [first, second, third, fourth, fifth, sixth] = shares('normal') as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    expect(third + fourth).to.be.closeTo(0.683, 0.01);
    expect(second + fifth).to.be.closeTo(0.272, 0.01);
    expect(first + sixth).to.be.closeTo(0.046, 0.005);
  });
});
