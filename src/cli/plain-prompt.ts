import { createInterface } from 'node:readline';
import type { PlainOutput } from './output.js';
import { runScript } from './script.js';
import type { Session } from './session.js';
import { SideBySide } from './side-by-side.js';

/**
 * Without a terminal to draw on: commands are read from standard input, one a line, and news are told as they
 * happen. If not one command came, the end of the input is answered with the cluster's state once it has a leader.
 */
export async function runPlainPrompt(
  { executor }: Pick<Session, 'executor'>,
  output: PlainOutput,
  stop: AbortSignal,
): Promise<void> {
  if (process.stdin.isTTY) return runTyped({ executor }, output, stop);
  const source = { stream: process.stdin, bytes: null };
  const { commands } = await runScript(source, executor, output, stop);
  if (commands > 0 || stop.aborted) return;
  for (const line of ['wait leader', 'status']) await executor.execute(line, output, stop);
}

/** Somebody types: what waits does not keep the next line waiting. */
async function runTyped(
  { executor }: Pick<Session, 'executor'>,
  output: PlainOutput,
  stop: AbortSignal,
): Promise<void> {
  const reader = createInterface({ input: process.stdin, terminal: false });
  const onStop = () => reader.close();
  stop.addEventListener('abort', onStop);
  const commands = new SideBySide(executor, output, stop, onStop);
  reader.on('line', (line) => commands.take(line));
  await new Promise<void>((resolve) => {
    reader.once('close', resolve);
    if (stop.aborted) reader.close();
  });
  stop.removeEventListener('abort', onStop);
  commands.giveUp();
  process.stdin.destroy();
}
