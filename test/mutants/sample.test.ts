import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { Piscina } from 'piscina';
import { mutantNamed } from './catalogue.js';
import type { Catch, Hunt } from './hunt.js';
import { testedMutants } from './rules.js';

/** Those that a few seeds catch; `npm run mutants` hunts them all. */
const quickest = [
  'vote-cleared-on-same-term-step-down',
  'self-vote-not-recorded',
  'quorum-over-an-unsorted-list',
  'vote-not-persisted',
  'term-not-persisted',
  'acknowledgement-before-fsync',
  'vote-sent-before-fsync',
  'leader-counts-itself-before-its-own-fsync',
  'applied-out-of-order-after-a-restart',
  'refused-proposal-applied-twice',
  'own-vote-counted-before-it-is-durable',
] as const;
const seedsMax = 8;
/** Tests that take long when they fail. */
const slowest = ['waits-never-lengthen', 'nonsense-heard-second-leader'];

describe('A sample of the mutants', () => {
  let pool: Piscina<Hunt, Catch>;

  before(() => {
    const filename = fileURLToPath(new URL('./hunt.js', import.meta.url));
    pool = new Piscina({ filename, name: 'hunt', atomics: 'disabled', minThreads: 2, maxThreads: 2 });
  });

  after(() => pool.destroy());

  async function hunt(mutants: readonly string[]): Promise<void> {
    const catches = await Promise.all(mutants.map((mutant) => pool.run({ mutant, seedsMax })));
    for (const { mutant, invariant, text } of catches) {
      expect(invariant, `${mutant}: ${text}`).to.be.oneOf([...mutantNamed(mutant).catches]);
    }
  }

  it('is caught, each by an invariant that is meant to', async function () {
    this.timeout(120_000);
    await hunt(quickest);
  });

  it('is caught, each by a unit test that is meant to, where no simulated world can', async function () {
    this.timeout(120_000);
    await hunt(testedMutants.map(({ name }) => name).filter((name) => !slowest.includes(name)));
  });
});
