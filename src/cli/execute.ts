import type { CommandContext } from '../console/command.js';
import { nameOf, type ParsedLine, parseLine } from '../console/language.js';
import { cropped } from '../ground/thrown.js';
import type { Output } from './output.js';

/** What became of a line. */
export type Outcome = 'blank' | 'done' | 'failed' | 'quit' | 'given up';

/** Of what may be no command at all. */
const nameLengthMax = 64;

/** Carries out lines of the command language, as many at a time as it is told to. */
export class Executor {
  readonly #context: CommandContext;
  #isActing = false;

  constructor(context: CommandContext) {
    this.#context = context;
  }

  /** Is a command of this very executor changing the network right now? Its answer tells what it did. */
  get isActing(): boolean {
    return this.#isActing;
  }

  /**
   * Understands a line, carries it out and answers; never rejects.
   * @param stop ends the command, and it is not waited for any longer.
   * @param begun is told what was understood.
   */
  async execute(
    line: string,
    output: Output,
    stop: AbortSignal,
    begun: (parsed: ParsedLine) => void = () => {},
  ): Promise<Outcome> {
    const name = cropped(nameOf(line), nameLengthMax);
    if (name === '') return 'blank';
    output.echo(line);
    const fields = { line: cropped(line.trim()) };
    try {
      const parsed = parseLine(line, this.#context.cluster.ids);
      if (parsed === null) return 'blank';
      begun(parsed);
      const answer = await unlessStopped(this.#begin(parsed, stop), stop);
      if (answer === null) return 'given up';
      output.answer(name, answer, fields);
      return answer.quits ? 'quit' : 'done';
    } catch (error) {
      output.failure(name, error, fields);
      return 'failed';
    }
  }

  /** The network changes, and tells of it, before the first thing that a command waits for. */
  #begin(parsed: ParsedLine, stop: AbortSignal): ReturnType<ParsedLine['run']> {
    this.#isActing = true;
    try {
      return parsed.run(this.#context, stop);
    } finally {
      this.#isActing = false;
    }
  }
}

/** What a promise resolves to, or null as soon as the signal is given, whatever else it brings about. */
export async function unlessStopped<Result>(
  work: Promise<Result>,
  stop: AbortSignal,
): Promise<Result | null> {
  if (stop.aborted) {
    work.catch(() => {});
    return null;
  }
  let onStop = () => {};
  const stopped = new Promise<null>((resolve) => {
    onStop = () => resolve(null);
    stop.addEventListener('abort', onStop);
  });
  try {
    return await Promise.race([work, stopped]);
  } catch (error) {
    if (stop.aborted) return null;
    throw error;
  } finally {
    stop.removeEventListener('abort', onStop);
  }
}
