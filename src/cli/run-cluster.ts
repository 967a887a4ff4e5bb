import { UsageError } from '../console/usage-error.js';
import { InvalidOptionError } from '../ground/errors.js';
import type { CliOptions } from './cluster-options.js';
import { runInput } from './input/input-mode.js';
import { counted } from './input/progress.js';
import { openSource, type Source } from './input/source.js';
import { LivePrompt } from './live/live-prompt.js';
import { paintFor } from './live/paint.js';
import { follow } from './news.js';
import { PlainOutput } from './output.js';
import { runPlainPrompt } from './plain-prompt.js';
import { runScript } from './script.js';
import { describeSession, Session } from './session.js';
import type { Shutdown } from './shutdown.js';

const exitStatus = { ok: 0, failed: 1 } as const;

/**
 * A cluster as the options say, until it is to end. @returns the exit status.
 * @throws {UsageError} {InvalidOptionError} when they do not fit what is found; nothing runs then.
 */
export async function runCluster(options: CliOptions, shutdown: Shutdown): Promise<number> {
  const { mode, json } = options;
  const people = json ? process.stderr : process.stdout;
  const paint = paintFor({ isTTY: people.isTTY, environment: process.env });
  const programs = json ? process.stdout : null;
  const isSideBySide = mode.kind === 'prompt' && process.stdin.isTTY === true;
  const output = new PlainOutput({ people, programs, paint, isSideBySide });
  const source = mode.kind === 'prompt' ? null : await openSource(`--${mode.kind}`, mode.source);

  if (people.isTTY) people.write(`starting ${counted(options.nodes, 'node')}\n`);
  let session: Session;
  let page: string | null = null;
  try {
    session = await Session.open(options);
    page = await inspect(session, options);
  } catch (error) {
    if (error instanceof UsageError || error instanceof InvalidOptionError) throw error;
    output.failure('start', error);
    return exitStatus.failed;
  }
  session.cluster.events.on('failed', () => shutdown.ask(exitStatus.failed));
  const isLive = mode.kind === 'prompt' && isInteractive(options);
  const { status, left } = isLive
    ? await runLive(options, session, page, shutdown)
    : await runPlain(options, session, page, source, output, shutdown);
  if (left !== null) output.failure('close', left);
  if (shutdown.exitCode !== 0) return shutdown.exitCode;
  return left === null ? status : exitStatus.failed;
}

/** How a session came to its end. */
interface Ended {
  readonly status: number;
  /** What could not be ended or freed, or null. */
  readonly left: Error | null;
}

async function runPlain(
  options: CliOptions,
  session: Session,
  page: string | null,
  source: Source | null,
  output: PlainOutput,
  shutdown: Shutdown,
): Promise<Ended> {
  let status: number = exitStatus.failed;
  let left: Error | null = null;
  try {
    output.news(describeSession(options, session.directory));
    if (page !== null) output.news(describePage(page));
    const forget = follow(session.cluster, ({ text, isMinor, isAct }) => {
      if (!isMinor && !(isAct && session.executor.isActing)) output.news(text);
    });
    status = await runMode(options, session, source, output, shutdown);
    if (options.mode.kind === 'prompt' && page !== null) await untilAborted(shutdown.signal);
    forget();
  } finally {
    left = await close(session);
  }
  return { status, left };
}

async function close(session: Session): Promise<Error | null> {
  try {
    await session.close();
    return null;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Is there a terminal on both ends that a view can be drawn on? */
function isInteractive({ json }: CliOptions): boolean {
  return (
    !json && process.stdin.isTTY === true && process.stdout.isTTY === true && process.env.TERM !== 'dumb'
  );
}

async function runLive(
  options: CliOptions,
  session: Session,
  page: string | null,
  shutdown: Shutdown,
): Promise<Ended> {
  const paint = paintFor({ isTTY: process.stdout.isTTY, environment: process.env });
  const prompt = new LivePrompt(session, shutdown, paint, showsUnicode(process.env));
  let left: Error | null = null;
  try {
    const greeting = describeSession(options, session.directory);
    await prompt.run(page === null ? [greeting] : [greeting, describePage(page)]);
  } finally {
    left = await close(session);
    prompt.end();
  }
  return { status: exitStatus.ok, left };
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** The page's address, if one is wanted; the cluster does not outlive a page that cannot be served. */
async function inspect(session: Session, options: CliOptions): Promise<string | null> {
  try {
    return await session.inspect(options);
  } catch (error) {
    await session.close();
    throw error;
  }
}

function describePage(url: string): string {
  return `see it think: ${url}`;
}

/** Does the locale say that the terminal reads UTF-8? */
function showsUnicode({ LC_ALL, LC_CTYPE, LANG }: NodeJS.ProcessEnv): boolean {
  return /utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || '');
}

async function runMode(
  { mode }: CliOptions,
  session: Session,
  source: Source | null,
  output: PlainOutput,
  { signal }: Shutdown,
): Promise<number> {
  if (source === null) {
    await runPlainPrompt(session, output, signal);
    return exitStatus.ok;
  }
  if (mode.kind === 'input') {
    return (await runInput(source, session, output, signal)) ? exitStatus.ok : exitStatus.failed;
  }
  const { failures } = await runScript(source, session.executor, output, signal);
  return failures === 0 ? exitStatus.ok : exitStatus.failed;
}
