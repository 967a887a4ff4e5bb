import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { UsageError } from '../../console/usage-error.js';
import { messageOf } from '../../ground/thrown.js';
import type { ChartGeometry } from '../../inspector/charts/chart-geometry.js';
import { chartedMachines, machinesFolder, modulesIn } from '../../inspector/charts/charted-machines.js';

const OUT_DEFAULT = 'dist/charts';
/** Beside the drawings: what they were made from. */
const FINGERPRINT_FILE = 'made-from.json';
const EXIT = { drawn: 0, failed: 1 } as const;

const drawingFolder = fileURLToPath(new URL('../../inspector/charts/', import.meta.url));

interface Settings {
  readonly out: string;
  readonly ifChanged: boolean;
}

interface MadeFrom {
  readonly fingerprint: string;
  readonly files: readonly string[];
}

/** `conclave charts`: writes the chart of each machine as SVG and JSON and prints the files written, one a line. */
export function chartsCommand(command: Command): void {
  command
    .description("Draws the machines' statecharts from their own definitions, each as SVG and JSON.")
    .option('--out <DIR>', 'where to write', OUT_DEFAULT)
    .option(
      '--if-changed',
      'write only when a machine has changed since the last time, and print nothing',
      false,
    )
    .addHelpText(
      'after',
      '\nPrints the files written, one a line.\n\nExit status: 0 drawn, 1 a chart cannot be drawn, 2 a wrong option or a directory that cannot be written.',
    )
    .action(async (settings: Settings) => {
      process.exitCode = await run(settings);
    });
}

/** @throws {UsageError} when it cannot write there. */
async function run({ out, ifChanged }: Settings): Promise<number> {
  if (out === '') throw new UsageError('--out needs the name of a directory.');
  try {
    const fingerprint = await fingerprintOf([machinesFolder, drawingFolder]);
    if (ifChanged && (await isMadeFrom(out, fingerprint))) return EXIT.drawn;
    // Drawing takes seconds, and is for nothing where it cannot be kept. What was drawn there is no longer whole.
    await write(out, new Map([[FINGERPRINT_FILE, '{}\n']]));
    const texts = await draw();
    const files = [...texts.keys()];
    const madeFrom: MadeFrom = { fingerprint, files };
    await write(out, texts.set(FINGERPRINT_FILE, `${JSON.stringify(madeFrom, null, 2)}\n`));
    // As a step of a build it is silent, so that what runs after the build has standard output to itself.
    if (!ifChanged) for (const file of files) process.stdout.write(`${join(out, file)}\n`);
    return EXIT.drawn;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    process.stderr.write(`error: ${reason(error)}\n`);
    return EXIT.failed;
  }
}

function reason(error: unknown): string {
  const message = messageOf(error);
  return /Cannot find package 'elkjs'/.test(message)
    ? 'Drawing charts takes elkjs, which is no dependency of the package. Install it: npm install elkjs'
    : message;
}

/** Of the compiled machines and of what draws them: read as bytes, for running them takes longer than a build may. */
async function fingerprintOf(folders: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const folder of folders) {
    for (const file of await modulesIn(folder)) hash.update(file).update(await readFile(join(folder, file)));
  }
  return hash.digest('hex');
}

async function isMadeFrom(out: string, fingerprint: string): Promise<boolean> {
  try {
    const made = JSON.parse(await readFile(join(out, FINGERPRINT_FILE), 'utf8')) as MadeFrom;
    const present = new Set(await readdir(out));
    return made.fingerprint === fingerprint && made.files.every((file) => present.has(file));
  } catch {
    // Nothing was drawn there yet, or what stands there is not ours to trust.
    return false;
  }
}

/** What is to be written, by file, in the order of the machines' files. */
async function draw(): Promise<Map<string, string>> {
  // Loaded only now: an unchanged build does not wait for the layout library.
  const { chartDefinition } = await import('../../inspector/charts/chart-definition.js');
  const { overviewOf } = await import('../../inspector/charts/chart-overview.js');
  const { layOutChart } = await import('../../inspector/charts/chart-layout.js');
  const { chartSvg } = await import('../../inspector/charts/chart-svg.js');
  const texts = new Map<string, string>();
  const add = (name: string, geometry: ChartGeometry, svg: string) => {
    texts.set(`${name}.svg`, svg).set(`${name}.json`, `${JSON.stringify(geometry)}\n`);
  };
  for (const machine of await chartedMachines()) {
    const definition = chartDefinition(machine);
    const geometry = await layOutChart(definition);
    add(machine.id, geometry, chartSvg(geometry));
    const { chart, covers } = overviewOf(definition);
    for (const [level, isLabelled] of [
      ['states', false],
      ['reasons', true],
    ] as const) {
      const overview = { ...(await layOutChart(chart, isLabelled)), covers };
      add(`${machine.id}-${level}`, overview, chartSvg(overview, level));
    }
  }
  return texts;
}

/** @throws {UsageError} */
async function write(out: string, texts: ReadonlyMap<string, string>): Promise<void> {
  try {
    await makeFolder(resolve(out));
    for (const [file, text] of texts) await writeFile(join(out, file), text);
  } catch (error) {
    throw new UsageError(`--out ${out} cannot be written: ${messageOf(error)}. Choose another directory.`);
  }
}

/** (Node's own `recursive` never returns where a file system refuses new folders with ENOENT, as /proc does.) */
async function makeFolder(path: string): Promise<void> {
  if (await isFolder(path)) return;
  if (dirname(path) !== path) await makeFolder(dirname(path));
  await mkdir(path).catch(async (error: unknown) => {
    // Another build may have been faster.
    if (!(await isFolder(path))) throw error;
  });
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
