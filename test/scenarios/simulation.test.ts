import { allScenarios } from './all-scenarios.js';
import { SimulatedWorld } from './simulated-world.js';

/** A scenario whose promises never settle is broken; virtual time costs little. */
const scenarioMs = 30_000;

describe('Scenarios in the simulation', () => {
  // CONCLAVE_SEED=N repeats a run event by event.
  const seed = Number(process.env.CONCLAVE_SEED ?? 1);

  for (const { topic, scenarios } of allScenarios) {
    describe(topic, () => {
      for (const scenario of scenarios) {
        it(scenario.name, async function () {
          this.timeout(scenarioMs);
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
