import { Random } from '../random.js';
import { drawCharacter } from './character.js';
import { Calls } from './clients/calls.js';
import { Client } from './clients/client.js';
import { Recorder } from './clients/recorder.js';
import { Violation } from './invariants/violation.js';
import { checkHistory } from './linearizability/checker.js';
import { keyValueModel } from './linearizability/models.js';
import type { SimulationOptions } from './options.js';
import type { TraceEvent } from './world/trace.js';
import { World } from './world/world.js';

/** The search for an order of the calls ends after so many thousand steps without a verdict. */
const searchStepsMax = 4_000;

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
): RunResult {
  const random = new Random(options.seed);
  const character = drawCharacter(options, random.fork());
  const world = new World(character, random.fork(), reader);
  const recorder = new Recorder();
  const clientRandom = random.fork();
  const calls = new Calls(clientRandom.fork());
  const clients = Array.from(
    { length: character.clients },
    (_, number) =>
      new Client(
        { number, thinkMsMean: character.thinkMsMean, timeoutMs: 1000 },
        world,
        calls,
        recorder,
        clientRandom.fork(),
      ),
  );
  let finding: Finding | null = null;
  try {
    world.start();
    for (const client of clients) client.start();
    world.run(options.virtualMs);
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
