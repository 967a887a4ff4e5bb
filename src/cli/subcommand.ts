import { type Command, InvalidArgumentError, Option } from 'commander';
import { UsageError } from '../console/usage-error.js';

/** Gives a command its description, options and action. The action sets the process's exit code. */
export type Subcommand = (command: Command) => void;

/** Was the program started by `npm run NAME`? */
export function calledByNpm(name: string): boolean {
  return process.env.npm_lifecycle_event === name;
}

/** How a subcommand is called again, up to its options. */
export function invocation(name: string): string {
  return calledByNpm(name) ? `npm run -s ${name} --` : `conclave ${name}`;
}

/** An option whose value is read by `parse`, which throws `UsageError`. */
export function option<Value>(flags: string, description: string, parse: (text: string) => Value): Option {
  return new Option(flags, description).argParser((text) => {
    try {
      return parse(text);
    } catch (error) {
      if (error instanceof UsageError) throw new InvalidArgumentError(error.message);
      throw error;
    }
  });
}
