import { type FileHandle, open } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { UsageError } from '../../console/usage-error.js';
import { excerpt } from '../../ground/printable.js';
import { messageOf } from '../../ground/thrown.js';
import { WorldRecorder } from '../../inspector/recorders/world-recorder.js';
import { writeRecording } from '../../inspector/recording/recording-text.js';
import {
  defaultSimulation,
  type FaultKind,
  faultKinds,
  type SimulationOptions,
} from '../../simulation/options.js';
import { rareStateNames } from '../../simulation/rare-states/rare-states.js';
import type { RunResult } from '../../simulation/simulation.js';
import { argumentsOf } from '../../simulation/sweep/command-line.js';
import { shrink } from '../../simulation/sweep/shrink.js';
import { type SweepTally, sweep } from '../../simulation/sweep/sweep.js';
import { run as runSeed, simulationOf } from '../../simulation/sweep/sweep-worker.js';
import { TlaTrace } from '../../simulation/tla/tla-trace.js';
import type { TraceEvent } from '../../simulation/world/trace.js';
import { spectators } from '../../simulation/world/world.js';
import { counted } from '../input/progress.js';
import { invocation } from '../subcommand.js';
import { traceLine } from '../trace-lines.js';

const exitStatus = { ok: 0, violation: 1, usage: 2 } as const;
const seedsDefault = 100;
/** More than anybody means: what is typed by mistake would run for ever, or need more memory than there is. */
const nodesMax = 99;
const clientsMax = 1_000;
const threadsMax = 1_024;
const virtualSecondsMax = 1_000_000;
const minutesMax = 1_000_000;

interface Settings {
  readonly seeds?: { readonly from: number; readonly to: number };
  readonly minutes?: number;
  readonly nodes: number;
  readonly mode: 'safety' | 'liveness';
  readonly virtualSeconds: number;
  readonly faults: readonly FaultKind[];
  readonly clients?: number;
  readonly sessions?: boolean;
  readonly leases?: boolean;
  readonly cipher: 'none' | 'pseudo';
  readonly threads?: number;
  readonly mutant?: string;
  readonly json?: true;
  readonly seed?: number;
  readonly trace?: string;
  readonly recording?: string;
  readonly tlaTrace?: string;
  readonly shrink?: true;
}

/** `conclave simulate`. */
export function simulateCommand(command: Command): void {
  command
    .description('Runs clusters of production nodes in simulated worlds that try to break them.')
    .option(
      '--seeds <N|FROM-TO>',
      `which seeds to run: 1 to N, or a range (default: ${seedsDefault})`,
      seedRange,
    )
    .option(
      '--minutes <M>',
      'stop after so long; without --seeds, run seeds from 1 on until then',
      upTo(minutesMax, positive),
    )
    .option('--nodes <N>', 'voters', upTo(nodesMax, integer), defaultSimulation.nodes)
    .addOption(new Option('--mode <MODE>').choices(['safety', 'liveness']).default('safety'))
    .option(
      '--virtual-seconds <N>',
      'how long each world lasts',
      upTo(virtualSecondsMax, positive),
      defaultSimulation.virtualMs / 1000,
    )
    .option(
      '--faults <LIST>',
      `all, none, some (loss,crashes) or all but some (-loss,-crashes)`,
      faultList,
      faultKinds,
    )
    .option('--clients <N>', 'how many at a time (default: drawn)', upTo(clientsMax, natural))
    .option(
      '--sessions <on|off>',
      'commands are applied once, however often they are sent (default: drawn)',
      onOrOff,
    )
    .option(
      '--leases <on|off>',
      'leaders answer reads by leases, and clocks allow it (default: drawn)',
      onOrOff,
    )
    .addOption(new Option('--cipher <KIND>').choices(['none', 'pseudo']).default('none'))
    .option('--threads <N>', 'default: one for each processor', upTo(threadsMax, integer))
    .option('--mutant <NAME>', 'give all nodes a known bug, of test/mutants')
    .option('--json', 'write lines of JSON')
    .addOption(
      new Option('--seed <N>', 'run this seed alone')
        .argParser(natural)
        .conflicts(['seeds', 'minutes', 'threads']),
    )
    .option('--trace <FILE>', 'with --seed: write down what happens, a line an event; - is standard output')
    .option('--recording <FILE>', "with --seed: write a recording that the inspector's page opens")
    .option('--tla-trace <FILE>', 'with --seed: write a trace that TLC checks, see docs/tla.md')
    .option('--shrink', 'with --seed: look for a smaller run that fails alike')
    .addHelpText(
      'after',
      `\nFaults: ${faultKinds.join(', ')}.\n\nExit status: 0 nothing broke, 1 an invariant did, 2 a wrong option.`,
    )
    .action(async (settings: Settings) => {
      checkTogether(settings);
      process.exitCode = await run(settings);
    });
}

