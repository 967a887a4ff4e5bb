import type { Writable } from 'node:stream';
import type { Answer } from '../console/command.js';
import { messageFor } from '../console/usage-error.js';
import { excerpt, excerptLines } from '../ground/printable.js';
import { cropped } from '../ground/thrown.js';
import type { Paint } from './live/paint.js';
import { headOf, wrap } from './live/text-width.js';
import { flushed } from './standard-streams.js';

const codeLengthMax = 64;

/** What is known of a command besides its answer; `line` is what was typed. */
export type AnswerContext = Readonly<Record<string, unknown>> & { readonly line?: string };

/** Where answers and news go. */
export interface Output {
  /** A line of a script is about to run. */
  echo(line: string): void;
  /** @param context stands before the answer's own fields in the JSON object. */
  answer(command: string, answer: Answer, context?: AnswerContext): void;
  failure(command: string, error: unknown, context?: AnswerContext): void;
  /** Something happened in the cluster, or is worth knowing. */
  news(text: string): void;
}

/** Where plain lines go, and how. */
export interface PlainOutputOptions {
  readonly people: Writable & { readonly columns?: number };
  /** Takes one JSON object a line. */
  readonly programs: Writable | null;
  readonly paint: Paint;
  /** Commands run beside one another, so that an answer names the command which it does not follow. */
  readonly isSideBySide?: boolean;
}

/**
 * Plain lines for people, and, if wanted, JSON for programs. News that come while their reader is behind are left out
 * and counted.
 */
export class PlainOutput implements Output {
  readonly #people: Writable & { readonly columns?: number };
  readonly #programs: Writable | null;
  readonly #paint: Paint;
  readonly #isSideBySide: boolean;
  /** The line whose echo was the last thing said. */
  #echoed: string | null = null;
  #newsLeftOut = 0;

  constructor({ people, programs, paint, isSideBySide = false }: PlainOutputOptions) {
    this.#people = people;
    this.#programs = programs;
    this.#paint = paint;
    this.#isSideBySide = isSideBySide;
  }

  echo(line: string): void {
    this.#say(`> ${excerpt(line.trim())}`, this.#paint.bold);
    this.#echoed = cropped(line.trim());
  }

  answer(command: string, { fields, lines }: Answer, context: AnswerContext = {}): void {
    for (const line of this.#named(context.line, lines)) this.#say(`  ${line}`);
    this.report({ command, ok: true, ...context, ...fields });
  }

  failure(command: string, error: unknown, context: AnswerContext = {}): void {
    const { code, message } = describeError(error);
    const [text = ''] = this.#named(context.line, [messageFor({ code, message })]);
    this.#say(`  failed: ${text}`, (row) => row.replace('failed:', this.#paint.red('failed:')));
    this.report({ command, ok: false, ...context, error: { code, message } });
  }

  news(text: string): void {
    if (this.#people.writableNeedDrain) {
      this.#newsLeftOut++;
      return;
    }
    if (this.#newsLeftOut > 0) {
      this.#say(`· ${this.#newsLeftOut} news left out: nobody read them in time`, this.#paint.dim);
      this.#newsLeftOut = 0;
    }
    this.#say(`· ${text}`, this.#paint.dim);
  }

  /** Resolves when no reader is behind: what may write without an end waits for them. */
  async ready(): Promise<void> {
    for (const stream of [this.#people, this.#programs]) {
      if (stream?.writableNeedDrain) await flushed(stream);
    }
  }

  /** Is the reader of objects behind? */
  get isBehind(): boolean {
    return this.#programs?.writableNeedDrain ?? false;
  }

  /** An object for programs; nothing for people. */
  report(object: Readonly<Record<string, unknown>>): void {
    this.#programs?.write(`${JSON.stringify(object)}\n`);
  }

  #named(line: string | undefined, lines: readonly string[]): readonly string[] {
    const isNamed = this.#isSideBySide && line !== undefined && this.#echoed !== line;
    return isNamed ? named(line, lines) : lines;
  }

  #say(line: string, tint: (row: string) => string = (row) => row): void {
    // Only a terminal has columns, and it would break words.
    const { columns } = this.#people;
    const rows = columns === undefined ? [line] : wrap(line, columns);
    this.#people.write(rows.map((row) => `${tint(row)}\n`).join(''));
    this.#echoed = null;
  }
}

const nameCharactersMax = 40;

/** An answer that names the line which it answers. */
export function named(line: string, lines: readonly string[]): readonly string[] {
  const whole = excerpt(line);
  const short = headOf(whole, nameCharactersMax);
  const name = `${short}${short === whole ? '' : '...'}:`;
  const [only = '', ...more] = lines;
  return more.length === 0 ? [`${name} ${only}`] : [name, ...lines];
}

/** The stable code and the message of whatever was thrown, however long and odd what it quotes. */
export function describeError(error: unknown): { readonly code: string; readonly message: string } {
  const code =
    error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
  return {
    code: code === null ? 'UNEXPECTED' : excerpt(code, codeLengthMax),
    message: excerptLines(error instanceof Error ? error.message : String(error)),
  };
}
