import { ConclaveError } from '../../ground/errors.js';
import type { AppendInput, AppendOutput, RegisterInput, RegisterOutput } from './models.js';
import type { Operation } from './operation.js';

/** A history is not written in the format it was read as. Nothing was checked. */
export class MalformedHistoryError extends ConclaveError {
  /** Counted from 1; `null` when no single line is at fault. */
  readonly line: number | null;

  constructor(line: number | null, what: string) {
    super('MALFORMED_HISTORY', line === null ? what : `Line ${line}: ${what}`);
    this.line = line;
  }
}

/** Which formats there are, named as the command line names their models. */
export type HistoryFormat = 'register' | 'kv';

/** Tells a format by the first line that is not blank; `null` when it is neither. */
export function guessFormat(text: string): HistoryFormat | null {
  const first = text.trimStart();
  if (first.startsWith('{')) return 'kv';
  return LOGGER.test(first) ? 'register' : null;
}

/**
 * Reads what Jepsen logged of one compare-and-set register: lines of process, type, call and value. Times are line
 * numbers. Lines of other loggers and of Jepsen's nemesis are passed over.
 *
 * A refused compare-and-set is an outcome; any other `:fail` says that the call did not happen, so it is left out.
 *
 * @throws MalformedHistoryError
 */
export function parseJepsenRegister(text: string): Operation<RegisterInput, RegisterOutput>[] {
  const history = new HistoryReader<RegisterInput, RegisterOutput>();
  for (const [line, content] of lines(text)) {
    if (!JEPSEN_LOGGER.test(content) && LOGGER.test(content)) continue;
    const [, process, type, call, value] = JEPSEN_LINE.exec(content) ?? [];
    if (process === undefined || type === undefined || call === undefined || value === undefined) {
      throw new MalformedHistoryError(
        line,
        `expected "INFO  jepsen.util - PROCESS :TYPE :CALL VALUE", found ${excerpt(content)}.`,
      );
    }
    if (process === ':nemesis') continue;
    if (type === 'invoke') {
      history.invoke(line, process, call, registerInput(line, call, value));
      continue;
    }
    const { input } = history.open(line, process, call);
    if (type === 'info') history.leaveOpen(process);
    else if (type === 'ok') history.answer(line, process, registerOutput(line, input, value));
    else if (type !== 'fail') throw unknownType(line, type);
    else if (input.type === 'cas' && value !== TIMED_OUT) history.answer(line, process, false);
    else history.leaveOut(process);
  }
  return history.finish();
}

/**
 * Reads a key-value history: maps of process, type, call, key and value. Times are line numbers. A call that `:fail`s
 * did not happen and is left out; the outcome of one that ends in `:info` is unknown.
 *
 * @throws MalformedHistoryError
 */
export function parseKeyValue(text: string): Operation<AppendInput, AppendOutput>[] {
  const history = new HistoryReader<AppendInput, AppendOutput>();
  for (const [line, content] of lines(text)) {
    const [, process, type, call, quotedKey, quotedValue] = KEY_VALUE_LINE.exec(content) ?? [];
    if (
      process === undefined ||
      type === undefined ||
      call === undefined ||
      quotedKey === undefined ||
      quotedValue === undefined
    ) {
      throw new MalformedHistoryError(
        line,
        `expected {:process P, :type :TYPE, :f :CALL, :key "K", :value V}, found ${excerpt(content)}.`,
      );
    }
    const key = unquote(line, quotedKey);
    const value = quotedValue === 'nil' ? null : unquote(line, quotedValue);
    if (type === 'invoke') {
      history.invoke(line, process, call, appendInput(line, call, key, value));
      continue;
    }
    const { input } = history.open(line, process, call);
    if (key !== input.key) {
      throw new MalformedHistoryError(line, `answers key ${quotedKey}, but the call was on "${input.key}".`);
    }
    if (type === 'ok') history.answer(line, process, appendOutput(line, input, value));
    else if (type === 'info') history.leaveOpen(process);
    else if (type === 'fail') history.leaveOut(process);
    else throw unknownType(line, type);
  }
  return history.finish();
}

const LOGGER = /^(?:TRACE|DEBUG|INFO|WARN|ERROR|FATAL)\s+\S+\s+-/;
const JEPSEN_LOGGER = /^INFO\s+jepsen\.util\s/;
const JEPSEN_LINE = /^INFO\s+jepsen\.util\s+-\s+(\d+|:nemesis)\s+:([\w-]+)\s+:([\w-]+)\s+(\S.*?)\s*$/;
const KEY_VALUE_LINE =
  /^\s*\{:process (\d+), :type :(\w+), :f :(\w+), :key ("(?:[^"\\]|\\.)*"), :value (nil|"(?:[^"\\]|\\.)*")\}\s*$/;
