import type { SimulationOptions } from '../../src/simulation/options.js';

/** One change of a compiled file. */
export interface Patch {
  /** Below `dist/`. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** A known way of getting Raft wrong, as a change of the production code that is made while it is loaded. */
export interface Mutant {
  readonly name: string;
  /** What is wrong, in a sentence. */
  readonly bug: string;
  /** Where it is known from: a paper's section, a specification's name, somebody's bug. */
  readonly source: string;
  /** The invariants that are expected to catch it; of one that `tests` are to catch, the titles of those that do. */
  readonly catches: readonly string[];
  readonly patches: readonly Patch[];
  /** The file of unit tests, below `dist/test/`, that is to catch it where no simulated world can. */
  readonly tests?: string;
  /** How its worlds differ from the usual ones, if at all. */
  readonly world?: Partial<Omit<SimulationOptions, 'seed'>>;
}

/** The patch does not fit the code any more: mend the patch. */
export class PatchDoesNotApply extends Error {
  readonly code = 'PATCH_DOES_NOT_APPLY';

  constructor(mutant: Mutant, patch: Patch, times: number) {
    super(
      `Mutant "${mutant.name}" looks for a text in dist/${patch.file} that must stand there once and stands there ${times} times. The code has changed: mend the patch in test/mutants. The text:\n${patch.find}`,
    );
    this.name = 'PatchDoesNotApply';
  }
}

/**
 * The file's text with the mutant's patches to it.
 * @throws {PatchDoesNotApply}
 */
export function mutate(mutant: Mutant, file: string, text: string): string {
  let mutated = text;
  for (const patch of mutant.patches) {
    if (patch.file !== file) continue;
    const times = mutated.split(patch.find).length - 1;
    if (times !== 1) throw new PatchDoesNotApply(mutant, patch, times);
    mutated = mutated.replace(patch.find, () => patch.replace);
  }
  return mutated;
}
