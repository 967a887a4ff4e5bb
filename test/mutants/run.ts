import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { Piscina } from 'piscina';
import { catalogue, mutantNamed } from './catalogue.js';
import type { Catch, Hunt } from './hunt.js';
import { row, summary } from './table.js';

interface Options {
  readonly seedsMax: number;
  readonly only?: readonly string[];
  readonly json?: true;
}

const options = new Command('mutants')
  .description(
    'Runs the simulation over every known way of getting Raft wrong. Ends with 1 when one survives.',
  )
  .option('--seeds-max <number>', 'give a mutant up after so many seeds', positive, 1000)
  .option('--only <names...>', 'hunt these alone')
  .option('--json', 'print a line of JSON for each')
  .parse()
  .opts<Options>();

const mutants = options.only?.map(mutantNamed) ?? catalogue;
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
process.exitCode = catches.every(({ invariant }) => invariant !== null) ? 0 : 1;

function positive(value: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 1)
    throw new InvalidArgumentError('It must be a number from 1 on.');
  return number;
}
