import { UsageError } from '../console/usage-error.js';
import { InvalidOptionError } from '../ground/errors.js';
import { excerptLines } from '../ground/printable.js';
import { unlessStopped } from './execute.js';
import { describeError } from './output.js';
import { flushed, onOutputLost } from './standard-streams.js';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
type SignalName = (typeof signals)[number];

/** What a shell expects of a process that a signal ended: 128 and the signal's number. */
const exitCodes: Readonly<Record<SignalName, number>> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

/** npm and the terminal both pass a Ctrl-C on: what comes so soon after the first is the same one. */
const echoMs = 300;
const cleanCloseMsMax = 10_000;

/** The wish to end: the first asks for a clean close, the second ends the process at once. */
export class Shutdown {
  readonly #controller = new AbortController();
  #askedAt: number | null = null;
  #exitCode = 0;

  /** Aborted when the program is to close. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The exit status that tells of the signal, or 0 if none came. */
  get exitCode(): number {
    return this.#exitCode;
  }

  listen(): void {
    for (const name of signals) process.on(name, () => this.ask(exitCodes[name]));
  }

  /** @param exitCode of the process that ends for this. */
  ask(exitCode: number): void {
    const now = performance.now();
    if (this.#askedAt === null) {
      this.#askedAt = now;
      this.#exitCode = exitCode;
      this.#controller.abort();
      setTimeout(() => process.exit(exitCode === 0 ? 1 : exitCode), cleanCloseMsMax).unref();
    } else if (now - this.#askedAt > echoMs) {
      process.exit(exitCode);
    }
  }
}

/**
 * Runs a program whose cluster has to be closed before the process ends, and ends the process with its exit status.
 * @throws {UsageError} {InvalidOptionError} that it throws: for whoever knows how it was called.
 */
export async function runToItsEnd(run: (shutdown: Shutdown) => Promise<number>): Promise<void> {
  process.on('uncaughtException', die);
  process.on('unhandledRejection', die);
  const shutdown = new Shutdown();
  shutdown.listen();
  onOutputLost((status) => shutdown.ask(status));
  let status = 0;
  try {
    status = await run(shutdown);
  } catch (error) {
    if (error instanceof UsageError || error instanceof InvalidOptionError) throw error;
    die(error);
  }
  // A pipe takes in no more than its reader does, and what still waits here would go with the process.
  const { signal } = shutdown;
  const written = flushed(process.stdout, process.stderr);
  await (signal.aborted ? written : unlessStopped(written, signal));
  process.exit(shutdown.exitCode === 0 ? status : shutdown.exitCode);
}

/** Tells what went wrong once the terminal is given back and the temporary directory is gone: exit hooks go first. */
function die(error: unknown): never {
  process.once('exit', () => {
    const { code, message } = describeError(error);
    const stack = error instanceof Error ? `${excerptLines(`${error.stack}`)}\n` : '';
    process.stderr.write(`error: ${message} [${code}]\n${stack}`);
  });
  process.exit(1);
}