/** @throws {UsageError} */
function checkTogether({ seed, trace, recording, tlaTrace, shrink }: Settings): void {
  const files = { trace, recording, 'tla-trace': tlaTrace };
  if (seed === undefined && (trace ?? recording ?? tlaTrace ?? shrink) !== undefined) {
    throw new UsageError(
      '--trace, --recording, --tla-trace and --shrink take one run: name it with --seed N.',
    );
  }
  const written = new Map<string, string>();
  for (const [name, file] of Object.entries(files)) {
    if (file === undefined) continue;
    if (file === '') throw new UsageError(`--${name} needs the name of a file.`);
    const other = written.get(resolve(file));
    if (other !== undefined) {
      throw new UsageError(`--${other} and --${name} cannot both be written to one file. Name two.`);
    }
    written.set(resolve(file), name);
  }
}

async function run(settings: Settings): Promise<number> {
  try {
    await simulationOf(settings.mutant ?? null);
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
  const options: SimulationOptions = {
    seed: settings.seed ?? 1,
    nodes: settings.nodes,
    mode: settings.mode,
    virtualMs: settings.virtualSeconds * 1000,
    faults: settings.faults,
    clients: settings.clients ?? null,
    sessions: settings.sessions ?? null,
    leases: settings.leases ?? null,
    cipher: { kind: settings.cipher },
  };
  return settings.seed === undefined ? runSweep(settings, options) : runOne(settings, options);
}

async function runOne(settings: Settings, options: SimulationOptions): Promise<number> {
  const { json, trace, recording, tlaTrace, mutant = null } = settings;
  const files: Partial<Record<Written, FileHandle>> = {};
  let lines: Writable | null = null;
  let what: Written = 'recording';
  try {
    // Before the run, so that nobody waits for one that cannot be written down.
    if (recording !== undefined) files.recording = await open(recording, 'w');
    what = 'TLA+ trace';
    if (tlaTrace !== undefined) files['TLA+ trace'] = await open(tlaTrace, 'w');
    what = 'trace';
    if (trace !== undefined) lines = trace === '-' ? process.stdout : await streamTo(trace);
  } catch (error) {
    return cannotWrite(what, error);
  }
  const recorder = files.recording === undefined ? null : new WorldRecorder(options);
  const tla = files['TLA+ trace'] === undefined ? null : new TlaTrace(options);
  const result =
    lines === null && recorder === null && tla === null
      ? await runSeed({ options, mutant })
      : await observed(options, settings, lines, recorder, tla);
  print(settings, result, options);
  try {
    what = 'recording';
    if (recorder !== null) await files.recording?.writeFile(writeRecording(recorder.finish(result.finding)));
    await files.recording?.close();
    what = 'TLA+ trace';
    if (tla !== null) await writeTlaTrace(files['TLA+ trace'] as FileHandle, tla, settings);
    what = 'trace';
    if (lines !== null && lines !== process.stdout) await finished(lines.end());
  } catch (error) {
    return cannotWrite(what, error);
  }
  if (result.finding === null) return exitStatus.ok;
  if (settings.shrink) {
    const shrunk = await shrink(options, result, (smaller) => runSeed({ options: smaller, mutant }));
    const words = argumentsOf(shrunk.options, mutant);
    if (json)
      console.log(JSON.stringify({ shrunk: shrunk.options, finding: shrunk.result.finding, replay: words }));
    else
      console.log(
        `After ${counted(shrunk.runs, 'run')} the smallest that fails alike:\n  ${invocation('simulate')} ${words}`,
      );
  }
  return exitStatus.violation;
}

async function streamTo(path: string): Promise<Writable> {
  const stream = (await open(path, 'w')).createWriteStream();
  // Heard again when the stream is ended.
  stream.on('error', () => {});
  return stream;
}

/** Writes it, and says how far it goes. */
async function writeTlaTrace(file: FileHandle, trace: TlaTrace, { json, tlaTrace }: Settings): Promise<void> {
  const { lines, end } = trace.finish();
  await file.writeFile(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  await file.close();
  if (json) console.log(JSON.stringify({ tlaTrace, events: lines.length, end }));
  else {
    const extent =
      end === null ? 'the whole run' : `until ${(end.atMs / 1000).toFixed(3)} virtual seconds: ${end.reason}`;
    console.log(`TLA+ trace: ${counted(lines.length, 'event')}, ${extent}.`);
  }
}

/** What a run can be written down as. */
type Written = 'recording' | 'trace' | 'TLA+ trace';

function cannotWrite(what: Written, error: unknown): number {
  console.error(`error: The ${what} cannot be written: ${excerpt(messageOf(error))}. Name another file.`);
  return exitStatus.usage;
}

/** Runs one world with somebody looking, which changes nothing in it. */
async function observed(
  options: SimulationOptions,
  { json, mutant }: Settings,
  lines: Writable | null,
  recorder: WorldRecorder | null,
  tla: TlaTrace | null,
): Promise<RunResult> {
  const simulate = await simulationOf(mutant ?? null);
  const reader = (event: TraceEvent) => {
    lines?.write(`${json ? JSON.stringify(event) : traceLine(event, options.nodes)}\n`);
    recorder?.heard(event);
  };
  const isRead = lines !== null || recorder !== null;
  return simulate(options, isRead ? reader : null, spectators([recorder, tla]));
}

async function runSweep(settings: Settings, simulation: SimulationOptions): Promise<number> {
  const { json, minutes, mutant = null, threads } = settings;
  const { from, to } = settings.seeds ?? {
    from: 1,
    to: minutes === undefined ? seedsDefault : Number.MAX_SAFE_INTEGER,
  };
  const startedAtMs = performance.now();
  const seconds = () => (performance.now() - startedAtMs) / 1000;
  const total = minutes === undefined ? to - from + 1 : null;
  let runs = 0;
  let virtualMs = 0;
  const tally = await sweep({
    simulation,
    seedFrom: from,
    seedTo: to,
    mutant,
    ...(threads === undefined ? {} : { threads }),
    isOver: () => minutes !== undefined && seconds() >= minutes * 60,
    finished: (result) => {
      runs++;
      virtualMs += result.virtualMs;
      if (json) console.log(JSON.stringify(result));
      else if (process.stderr.isTTY) {
        const part = total === null ? seconds() / (60 * (minutes ?? 1)) : runs / total;
        process.stderr.write(`\r${progressLine(part, runs, seconds(), virtualMs)}`);
      }
    },
  });
  if (!json && process.stderr.isTTY) process.stderr.write('\n');
  console.log(json ? JSON.stringify(summaryOf(tally, seconds())) : report(tally, seconds()));
  if (tally.failure === null) return exitStatus.ok;
  print(settings, tally.failure, { ...simulation, seed: tally.failure.seed });
  return exitStatus.violation;
}

function progressLine(part: number, runs: number, seconds: number, virtualMs: number): string {
  const width = 30;
  const filled = Math.min(width, Math.round(part * width));
  const bar = '#'.repeat(filled).padEnd(width, '.');
  return `[${bar}] ${counted(runs, 'seed')}, ${(runs / seconds).toFixed(1)} a second, ${(virtualMs / 1000 / seconds).toFixed(0)} virtual seconds a second `;
}

function summaryOf(tally: SweepTally, seconds: number) {
  const { runs, virtualMs, committed, calls, unknown } = tally;
  const rareStates = Object.fromEntries(
    rareStateNames.map((name) => [name, tally.rareStates.get(name) ?? 0]),
  );
  return { runs, seconds, virtualSeconds: virtualMs / 1000, committed, calls, unknown, rareStates };
}

function report(tally: SweepTally, seconds: number): string {
  const { runs, virtualSeconds, committed, calls, unknown, rareStates } = summaryOf(tally, seconds);
  const lines = [
    `${counted(runs, 'seed')} in ${seconds.toFixed(1)} s: ${(runs / seconds).toFixed(1)} a second, ${(virtualSeconds / seconds).toFixed(0)} virtual seconds a second.`,
    `${committed} entries committed, ${calls} calls answered; ${runs - unknown} histories decided, ${unknown} unknown.`,
    'Rare states reached:',
    ...Object.entries(rareStates).map(([name, count]) => `${String(count).padStart(9)}  ${name}`),
  ];
  return lines.join('\n');
}

function print(settings: Settings, result: RunResult, options: SimulationOptions): void {
  const replay = `${invocation('simulate')} ${argumentsOf(options, settings.mutant ?? null)}`;
  if (settings.json) {
    console.log(JSON.stringify({ ...result, replay }));
    return;
  }
  const { finding, seed, hash, virtualMs, committed, calls } = result;
  if (finding === null) {
    console.log(
      `Seed ${seed}: nothing broke in ${(virtualMs / 1000).toFixed(1)} virtual seconds; ${committed} entries committed, ${calls} calls answered, history ${result.verdict}, trace ${hash}.`,
    );
  } else {
    console.log(
      `Seed ${seed} breaks ${finding.invariant} after ${(finding.atMs / 1000).toFixed(3)} virtual seconds:\n${finding.text}\nReplay:\n  ${replay}\n  ${replay} --trace FILE\n  ${replay} --recording FILE`,
    );
  }
}

function seedRange(text: string): { from: number; to: number } {
  const [, first, last] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? [];
  if (first === undefined) throw new InvalidArgumentError('It must be a number, or two as in 100-199.');
  const range =
    last === undefined ? { from: 1, to: Number(first) } : { from: Number(first), to: Number(last) };
  if (range.to < range.from) throw new InvalidArgumentError('The range is empty.');
  if (!Number.isSafeInteger(range.to)) throw new InvalidArgumentError('No seed is so large.');
  return range;
}

function faultList(text: string): readonly FaultKind[] {
  if (text === 'all') return faultKinds;
  if (text === 'none') return [];
  const names = text.split(',');
  const isExcluding = names.every((name) => name.startsWith('-'));
  const kinds = names.map((name) => {
    const kind = faultKinds.find((each) => each === (isExcluding ? name.slice(1) : name));
    if (kind === undefined) throw new InvalidArgumentError(`There is no fault "${name}".`);
    return kind;
  });
  return faultKinds.filter((kind) => kinds.includes(kind) !== isExcluding);
}

function upTo(max: number, parse: (text: string) => number): (text: string) => number {
  return (text) => {
    const value = parse(text);
    if (value > max) throw new InvalidArgumentError(`It must be at most ${max}.`);
    return value;
  };
}

function natural(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < 0)
    throw new InvalidArgumentError('It must be a whole number from 0 on.');
  return value;
}

function integer(text: string): number {
  const value = natural(text);
  if (value < 1) throw new InvalidArgumentError('It must be at least 1.');
  return value;
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('It must be a number above 0.');
  return value;
}

function onOrOff(value: string): boolean {
  if (value === 'on' || value === 'off') return value === 'on';
  throw new InvalidArgumentError('It must be on or off.');
}
