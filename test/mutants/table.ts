import type { Catch } from './hunt.js';
import type { Mutant } from './mutant.js';

/** One line of the table: the mutant, what caught it, how many seeds and seconds that took. */
export function row(mutant: Mutant, { invariant, seed, seconds }: Catch): string {
  const caughtBy = invariant === null ? 'SURVIVED' : mutant.tests === undefined ? invariant : 'a unit test';
  const isExpected = invariant === null || mutant.catches.includes(invariant);
  return [
    mutant.name.padEnd(56),
    caughtBy.padEnd(28),
    `${seed}`.padStart(5),
    seconds.toFixed(1).padStart(7),
    isExpected ? '' : `   expected ${mutant.catches.join(' or ')}`,
  ].join(' ');
}

export function summary(catches: readonly Catch[]): string {
  const survivors = catches.filter(({ invariant }) => invariant === null);
  const caught = catches.filter(({ invariant }) => invariant !== null);
  const seeds = caught.map(({ seed }) => seed).filter((seed) => seed > 0);
  seeds.sort((a, b) => a - b);
  const median = seeds[(seeds.length - 1) >> 1] ?? 0;
  const lines = [
    `${caught.length} of ${catches.length} caught, ${caught.length - seeds.length} of them by unit tests; seeds to detect: median ${median}, worst ${seeds.at(-1) ?? 0}`,
  ];
  if (survivors.length > 0) lines.push(`survived: ${survivors.map(({ mutant }) => mutant).join(', ')}`);
  return lines.join('\n');
}
