import { type Executor, unlessStopped } from './execute.js';
import { splitLines } from './input/lines.js';
import type { Source } from './input/source.js';
import type { PlainOutput } from './output.js';

/** The largest line: more than a command that is carried out can have. */
const lineBytesMax = 4 * 1024 * 1024;

/** How a script ended. */
export interface ScriptResult {
  readonly commands: number;
  readonly failures: number;
}

/**
 * Runs commands line by line as they arrive, one after the other, until the end, `quit` or `stop`. A failed line is
 * counted and the next one runs; one that is too long to be one, or cannot be read, is the last.
 */
export async function runScript(
  source: Source,
  executor: Executor,
  output: PlainOutput,
  stop: AbortSignal,
): Promise<ScriptResult> {
  const lines = linesOf(source);
  let commands = 0;
  let failures = 0;
  try {
    for (;;) {
      const next = await unlessStopped(lines.next(), stop);
      if (next === null || next.done) break;
      const outcome = await executor.execute(next.value, output, stop);
      if (outcome !== 'blank') commands++;
      if (outcome === 'failed') failures++;
      if (outcome === 'quit' || outcome === 'given up') break;
      await unlessStopped(output.ready(), stop);
    }
  } catch (error) {
    output.failure('script', error);
    failures++;
  } finally {
    source.stream.destroy();
  }
  return { commands, failures };
}

/** Line by line as text, the ends of lines left out. @throws {LineTooLongError} and what reading throws */
async function* linesOf({ stream }: Source): AsyncGenerator<string, void, void> {
  for await (const lines of splitLines(stream, lineBytesMax)) {
    for (const line of lines) yield new TextDecoder().decode(line).replace(/\r$/, '');
  }
}
