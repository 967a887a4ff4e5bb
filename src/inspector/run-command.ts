import type { CommandContext } from '../console/command.js';
import { parseLine } from '../console/language.js';
import { ConclaveError, OverloadedError } from '../ground/errors.js';
import type { RunCommand } from './inspected-cluster.js';

/** What is carried out at one time; more is refused. Who waits keeps nobody from acting, and the other way round. */
const commandsMax = 64;
const waitsMax = 64;

/** Carries out lines of the command language. A page cannot close the cluster: whoever started it can. */
export function runCommandsOn(context: CommandContext): RunCommand {
  const commands = new Gate('commands', commandsMax);
  const waits = new Gate('waits', waitsMax);
  return async (line, asker) => {
    try {
      const parsed = parseLine(line, context.cluster.ids);
      if (parsed === null) return { ok: true, lines: [] };
      if (parsed.name === 'quit') return { ok: true, lines: ['Close the cluster where it was started.'] };
      const gate = parsed.isPatient ? waits : commands;
      return { ok: true, lines: (await gate.let(() => parsed.run(context, asker))).lines };
    } catch (error) {
      const code = error instanceof ConclaveError ? error.code : 'UNEXPECTED';
      return { ok: false, error: { code, message: error instanceof Error ? error.message : String(error) } };
    }
  };
}

/** Lets through what is not too much at one time. */
class Gate {
  readonly #what: string;
  readonly #max: number;
  #inside = 0;

  constructor(what: string, max: number) {
    this.#what = what;
    this.#max = max;
  }

  /** @throws {OverloadedError} when so much is under way that nothing more is begun. */
  async let<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#inside >= this.#max) {
      throw new OverloadedError(
        `${this.#max} ${this.#what} are under way already. Let one of them end first.`,
      );
    }
    this.#inside++;
    try {
      return await work();
    } finally {
      this.#inside--;
    }
  }
}
