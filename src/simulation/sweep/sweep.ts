import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import type { SimulationOptions } from '../options.js';
import type { RunResult } from '../simulation.js';
import type { SweepTask } from './sweep-worker.js';

/** What a thread may fill with short-lived objects before it collects them, in MiB. */
const nurseryMb = 64;

/** Which worlds to run. */
export interface SweepOptions {
  readonly simulation: SimulationOptions;
  readonly seedFrom: number;
  /** Infinity: until `isOver`. */
  readonly seedTo: number;
  readonly mutant: string | null;
  /** Default: one for each processor. */
  readonly threads?: number;
  /** No further seed is begun once it is. */
  readonly isOver: () => boolean;
  readonly finished: (result: RunResult) => void;
}

/** What all runs together came to. */
export interface SweepTally {
  runs: number;
  virtualMs: number;
  committed: number;
  calls: number;
  /** Runs whose history the checker could not decide. */
  unknown: number;
  readonly rareStates: Map<string, number>;
  /** Of the lowest seed that failed, or null. */
  failure: RunResult | null;
}

/** Runs a range of seeds on all processors. Begins no more once one has failed, and finishes those under way. */
export async function sweep(options: SweepOptions): Promise<SweepTally> {
  const {
    simulation,
    seedFrom,
    seedTo,
    mutant,
    threads = availableParallelism(),
    isOver,
    finished,
  } = options;
  const pool = new Piscina<SweepTask, RunResult>({
    filename: fileURLToPath(new URL('./sweep-worker.js', import.meta.url)),
    name: 'run',
    minThreads: threads,
    maxThreads: threads,
    // A world makes much that lasts a moment: in larger nurseries most of it dies before it is ever copied.
    resourceLimits: { maxYoungGenerationSizeMb: nurseryMb },
  });
  const tally: SweepTally = {
    runs: 0,
    virtualMs: 0,
    committed: 0,
    calls: 0,
    unknown: 0,
    rareStates: new Map(),
    failure: null,
  };
  let next = seedFrom;
  const work = async () => {
    while (next <= seedTo && tally.failure === null && !isOver()) {
      const result = await pool.run({ options: { ...simulation, seed: next++ }, mutant });
      add(tally, result);
      finished(result);
    }
  };
  try {
    await Promise.all(Array.from({ length: threads }, work));
  } finally {
    await pool.destroy();
  }
  return tally;
}

function add(tally: SweepTally, result: RunResult): void {
  tally.runs++;
  tally.virtualMs += result.virtualMs;
  tally.committed += result.committed;
  tally.calls += result.calls;
  if (result.verdict === 'unknown') tally.unknown++;
  for (const [state, count] of Object.entries(result.rareStates)) {
    tally.rareStates.set(state, (tally.rareStates.get(state) ?? 0) + count);
  }
  if (result.finding === null) return;
  if (tally.failure === null || result.seed < tally.failure.seed) tally.failure = result;
}
