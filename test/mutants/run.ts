import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { Piscina } from 'piscina';
import { onOutputLost } from '../../src/cli/standard-streams.js';
import { catalogue, mutantNamed } from './catalogue.js';
import type { Catch, Hunt } from './hunt.js';
import type { Mutant } from './mutant.js';
import { row, summary } from './table.js';

const exitStatus = { caught: 0, survived: 1, usage: 2 } as const;

interface Options {
  readonly seedsMax: number;
  readonly only?: readonly Mutant[];
  readonly json?: true;
}

const options = new Command('npm run -s mutants --')
  .description('Runs the simulation over every known way of getting Raft wrong.')
  .option('--seeds-max <number>', 'give a mutant up after so many seeds', positive, 1000)
  .option('--only <names...>', 'hunt these alone', named)
  .option('--json', 'print a line of JSON for each')
  .addHelpText('after', '\nExit status: 0 all were caught, 1 one survived, 2 a wrong option.')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? exitStatus.caught : exitStatus.usage))
  .parse()
  .opts<Options>();

onOutputLost((status) => process.exit(status));
const mutants = [...new Set(options.only ?? catalogue)];
const pool = new Piscina<Hunt, Catch>({
  filename: fileURLToPath(new URL('./hunt.js', import.meta.url)),
  name: 'hunt',
  atomics: 'disabled',
  maxThreads: Math.min(2, availableParallelism()),
});
const catches = await Promise.all(
  mutants.map(async ({ name }) => {
    const caught = await pool.run({ mutant: name, seedsMax: options.seedsMax });
    console.log(options.json ? JSON.stringify(caught) : row(mutantNamed(name), caught));
    return caught;
  }),
);
await pool.destroy();
if (!options.json) console.log(summary(catches));
process.exitCode = catches.every(({ invariant }) => invariant !== null)
  ? exitStatus.caught
  : exitStatus.survived;

function named(name: string, before: readonly Mutant[] = []): readonly Mutant[] {
  try {
    return [...before, mutantNamed(name)];
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

function positive(value: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 1)
    throw new InvalidArgumentError('It must be a number from 1 on.');
  return number;
}
