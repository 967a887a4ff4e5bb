import type { Writable } from 'node:stream';
import type { Answer } from '../console/command.js';
import { ConclaveError } from '../ground/errors.js';
import type { Paint } from './live/paint.js';
import { flushed } from './standard-streams.js';

type Fields = Readonly<Record<string, unknown>>;

/** Where answers and news go. */
export interface Output {
  /** A line of a script is about to run. */
  echo(line: string): void;
  /** @param fields stand before the answer's own in the JSON object. */
  answer(command: string, answer: Answer, fields?: Fields): void;
  failure(command: string, error: unknown, fields?: Fields): void;
  /** Something happened in the cluster, or is worth knowing. */
  news(text: string): void;
}

/**
 * Plain lines: for people on `people`, and, if there is a `programs`, one JSON object a line there. News that come
 * while their reader is behind are left out and counted.
 */
export class PlainOutput implements Output {
  readonly #people: Writable;
  readonly #programs: Writable | null;
  readonly #paint: Paint;
  #newsLeftOut = 0;

  constructor(people: Writable, programs: Writable | null, paint: Paint) {
    this.#people = people;
    this.#programs = programs;
    this.#paint = paint;
  }

  echo(line: string): void {
    this.#say(this.#paint.bold(`> ${line.trim()}`));
  }

  answer(command: string, { fields, lines }: Answer, context: Fields = {}): void {
    for (const line of lines) this.#say(`  ${line}`);
    this.report({ command, ok: true, ...context, ...fields });
  }

  failure(command: string, error: unknown, fields: Fields = {}): void {
    const { code, message } = describeError(error);
    this.#say(`  ${this.#paint.red('failed:')} ${message} [${code}]`);
    this.report({ command, ok: false, ...fields, error: { code, message } });
  }

  news(text: string): void {
    if (this.#people.writableNeedDrain) {
      this.#newsLeftOut++;
      return;
    }
    if (this.#newsLeftOut > 0) {
      this.#say(this.#paint.dim(`· ${this.#newsLeftOut} news left out: nobody read them in time`));
      this.#newsLeftOut = 0;
    }
    this.#say(this.#paint.dim(`· ${text}`));
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
  report(object: Fields): void {
    this.#programs?.write(`${JSON.stringify(object)}\n`);
  }

  #say(line: string): void {
    this.#people.write(`${line}\n`);
  }
}

/** The stable code and the message of whatever was thrown. */
export function describeError(error: unknown): { readonly code: string; readonly message: string } {
  if (error instanceof ConclaveError) return { code: error.code, message: error.message };
  if (error instanceof Error) {
    const code = 'code' in error && typeof error.code === 'string' ? error.code : 'UNEXPECTED';
    return { code, message: error.message };
  }
  return { code: 'UNEXPECTED', message: String(error) };
}
