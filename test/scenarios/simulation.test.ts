import { allScenarios } from './all-scenarios.js';
import { SimulatedWorld } from './simulated-world.js';

/** Longer than any scenario takes on a machine that two other programs keep busy. */
const scenarioMs = 90_000;

describe('Scenarios in the simulation', () => {
  // CONCLAVE_SEED=N repeats a run event by event.
  const seed = Number(process.env.CONCLAVE_SEED ?? 1);

  for (const { topic, scenarios } of allScenarios) {
    describe(topic, () => {
      for (const scenario of scenarios) {
        it(scenario.name, async function () {
          this.timeout(scenarioMs);
          this.slow(scenarioMs);
          const world = new SimulatedWorld(scenario.options, seed);
          try {
            await world.play((played) => scenario.play(played));
          } catch (error) {
            throw new Error(`${scenario.name} failed (CONCLAVE_SEED=${seed}).`, { cause: error });
          }
        });
      }
    });
  }
});
