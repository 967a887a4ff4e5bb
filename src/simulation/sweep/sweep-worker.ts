import type { SimulationOptions } from '../options.js';
import { type RunResult, simulate } from '../simulation.js';

/** One run of a sweep, as a thread of the pool is given it. */
export interface SweepTask {
  readonly options: SimulationOptions;
  /** A bug from `test/mutants` that all nodes are to have, or null. */
  readonly mutant: string | null;
}

type Simulate = typeof simulate;

/** Where the mutants are: beside the library and no part of it. */
const mutants = new URL('../../../test/mutants/mutated.js', import.meta.url);

export async function run({ options, mutant }: SweepTask): Promise<RunResult> {
  const simulateNodes = await simulationOf(mutant);
  return simulateNodes(options);
}

/**
 * The simulation of nodes as they are, or with a bug.
 * @throws when there is no such mutant, or this is an installed package, which has none.
 */
export async function simulationOf(mutant: string | null): Promise<Simulate> {
  if (mutant === null) return simulate;
  const mutated: { simulationOf(name: string): Promise<Simulate> } = await import(mutants.href);
  return mutated.simulationOf(mutant);
}
