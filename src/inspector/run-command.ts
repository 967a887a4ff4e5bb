import type { CommandContext } from '../console/command.js';
import { parseLine } from '../console/language.js';
import { ConclaveError } from '../ground/errors.js';
import type { RunCommand } from './inspected-cluster.js';

/** Carries out lines of the command language. A page cannot close the cluster: whoever started it can. */
export function runCommandsOn(context: CommandContext): RunCommand {
  return async (line) => {
    try {
      const parsed = parseLine(line, context.cluster.ids);
      if (parsed === null) return { ok: true, lines: [] };
      if (parsed.name === 'quit') return { ok: true, lines: ['Close the cluster where it was started.'] };
      return { ok: true, lines: (await parsed.run(context)).lines };
    } catch (error) {
      const code = error instanceof ConclaveError ? error.code : 'UNEXPECTED';
      return { ok: false, error: { code, message: error instanceof Error ? error.message : String(error) } };
    }
  };
}
