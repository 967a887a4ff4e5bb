import { performance } from 'node:perf_hooks';
import { defaultSimulation, faultKinds } from '../../src/simulation/options.js';
import { argumentsOf } from '../../src/simulation/sweep/command-line.js';
import { mutantNamed } from './catalogue.js';
import { failuresWith, simulationOf } from './mutated.js';

/**
 * Worlds are as they were before there were sessions, leases and changes of members in some, unless a mutant wants those.
 * Many short ones show more in the same time than few long ones.
 */
const faults = faultKinds.filter((kind) => kind !== 'memberChanges' && kind !== 'transfers');
const usual = { ...defaultSimulation, virtualMs: 20_000, sessions: false, leases: false, faults };

/** How long to look for a mutant. */
export interface Hunt {
  readonly mutant: string;
  readonly seedsMax: number;
}

/** What a hunt came to. */
export interface Catch {
  readonly mutant: string;
  /** Null when it survived; the title of the test that caught it, if one was to. */
  readonly invariant: string | null;
  readonly text: string;
  /** The seed that caught it: seeds from 1 on were tried, so also how many it took. 0 where unit tests were run. */
  readonly seed: number;
  readonly seconds: number;
  /** The command that runs that seed again. */
  readonly replay: string;
}

/** Tries seeds from 1 on until one catches the mutant, or runs the tests that are to. */
export async function hunt({ mutant: name, seedsMax }: Hunt): Promise<Catch> {
  const mutant = mutantNamed(name);
  const simulate = await simulationOf(name);
  const startedAtMs = performance.now();
  const result = (seed: number, invariant: string | null, text: string): Catch => {
    const seconds = (performance.now() - startedAtMs) / 1000;
    const words = argumentsOf({ ...usual, ...mutant.world, seed }, name);
    return { mutant: name, invariant, text, seed, seconds, replay: `npm run simulate -- ${words}` };
  };
  if (mutant.tests !== undefined) {
    const failures = await failuresWith(name, mutant.tests);
    const [failed = null] = failures.filter((title) => mutant.catches.includes(title));
    return { ...result(0, failed, ''), replay: `npm run mutants -- --only ${name}` };
  }
  for (let seed = 1; seed <= seedsMax; seed++) {
    const { finding } = simulate({ ...usual, ...mutant.world, seed });
    if (finding !== null) return result(seed, finding.invariant, finding.text);
  }
  return result(seedsMax, null, '');
}
