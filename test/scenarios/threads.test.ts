import { allScenarios } from './all-scenarios.js';
import { ThreadWorld } from './thread-world.js';

/** Longer than any scenario takes on a machine that two other programs keep busy. */
const scenarioMs = 90_000;

describe('Scenarios on worker threads', () => {
  // CONCLAVE_SEED=N repeats the chance of a run; the threads' own timing stays theirs.
  const seed = Number(process.env.CONCLAVE_SEED ?? Date.now());

  for (const { topic, scenarios } of allScenarios) {
    describe(topic, () => {
      for (const scenario of scenarios) {
        it(scenario.name, async function () {
          this.timeout(scenarioMs);
          this.slow(scenarioMs);
          const world = await ThreadWorld.open(scenario.options, seed);
          try {
            await scenario.play(world);
          } catch (error) {
            throw new Error(`${scenario.name} failed (CONCLAVE_SEED=${seed}).`, { cause: error });
          } finally {
            await world.close();
          }
        });
      }
    });
  }
});
