import { CommanderError } from 'commander';
import { UsageError } from '../console/usage-error.js';
import { InvalidOptionError } from '../ground/errors.js';
import { unlessStopped } from './execute.js';
import { runInput } from './input/input-mode.js';
import { openSource, type Source } from './input/source.js';
import { LivePrompt } from './live/live-prompt.js';
import { paintFor } from './live/paint.js';
import { follow } from './news.js';
import { type CliOptions, parseOptions } from './options.js';
import { describeError, PlainOutput } from './output.js';
import { runPlainPrompt } from './plain-prompt.js';
import { runScript } from './script.js';
import { describeSession, Session } from './session.js';
import { Shutdown } from './shutdown.js';
import { flushed, onOutputLost } from './standard-streams.js';

const exitStatus = { ok: 0, failed: 1, usage: 2 } as const;

/** `npm run cluster`. @returns the exit status. */
async function main(argv: readonly string[], shutdown: Shutdown): Promise<number> {
  try {
    const options = parseOptions(argv);
    return await run(options, shutdown);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitStatus.ok : exitStatus.usage;
    if (!(error instanceof UsageError || error instanceof InvalidOptionError)) throw error;
    process.stderr.write(`error: ${error.message}\nRun npm run -s cluster -- --help for all options.\n`);
    return exitStatus.usage;
  }
}

async function run(options: CliOptions, shutdown: Shutdown): Promise<number> {
  const { mode, json } = options;
  const people = json ? process.stderr : process.stdout;
  const paint = paintFor({ isTTY: people.isTTY, environment: process.env });
  const output = new PlainOutput(people, json ? process.stdout : null, paint);
  const source = mode.kind === 'prompt' ? null : await openSource(`--${mode.kind}`, mode.source);

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
  if (mode.kind === 'prompt' && isInteractive(options)) return runLive(options, session, page, shutdown);
  try {
    output.news(describeSession(options, session.directory));
    if (page !== null) output.news(describePage(page));
    const forget = follow(session.cluster, ({ text, isMinor }) => {
      if (!isMinor) output.news(text);
    });
    const status = await runMode(options, session, source, output, shutdown);
    if (mode.kind === 'prompt' && page !== null) await untilAborted(shutdown.signal);
    forget();
    return shutdown.exitCode === 0 ? status : shutdown.exitCode;
  } finally {
    await session.close();
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
): Promise<number> {
  const paint = paintFor({ isTTY: process.stdout.isTTY, environment: process.env });
  const prompt = new LivePrompt(session, shutdown, paint, showsUnicode(process.env));
  try {
    const greeting = describeSession(options, session.directory);
    await prompt.run(page === null ? [greeting] : [greeting, describePage(page)]);
    return shutdown.exitCode;
  } finally {
    await session.close();
    prompt.end();
  }
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
  const { failures } = await runScript(source, session.context, output, signal);
  return failures === 0 ? exitStatus.ok : exitStatus.failed;
}

/** Tells what went wrong once the terminal is given back and the temporary directory is gone: exit hooks go first. */
function die(error: unknown): never {
  process.once('exit', () => {
    const { code, message } = describeError(error);
    const stack = error instanceof Error ? `${error.stack}\n` : '';
    process.stderr.write(`error: ${message} [${code}]\n${stack}`);
  });
  process.exit(exitStatus.failed);
}

process.on('uncaughtException', die);
process.on('unhandledRejection', die);
const shutdown = new Shutdown();
shutdown.listen();
onOutputLost((status) => shutdown.ask(status));
try {
  const status = await main(process.argv.slice(2), shutdown);
  // A pipe takes in no more than its reader does, and what still waits here would go with the process.
  const { signal } = shutdown;
  const written = flushed(process.stdout, process.stderr);
  await (signal.aborted ? written : unlessStopped(written, signal));
  process.exit(shutdown.exitCode === 0 ? status : shutdown.exitCode);
} catch (error) {
  die(error);
}
