import type { NodeId } from '../raft/entry.js';
import type { Command, Run } from './command.js';
import { cas, get, propose, proposeVerified, put, read, remove } from './data.js';
import { crash, restart, revive, stop } from './faults.js';
import { leader, log, status } from './look.js';
import { abortChange, add, priority, promote, removeMember, replace, transfer, update } from './members.js';
import { cut, heal, isolate, latency, loss, mend, partition } from './network.js';
import { blocks, candidates } from './pace.js';
import { snapshot } from './snapshot.js';
import { UsageError } from './usage-error.js';
import { expect, wait } from './wait-and-expect.js';
import { Arguments, splitWords } from './words.js';

const help: Command = {
  name: 'help',
  aliases: ['?'],
  forms: ['[COMMAND]'],
  help: 'this list, or all about one command',
  parse(args) {
    const name = args.peek();
    if (name === undefined) {
      return async () => ({ fields: { commands: commands.map(commandJson) }, lines: helpLines() });
    }
    const command = commandNamed(args.next('The command'));
    args.end();
    return async () => ({ fields: { commands: [commandJson(command)] }, lines: describeCommand(command) });
  },
};

const quit: Command = {
  name: 'quit',
  aliases: ['exit'],
  forms: [''],
  help: 'close the cluster and leave',
  parse(args) {
    args.end();
    return async () => ({ fields: {}, lines: ['closing'], quits: true });
  },
};

/** The language of the prompt, of scripts and of whoever else commands a cluster. */
export const commands: readonly Command[] = [
  status,
  leader,
  put,
  get,
  read,
  remove,
  cas,
  propose,
  proposeVerified,
  stop,
  revive,
  crash,
  restart,
  partition,
  isolate,
  cut,
  mend,
  heal,
  latency,
  loss,
  candidates,
  blocks,
  snapshot,
  add,
  removeMember,
  replace,
  promote,
  update,
  priority,
  abortChange,
  transfer,
  log,
  wait,
  expect,
  help,
  quit,
];

/** A line that was understood. */
export interface ParsedLine {
  readonly name: string;
  readonly isPatient: boolean;
  /** What its answer may have to wait for. */
  readonly waitsFor: string | null;
  readonly run: Run;
}

/**
 * Understands one line for a cluster of these nodes; null when it is blank or a comment.
 * @throws {UsageError} that says what is wrong and how the command is written.
 */
export function parseLine(line: string, ids: readonly NodeId[]): ParsedLine | null {
  const words = splitWords(line);
  const [first, ...others] = words;
  if (first === undefined) return null;
  const command = commandNamed(first.text);
  try {
    const { name, isPatient = false, waitsFor = null } = command;
    return { name, isPatient, waitsFor, run: command.parse(new Arguments(line, others), ids) };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`${error.message} Usage: ${usages(command).join(' | ')}`);
  }
}

/** The name of the command that a line means, as far as it can be told; the empty string if it cannot. */
export function nameOf(line: string): string {
  return /^\s*([^\s#]+)/.exec(line)?.[1] ?? '';
}

/** Every way to write a command. */
export function usages({ name, forms }: Command): string[] {
  return forms.map((form) => `${name} ${form}`.trim());
}

/** @throws {UsageError} when there is none of this name. */
function commandNamed(name: string): Command {
  const command = commands.find((one) => one.name === name || one.aliases?.includes(name));
  if (command === undefined) throw new UsageError(describeUnknown(name));
  return command;
}

function commandJson({ name, aliases = [], forms, help: text }: Command): object {
  return { name, aliases, forms, help: text };
}

/** All about one command, for people. */
function describeCommand(command: Command): string[] {
  const { aliases = [], example, waitsFor } = command;
  return [
    ...usages(command),
    ...wrap(command.help, helpWidth - 2).map((line) => `  ${line}`),
    ...(waitsFor === undefined ? [] : [`  waits for ${waitsFor}`]),
    ...(aliases.length === 0 ? [] : [`  also: ${aliases.join(', ')}`]),
    ...(example === undefined ? [] : [`  such as: ${example}`]),
  ];
}

/** The whole language for people, at most 80 columns wide. */
export function helpLines(): string[] {
  return commands.flatMap((command) => {
    const heads = command.forms.length > 2 ? usages(command) : [usages(command).join(' | ')];
    const texts = wrap(command.help, helpWidth - helpIndent);
    const rows = Math.max(heads.length, texts.length);
    return Array.from({ length: rows }, (_, at) =>
      `${(heads[at] ?? '').padEnd(helpIndent)}${texts[at] ?? ''}`.trimEnd(),
    );
  });
}

const helpWidth = 78;
const helpIndent = 28;

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

function describeUnknown(name: string): string {
  const near = commands.filter((command) => isNear(command.name, name)).map((command) => command.name);
  const hint = near.length === 0 ? '' : ` Did you mean ${near.join(' or ')}?`;
  return `"${name}" is no command.${hint} Type help for the list.`;
}

/** A beginning of it, or one letter wrong, missing, too many or swapped. */
function isNear(name: string, typed: string): boolean {
  if (typed.length >= 2 && name.startsWith(typed)) return true;
  const [short, long] = name.length < typed.length ? [name, typed] : [typed, name];
  if (short.length < 2 || long.length - short.length > 1) return false;
  let at = 0;
  while (at < short.length && short[at] === long[at]) at++;
  const tail = (text: string, skip: number) => text.slice(at + skip);
  if (short.length < long.length) return tail(short, 0) === tail(long, 1);
  const swapped = short[at] === long[at + 1] && short[at + 1] === long[at];
  return tail(short, 1) === tail(long, 1) || (swapped && tail(short, 2) === tail(long, 2));
}
