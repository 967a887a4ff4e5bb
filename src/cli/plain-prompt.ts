import { execute } from './execute.js';
import type { PlainOutput } from './output.js';
import { runScript } from './script.js';
import type { Session } from './session.js';

/**
 * Without a terminal to draw on: commands are read from standard input, one a line, and news are told as they
 * happen. If not one command came, the end of the input is answered with the cluster's state once it has a leader.
 */
export async function runPlainPrompt(
  session: Session,
  output: PlainOutput,
  stop: AbortSignal,
): Promise<void> {
  const source = { stream: process.stdin, bytes: null };
  const { commands } = await runScript(source, session.context, output, stop);
  if (commands > 0 || stop.aborted) return;
  for (const line of ['wait leader', 'status']) await execute(line, session.context, output, stop);
}
