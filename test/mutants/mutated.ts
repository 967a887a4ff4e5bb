import { register } from 'node:module';
import Mocha from 'mocha';
import type { simulate } from '../../src/simulation/simulation.js';
import { mutantNamed } from './catalogue.js';

type Simulate = typeof simulate;

let isRegistered = false;

/** A module below `dist/`, with all that it imports, as the mutant has it. @throws when there is none of that name. */
async function mutated<Module>(mutant: string, path: string): Promise<Module> {
  mutantNamed(mutant);
  if (!isRegistered) register('./loader.js', import.meta.url);
  isRegistered = true;
  const url = new URL(`../../${path}`, import.meta.url);
  url.searchParams.set('mutant', mutant);
  return import(url.href);
}

/** The simulation of a world in which every node has the mutant's bug. @throws when there is none of that name. */
export async function simulationOf(mutant: string): Promise<Simulate> {
  const { simulate } = await mutated<{ simulate: Simulate }>(mutant, 'src/simulation/simulation.js');
  return simulate;
}

/**
 * The full titles of the tests in a file below `dist/test/` that fail when what they test has the mutant's bug. Takes
 * over this thread's `describe` and `it`.
 */
export async function failuresWith(mutant: string, tests: string): Promise<string[]> {
  const mocha = new Mocha({ reporter: Mocha.reporters.Base, timeout: 60_000 });
  mocha.suite.emit(Mocha.Suite.constants.EVENT_FILE_PRE_REQUIRE, globalThis, tests, mocha);
  await mutated(mutant, `test/${tests}`);
  const failures: string[] = [];
  await new Promise((ended) => {
    mocha.run(ended).on('fail', (test) => failures.push(test.fullTitle()));
  });
  return failures;
}
