import { allScenarios } from './all-scenarios.js';
import { NotInProcesses, ProcessWorld } from './process-world.js';

/** Longer than any scenario takes on a machine that other programs keep busy. */
const scenarioMs = 180_000;

/** They take many minutes, and the same texts are played on threads at every run: so only when they are asked for. */
const areAsked = process.env.CONCLAVE_PROCESS_SCENARIOS !== undefined;

describe('Scenarios on processes', () => {
  // CONCLAVE_SEED=N repeats the chance of a run; the processes' own timing stays theirs.
  const seed = Number(process.env.CONCLAVE_SEED ?? Date.now() % 1_000_000_000);

  before(function () {
    if (areAsked) return;
    console.log('      played when CONCLAVE_PROCESS_SCENARIOS is set');
    this.skip();
  });

  for (const { topic, scenarios } of allScenarios) {
    describe(topic, () => {
      for (const scenario of scenarios) {
        it(scenario.name, async function () {
          this.timeout(scenarioMs);
          this.slow(scenarioMs);
          let world: ProcessWorld | null = null;
          try {
            world = await ProcessWorld.open(scenario.options, seed);
            await scenario.play(world);
          } catch (error) {
            if (!(error instanceof NotInProcesses)) {
              throw new Error(`${scenario.name} failed (CONCLAVE_SEED=${seed}).`, { cause: error });
            }
            console.log(`      ${scenario.name} is not for processes: ${error.message}.`);
            this.skip();
          } finally {
            await world?.close();
          }
        });
      }
    });
  }
});
