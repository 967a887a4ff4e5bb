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
