import { createInterface } from 'node:readline';
import { type Executor, unlessStopped } from './execute.js';
import type { Source } from './input/source.js';
import type { PlainOutput } from './output.js';

/** How a script ended. */
export interface ScriptResult {
  readonly commands: number;
  readonly failures: number;
}

/**
 * Runs commands line by line as they arrive, one after the other, until the end, `quit` or `stop`. A failed line is
 * counted and the next one runs.
 */
export async function runScript(
  source: Source,
  executor: Executor,
  output: PlainOutput,
  stop: AbortSignal,
): Promise<ScriptResult> {
  const reader = createInterface({
    input: source.stream,
    crlfDelay: Number.POSITIVE_INFINITY,
    terminal: false,
  });
  const lines = reader[Symbol.asyncIterator]();
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
  } finally {
    reader.close();
    source.stream.destroy();
  }
  return { commands, failures };
}
