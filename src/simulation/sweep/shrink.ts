import type { SimulationOptions } from '../options.js';
import type { RunResult } from '../simulation.js';

/** Runs that shrinking may take. */
const runsMax = 200;

/** A run that still fails. */
export interface Shrunk {
  readonly options: SimulationOptions;
  readonly result: RunResult;
  /** How many runs it took. */
  readonly runs: number;
}

/**
 * Looks for a smaller run that breaks the same invariant: shorter, with fewer kinds of fault, clients and nodes. One
 * thing at a time is taken away, as long as something can be.
 */
export async function shrink(
  options: SimulationOptions,
  failing: RunResult,
  run: (options: SimulationOptions) => Promise<RunResult>,
): Promise<Shrunk> {
  let best: Shrunk = { options, result: failing, runs: 0 };
  let runs = 0;
  const fails = async (candidate: SimulationOptions): Promise<boolean> => {
    if (runs >= runsMax) return false;
    runs++;
    const result = await run(candidate);
    if (result.finding === null || result.finding.invariant !== failing.finding?.invariant) return false;
    best = { options: endedAtFinding(candidate, result), result, runs };
    return true;
  };
  best = { ...best, options: endedAtFinding(options, failing) };
  for (let before: SimulationOptions | null = null; before !== best.options && runs < runsMax; ) {
    before = best.options;
    for (const kind of best.options.faults) {
      await fails({ ...best.options, faults: best.options.faults.filter((each) => each !== kind) });
    }
    const { nodes } = best.options;
    if (nodes > 3) await fails({ ...best.options, nodes: nodes - 2 });
    const clients = best.options.clients ?? 6;
    for (let fewer = 0; fewer < clients && !(await fails({ ...best.options, clients: fewer })); ) fewer++;
  }
  return { ...best, runs };
}

/** What comes after the failure does not matter. */
function endedAtFinding(options: SimulationOptions, { finding }: RunResult): SimulationOptions {
  if (options.mode === 'liveness' || finding === null) return options;
  return { ...options, virtualMs: Math.min(options.virtualMs, Math.ceil(finding.atMs + 1)) };
}
