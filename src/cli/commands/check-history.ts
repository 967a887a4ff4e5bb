import { createReadStream } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { InvalidOptionError } from '../../ground/errors.js';
import { excerpt, excerptLines } from '../../ground/printable.js';
import { messageOf } from '../../ground/thrown.js';
import { type CheckResult, checkHistory } from '../../simulation/linearizability/checker.js';
import {
  guessFormat,
  type HistoryFormat,
  MalformedHistoryError,
  parseJepsenRegister,
  parseKeyValue,
} from '../../simulation/linearizability/history.js';
import { kvAppend, register } from '../../simulation/linearizability/models.js';
import type { Model, Operation, State } from '../../simulation/linearizability/operation.js';

const EXIT = { linearizable: 0, notLinearizable: 1, usage: 2 } as const;
const SECONDS_DEFAULT = 10;
/** Of the part that cannot be explained, drawn. */
const drawingLengthMax = 1024 * 1024;
/** More is no history that can be checked, or a file without an end. */
const fileBytesMax = 256 * 1024 * 1024;

interface Settings {
  readonly model?: HistoryFormat;
  readonly seconds: number;
}

/** A file that was read and understood, ready to be checked. */
type Check = (settings: Settings) => CheckResult<unknown, unknown>;

/** `conclave check-history`: prints a verdict a file. Nothing is checked unless every file could be read. */
export function checkHistoryCommand(command: Command): void {
  command
    .description(
      'Is a recorded history linearizable? Prints FILE linearizable|not linearizable|unknown a line.',
    )
    .argument('<FILE...>', 'histories: logs of Jepsen, or key-value histories')
    .addOption(
      new Option('--model <MODEL>', 'register: one compare-and-set register; kv: keys with append').choices([
        'register',
        'kv',
      ]),
    )
    .option('--seconds <N>', 'time for each file; after it the verdict is unknown', positive, SECONDS_DEFAULT)
    .addHelpText(
      'after',
      '\nThe model is guessed from the file when it is not given. A part that cannot be explained is drawn on\nstandard error.\n\nExit status: 0 all are linearizable, 1 not all are, 2 a wrong option or a file that cannot be read.',
    )
    .action(async (files: readonly string[], settings: Settings) => {
      process.exitCode = await run(files, settings);
    });
}

async function run(files: readonly string[], settings: Settings): Promise<number> {
  const checks: [file: string, check: Check][] = [];
  let unreadable = 0;
  for (const file of files) {
    try {
      checks.push([file, await load(file, settings)]);
    } catch (error) {
      unreadable++;
      process.stderr.write(`error: ${excerpt(`${file}: ${messageOf(error)}`)}\n`);
    }
  }
  if (unreadable > 0) return EXIT.usage;

  let exitCode: number = EXIT.linearizable;
  for (const [file, check] of checks) {
    const result = check(settings);
    process.stdout.write(`${file} ${result.verdict}\n`);
    if (result.verdict !== 'linearizable') {
      exitCode = EXIT.notLinearizable;
      process.stderr.write(`${excerptLines(explain(file, result, settings), drawingLengthMax)}\n\n`);
    }
  }
  return exitCode;
}

async function load(file: string, settings: Settings): Promise<Check> {
  const text = await read(file).catch((error: NodeJS.ErrnoException) => {
    if (error instanceof InvalidOptionError) throw error;
    throw new InvalidOptionError(
      error.code === 'ENOENT' ? 'there is no such file.' : `cannot be read: ${error.message}.`,
    );
  });
  const model = settings.model ?? guessFormat(text);
  switch (model) {
    case 'register':
      return ready(register, parseJepsenRegister(text));
    case 'kv':
      return ready(kvAppend, parseKeyValue(text));
    case null:
      throw new MalformedHistoryError(
        null,
        'looks like neither a log of Jepsen nor a key-value history. Name the model with --model register or --model kv.',
      );
  }
}

/** Piece by piece: what is no plain file tells no size. */
async function read(file: string): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of createReadStream(file) as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > fileBytesMax)
      throw new InvalidOptionError(`has more than ${fileBytesMax} bytes. Check a part of it.`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

function ready<S extends State, Input, Output>(
  model: Model<S, Input, Output>,
  history: readonly Operation<Input, Output>[],
): Check {
  if (history.length === 0)
    throw new MalformedHistoryError(null, 'holds no operation, so there is nothing to check.');
  return ({ seconds }) =>
    checkHistory(model, history, { now: () => performance.now(), timeLimitMs: seconds * 1000 });
}

function explain(
  file: string,
  result: Exclude<CheckResult<unknown, unknown>, { verdict: 'linearizable' }>,
  { seconds }: Settings,
): string {
  if (result.verdict === 'not linearizable') {
    return `${file}${result.key === null ? '' : `, key ${JSON.stringify(result.key)}`}:\n${result.drawing}`;
  }
  const keys = result.keys.filter((key) => key !== null).map((key) => JSON.stringify(key));
  const where = keys.length === 0 ? '' : ` on key ${keys.join(', ')}`;
  return result.reason === 'time'
    ? `${file}: no verdict${where} in ${seconds} seconds. Give it more with --seconds.`
    : `${file}: no verdict${where} in the memory there is. Check a shorter history.`;
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('It must be a number above 0.');
  return value;
}
