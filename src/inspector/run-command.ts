import type { CommandContext } from '../console/command.js';
import { parseLine } from '../console/language.js';
import { messageFor } from '../console/usage-error.js';
import { ConclaveError } from '../ground/errors.js';
import { excerpt } from '../ground/printable.js';
import { cropped, messageOf } from '../ground/thrown.js';
import { Gate } from './gate.js';
import type { RunCommand } from './inspected-cluster.js';

/** What is carried out at one time; more is refused. Who waits keeps nobody from acting, and the other way round. */
const commandsMax = 64;
const waitsMax = 64;

/** An answer is for somebody to read: this much of a log, and of any line. */
const logMax = { entries: 1_000, bytesOfEach: 4_096 };
const lineLengthMax = 4_096;

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
      const { lines } = await gate.let(() => parsed.run({ ...context, logMax }, asker));
      return { ok: true, lines: lines.map((each) => cropped(each, lineLengthMax)) };
    } catch (error) {
      const code = error instanceof ConclaveError ? error.code : 'UNEXPECTED';
      const message = excerpt(messageOf(error));
      return { ok: false, error: { code, message, text: messageFor({ code, message }) } };
    }
  };
}
