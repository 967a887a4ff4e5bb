import { existsSync } from 'node:fs';
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
  return withoutStacks(simulateNodes, options);
}

/**
 * The simulation of nodes as they are, or with a bug.
 * @throws when there is no such mutant, or this is an installed package, which has none.
 */
export async function simulationOf(mutant: string | null): Promise<Simulate> {
  if (mutant === null) return simulate;
  if (!existsSync(mutants)) throw new Error('An installed package has no mutants: they are in the checkout.');
  const mutated: { simulationOf(name: string): Promise<Simulate> } = await import(mutants.href);
  return mutated.simulationOf(mutant);
}

/**
 * Nodes make errors all the time, to refuse what they are asked, and nobody looks where they came from. So none are
 * given a stack, and only a run that does not end well is repeated with them, for its reader.
 */
function withoutStacks(simulation: Simulate, options: SimulationOptions): RunResult {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    const result = simulation(options);
    if (result.finding === null) return result;
  } catch {
    // It will throw again, with a stack.
  } finally {
    Error.stackTraceLimit = limit;
  }
  return simulation(options);
}