const TIMED_OUT = ':timed-out';
const EXCERPT_MAX = 60;

/** Pairs what is invoked with what is answered, process by process. */
class HistoryReader<Input extends { readonly type: string }, Output> {
  readonly #operations: Operation<Input, Output>[] = [];
  readonly #open = new Map<string, { readonly input: Input; readonly line: number }>();

  invoke(line: number, process: string, call: string, input: Input): void {
    const open = this.#open.get(process);
    if (open !== undefined) {
      throw new MalformedHistoryError(
        line,
        `process ${process} invokes :${call} while its :${open.input.type} of line ${open.line} is still open.`,
      );
    }
    this.#open.set(process, { input, line });
  }

  /** The call that a line of this process answers. */
  open(line: number, process: string, call: string): { readonly input: Input; readonly line: number } {
    const open = this.#open.get(process);
    if (open === undefined) {
      throw new MalformedHistoryError(line, `process ${process} has no open call that this could answer.`);
    }
    if (open.input.type !== call) {
      throw new MalformedHistoryError(
        line,
        `answers :${call}, but process ${process} invoked :${open.input.type} in line ${open.line}.`,
      );
    }
    return open;
  }

  answer(line: number, process: string, output: Output): void {
    this.#close(process, output, line);
  }

  /** The outcome is unknown. The process is done with this call for good and may make another. */
  leaveOpen(process: string): void {
    this.#close(process, undefined, Number.POSITIVE_INFINITY);
  }

  leaveOut(process: string): void {
    this.#open.delete(process);
  }

  /** All operations in the order of their invocation. */
  finish(): Operation<Input, Output>[] {
    for (const process of [...this.#open.keys()]) this.leaveOpen(process);
    return this.#operations.sort((a, b) => a.invokedAt - b.invokedAt);
  }

  #close(process: string, output: Output | undefined, returnedAt: number): void {
    const open = this.#open.get(process);
    if (open === undefined) return;
    this.#open.delete(process);
    const { input, line: invokedAt } = open;
    this.#operations.push({ client: Number(process), input, output, invokedAt, returnedAt });
  }
}

function* lines(text: string): Generator<[line: number, content: string]> {
  let line = 0;
  for (const content of text.split(/\r?\n/)) {
    line++;
    if (content.trim() !== '') yield [line, content];
  }
}

function registerInput(line: number, call: string, value: string): RegisterInput {
  switch (call) {
    case 'read':
      return { type: 'read' };
    case 'write':
      return { type: 'write', value: integer(line, value) };
    case 'cas': {
      const [, from, to] = /^\[(\S+)\s+(\S+)\]$/.exec(value) ?? [];
      if (from === undefined || to === undefined) {
        throw new MalformedHistoryError(line, `:cas takes [from to], found ${excerpt(value)}.`);
      }
      return { type: 'cas', from: integer(line, from), to: integer(line, to) };
    }
    default:
      throw new MalformedHistoryError(line, `knows :read, :write and :cas, found :${call}.`);
  }
}

function registerOutput(line: number, input: RegisterInput, value: string): RegisterOutput {
  if (input.type === 'read') return value === 'nil' ? null : integer(line, value);
  const answered = registerInput(line, input.type, value);
  if (JSON.stringify(answered) !== JSON.stringify(input)) {
    throw new MalformedHistoryError(
      line,
      `answers another :${input.type} than was invoked: ${excerpt(value)}.`,
    );
  }
  return true;
}

function appendInput(line: number, call: string, key: string, value: string | null): AppendInput {
  if (call === 'get') return { type: 'get', key };
  if (call !== 'put' && call !== 'append') {
    throw new MalformedHistoryError(line, `knows :get, :put and :append, found :${call}.`);
  }
  if (value === null) throw new MalformedHistoryError(line, `:${call} takes a text, found nil.`);
  return { type: call, key, value };
}

function appendOutput(line: number, input: AppendInput, value: string | null): AppendOutput {
  if (input.type === 'get') return value ?? '';
  if (value !== input.value) {
    throw new MalformedHistoryError(line, `answers another :${input.type} than was invoked.`);
  }
  return true;
}

function integer(line: number, value: string): number {
  if (!/^-?\d+$/.test(value)) {
    throw new MalformedHistoryError(line, `expected an integer, found ${excerpt(value)}.`);
  }
  return Number(value);
}

function unquote(line: number, quoted: string): string {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    throw new MalformedHistoryError(line, `cannot read the text ${excerpt(quoted)}.`);
  }
}

function unknownType(line: number, type: string): MalformedHistoryError {
  return new MalformedHistoryError(line, `knows :invoke, :ok, :fail and :info, found :${type}.`);
}

function excerpt(text: string): string {
  return JSON.stringify(text.length <= EXCERPT_MAX ? text : `${text.slice(0, EXCERPT_MAX)}…`);
}
