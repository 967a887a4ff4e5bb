import type { CommandContext } from '../console/command.js';
import { nameOf, parseLine } from '../console/language.js';
import type { Output } from './output.js';

/** What became of a line. */
export type Outcome = 'blank' | 'done' | 'failed' | 'quit';

/**
 * Understands a line, carries it out and answers; never rejects but when `stop` does.
 * @param stop rejects when the line is not to be waited for any longer.
 */
export async function execute(
  line: string,
  context: CommandContext,
  output: Output,
  stop: AbortSignal,
): Promise<Outcome> {
  const name = nameOf(line);
  if (name === '') return 'blank';
  output.echo(line);
  const fields = { line: line.trim() };
  try {
    const parsed = parseLine(line, context.cluster.ids);
    if (parsed === null) return 'blank';
    const answer = await unlessStopped(parsed.run(context, stop), stop);
    if (answer === null) return 'quit';
    output.answer(name, answer, fields);
    return answer.quits ? 'quit' : 'done';
  } catch (error) {
    output.failure(name, error, fields);
    return 'failed';
  }
}

/** What a promise resolves to, or null as soon as the signal is given, whatever else it brings about. */
export async function unlessStopped<Result>(
  work: Promise<Result>,
  stop: AbortSignal,
): Promise<Result | null> {
  if (stop.aborted) return null;
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
