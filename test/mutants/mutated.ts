import { register } from 'node:module';
import type { simulate } from '../../src/simulation/simulation.js';
import { mutantNamed } from './catalogue.js';

type Simulate = typeof simulate;

let isRegistered = false;

/** The simulation of a world in which every node has the mutant's bug. @throws when there is none of that name. */
export async function simulationOf(mutant: string): Promise<Simulate> {
  mutantNamed(mutant);
  if (!isRegistered) register('./loader.js', import.meta.url);
  isRegistered = true;
  const url = new URL('../../src/simulation/simulation.js', import.meta.url);
  url.searchParams.set('mutant', mutant);
  const module: { simulate: Simulate } = await import(url.href);
  return module.simulate;
}
