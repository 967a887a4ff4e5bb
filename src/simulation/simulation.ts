import { checkTables } from '../../machines/event-table.js';
import { Random } from '../ground/random.js';
import { drawCharacter } from './character.js';
import { Crowd } from './clients/crowd.js';
import { Recorder } from './clients/recorder.js';
import { drawStrengths, FaultPlan } from './faults/fault-plan.js';
import { Violation } from './invariants/violation.js';
import { checkHistory } from './linearizability/checker.js';
import { keyValueModel } from './linearizability/models.js';
import { requireProgress } from './liveness.js';
import type { SimulationOptions } from './options.js';
import type { TraceEvent } from './world/trace.js';
import type { Spectator } from './world/world.js';
import { World } from './world/world.js';

/** The operator's chance is apart from all else: worlds without one are as they were before there were any. */
const apartFrom = 0x0be7_a702;

/** The search for an order of the calls ends after so many thousand steps without a verdict. */
const searchStepsMax = 4_000;

/** In one world of so many the interpreter does again what the tables of the charts decide. */
const worldsPerCheck = 8;

/** What broke. */
export interface Finding {
  readonly invariant: string;
  readonly text: string;
  /** Virtual milliseconds. */
  readonly atMs: number;
}

/** What one run came to. */
export interface RunResult {
  readonly seed: number;
  readonly hash: string;
  readonly finding: Finding | null;
  readonly virtualMs: number;
  readonly steps: number;
  readonly committed: number;
  readonly calls: number;
  readonly verdict: 'linearizable' | 'not linearizable' | 'unknown';
  readonly rareStates: Readonly<Record<string, number>>;
}

/** Runs one world from its seed to its end, or to the first thing that must never happen. */
export function simulate(
  options: SimulationOptions,
  reader: ((event: TraceEvent) => void) | null = null,
  spectator: Spectator | null = null,
): RunResult {
  checkTables(options.seed % worldsPerCheck === 0);
  const random = new Random(options.seed);
  const drawn = drawCharacter(options, random.fork());
  const ofWorld = random.fork();
  const strengths = drawStrengths(options.faults, random.fork());
  // Whose verdicts count is to be known.
  const verifies = strengths.has('verifications') && !strengths.has('memberChanges');
  const character = { ...drawn, verifies };
  const world = new World(character, ofWorld, reader, spectator);
  const recorder = new Recorder();
  const plan = new FaultPlan(world, strengths, random.fork(), new Random(options.seed + apartFrom));
  const { electionTimeoutMsMax } = character.node.timings;
  const deaths = strengths.get('clientDeaths');
  const crowd = new Crowd(
    character.clients,
    {
      timeoutMs: electionTimeoutMsMax * 4,
      lifeMsMean: deaths === undefined ? null : 500 + deaths.everyMsMean,
      hangs: strengths.get('clientHangs') ?? null,
    },
    world,
    recorder,
    random.fork(),
  );
  let finding: Finding | null = null;
  try {
    world.start();
    plan.start();
    crowd.start();
    world.run(options.virtualMs);
    crowd.checkDeadlines();
    if (options.mode === 'liveness') {
      requireProgress({ world, plan, crowd, electionTimeoutMsMax }, random.fork());
    }
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    finding = { invariant: error.invariant, text: error.message, atMs: world.time.now() };
  }
  let verdict: RunResult['verdict'] = 'linearizable';
  if (finding === null) {
    let searched = 0;
    const result = checkHistory(keyValueModel, recorder.history(), {
      now: () => ++searched,
      timeLimitMs: searchStepsMax,
    });
    verdict = result.verdict;
    if (result.verdict === 'not linearizable') {
      const text = `The calls on key ${result.key} have no order:\n${result.drawing}`;
      finding = { invariant: 'Linearizability', text, atMs: world.time.now() };
    }
  }
  return {
    seed: options.seed,
    hash: world.trace.hash(),
    finding,
    virtualMs: world.time.now(),
    steps: world.time.steps,
    committed: world.oracle.cluster.committed.length,
    calls: recorder.answered,
    verdict,
    rareStates: Object.fromEntries(world.rare.counts),
  };
}
