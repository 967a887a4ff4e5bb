import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError, Option } from 'commander';
import { onOutputLost } from '../src/cli/standard-streams.js';
import { ConclaveError, InvalidOptionError } from '../src/ground/errors.js';
import { excerptLines } from '../src/ground/printable.js';
import type { Figure, Pair } from './figures/figure.js';
import { allFigures } from './figures/figures.js';
import { measureFloor } from './floor.js';
import { measureInspection } from './inspected.js';
import { measureOther } from './other.js';
import { measureOurs } from './ours.js';
import { profiledThread, profileRow } from './profile.js';
import {
  figureLineOf,
  figureText,
  profileText,
  type Round,
  resultOf,
  tableHeader,
  tableRow,
} from './report.js';
import { allRows, chooseRows, type Row } from './rows.js';

interface Options {
  readonly json?: true;
  readonly rows?: string;
  readonly seconds: number;
  readonly rounds?: number;
  readonly vs?: string;
  readonly inspected?: true;
  readonly profile?: string;
  readonly atLeast?: number;
}

/** Measured seconds of a run. */
const rowSeconds = 2;
/** How often the run with `--inspected` goes from unwatched to watched, and how long it stays. */
const inspected = { pairs: 60, seconds: 0.5 };

const program = new Command('bench')
  .description(
    'Committed commands a second, and latency, of clusters on this machine, beside the floor that the same threads and router set without Raft. Compare the ratios: absolute figures hold for one machine at one moment.',
  )
  .option(
    '--json',
    'one JSON object a line: row, committedPerSecond, p50Ms, p99Ms, floorPerSecond, ratioToFloor and others; or row, unit, figure, beside, ratio, isReached',
  )
  .option(
    '--rows <names>',
    'which rows, comma-separated; * for one part or several, as in memory-3-*-1024 or disk-* (default: all)',
  )
  .option(
    '--seconds <n>',
    `measured seconds a run, after a warm-up that lasts until it gets no faster (default: ${rowSeconds}); with --inspected a slice (default: ${inspected.seconds})`,
    atLeast(0.1),
  )
  .option(
    '--rounds <n>',
    `runs of each kind a row, in turn; medians are shown (default: 1, with --vs 3, with --inspected ${inspected.pairs})`,
    whole(atLeast(1)),
  )
  .option(
    '--vs <command>',
    'another program to run in turn with ours. It gets -c, -size, -d and -nodes, or {inFlight}, {bytes}, {seconds} and {nodes} filled in, and prints one line of JSON with ops_per_s, p50_ms and p99_ms',
  )
  .option(
    '--at-least <ratio>',
    'exit with status 1 when a row is slower than so much of its floor: for watching that nothing got much slower',
    ratio,
  )
  .addOption(
    new Option(
      '--inspected',
      'instead: what it costs that a page of the inspector is open, in one run',
    ).conflicts(['rows', 'vs', 'atLeast']),
  )
  .addOption(
    new Option(
      '--profile <directory>',
      'instead: processor time of a command by thread, and a CPU profile of each thread in this directory, to open in a browser’s developer tools',
    ).conflicts(['inspected', 'vs', 'atLeast', 'rounds']),
  )
  .addHelpText(
    'after',
    `\nRows (storage-nodes-bytes-inFlight):\n  ${allRows.map(({ name }) => name).join('\n  ')}\nand, beside what else was measured in the same run:\n${allFigures.map(({ name, beside }) => `  ${name.padEnd(20)}${beside}`).join('\n')}`,
  )
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .action(bench);

onOutputLost((status) => process.exit(status));
await program.parseAsync();

async function bench(options: Options): Promise<void> {
  try {
    if (options.inspected) {
      const { rounds = inspected.pairs, seconds = inspected.seconds } = options;
      console.log(JSON.stringify(await measureInspection(rounds, seconds)));
      return;
    }
    if (options.profile !== undefined) {
      await profile(options.profile, options);
      return;
    }
    if (options.vs?.trim() === '') throw new InvalidOptionError('--vs needs a command.');
    const { rows, figures } = chosen(options);
    if (rows.length > 0 && options.json === undefined) console.log(tableHeader(options.vs !== undefined));
    for (const row of rows) {
      const line = resultOf(row, await runRounds(row, options));
      console.log(options.json === undefined ? tableRow(line) : JSON.stringify(line));
      const { atLeast: least = 0 } = options;
      if (line.ratioToFloor >= least) continue;
      console.error(
        `error: ${row.name} is at ${line.ratioToFloor} of its floor, and should be at ${least} at least.`,
      );
      process.exitCode = 1;
    }
    for (const figure of figures) {
      const line = figureLineOf(figure, await runPairs(figure, options));
      console.log(options.json === undefined ? figureText(figure, line) : JSON.stringify(line));
    }
  } catch (error) {
    if (!(error instanceof ConclaveError)) throw error;
    console.error(`error: ${excerptLines(error.message)}`);
    process.exitCode = error.code === 'INVALID_OPTION' ? 2 : 1;
  }
}

/** Each thread must have the profiler loaded, so another process does it unless this is one that has. */
async function profile(directory: string, options: Options): Promise<void> {
  const { rows } = chosen(options, []);
  const preload = ['--import', profiledThread];
  if (!process.execArgv.includes(profiledThread)) {
    const words = [...preload, fileURLToPath(import.meta.url), ...process.argv.slice(2)];
    process.exitCode = spawnSync(process.execPath, words, { stdio: 'inherit' }).status ?? 1;
    return;
  }
  for (const row of rows) {
    const line = await profileRow(row, options.seconds ?? rowSeconds, directory);
    console.log(options.json === undefined ? profileText(line) : JSON.stringify(line));
  }
}

/** What else is measured than rates stands beside no other program, and is not profiled. */
function chosen(
  { rows: names, vs }: Options,
  candidates: readonly Figure[] = vs === undefined ? allFigures : [],
) {
  const all: readonly (Row | Figure)[] = [...allRows, ...candidates];
  const found =
    names === undefined ? all.filter((row) => !('takesLong' in row)) : chooseRows(names.split(','), all);
  return {
    rows: found.filter((row) => 'storage' in row),
    figures: found.filter((row) => 'measure' in row),
  };
}

async function runPairs(figure: Figure, { seconds = rowSeconds, rounds = 1 }: Options): Promise<Pair[]> {
  const done: Pair[] = [];
  for (let round = 0; round < rounds; round++) done.push(...(await figure.measure(seconds)));
  return done;
}

/** The other program, ours and the floor in turn, so that a noisy moment meets all of them. */
async function runRounds(
  row: Row,
  { seconds = rowSeconds, vs, rounds = vs === undefined ? 1 : 3 }: Options,
): Promise<Round[]> {
  const done: Round[] = [];
  while (done.length < rounds) {
    // First what may turn out not to run at all.
    const other = vs === undefined ? null : await measureOther(vs, row, seconds);
    const ours = await measureOurs(row, seconds);
    const floor = await measureFloor(row, seconds);
    done.push({ ours, floor, other });
  }
  return done;
}

function whole(parse: (text: string) => number) {
  return (text: string): number => {
    const value = parse(text);
    if (!Number.isInteger(value)) throw new InvalidArgumentError('It must be a whole number.');
    return value;
  };
}

function ratio(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 1)) throw new InvalidArgumentError('It must be between 0 and 1.');
  return value;
}

function atLeast(min: number) {
  return (text: string): number => {
    const value = Number(text);
    if (!(value >= min && value <= 3600))
      throw new InvalidArgumentError(`It must be between ${min} and 3600.`);
    return value;
  };
}
