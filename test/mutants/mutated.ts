import { register } from 'node:module';
import type { simulate } from '../../src/simulation/simulation.js';

type Simulate = typeof simulate;

let isRegistered = false;

/** The simulation of a world in which every node has the mutant's bug. */
export async function simulationOf(mutant: string): Promise<Simulate> {
  if (!isRegistered) register('./loader.js', import.meta.url);
  isRegistered = true;
  const url = new URL('../../src/simulation/simulation.js', import.meta.url);
  url.searchParams.set('mutant', mutant);
  const module: { simulate: Simulate } = await import(url.href);
  return module.simulate;
}
