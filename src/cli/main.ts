#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { UsageError } from '../console/usage-error.js';
import { ConclaveError } from '../ground/errors.js';
import { excerptLines } from '../ground/printable.js';
import { onOutputLost } from './standard-streams.js';
import { calledByNpm, invocation, type Subcommand } from './subcommand.js';

/** What every subcommand exits with when it is used wrongly. */
const usageStatus = 2;

/** Each in a file of its own, which is read only when it is asked for: drawing charts needs no cluster. */
const subcommands: Readonly<Record<string, { summary: string; load(): Promise<Subcommand> }>> = {
  cluster: {
    summary: 'a cluster on threads of this process, with a prompt',
    load: async () => (await import('./commands/cluster.js')).clusterCommand,
  },
  server: {
    summary: 'one member of a cluster of processes',
    load: async () => (await import('./commands/server.js')).serverCommand,
  },
  connect: {
    summary: 'a prompt at a cluster of processes',
    load: async () => (await import('./commands/connect.js')).connectCommand,
  },
  certificates: {
    summary: 'certificates for a first try of TLS',
    load: async () => (await import('./commands/certificates.js')).certificatesCommand,
  },
  simulate: {
    summary: 'clusters in simulated worlds that try to break them',
    load: async () => (await import('./commands/simulate.js')).simulateCommand,
  },
  'check-history': {
    summary: 'is a recorded history linearizable?',
    load: async () => (await import('./commands/check-history.js')).checkHistoryCommand,
  },
  'inspect-data': {
    summary: 'what a node’s directory holds',
    load: async () => (await import('./commands/inspect-data.js')).inspectDataCommand,
  },
  recover: {
    summary: 'a new cluster out of a survivor’s directory, when a quorum is lost for good',
    load: async () => (await import('./commands/recover.js')).recoverCommand,
  },
  charts: {
    summary: "draw the machines' statecharts",
    load: async () => (await import('./commands/charts.js')).chartsCommand,
  },
};

/** The program as far as these words need it: of the other subcommands it knows the names. */
async function programFor([first = '', second = '']: readonly string[]): Promise<Command> {
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  const asked = first === 'help' ? second : first;
  const program = prepared(new Command('conclave'), version).description(
    'Raft for Node.js: run a cluster, try to break one, look at what happened.',
  );
  for (const [name, { summary, load }] of Object.entries(subcommands)) {
    const command = prepared(new Command(name), version).summary(summary);
    if (name === asked) {
      if (calledByNpm(name)) {
        program.name('npm run -s');
        command.usage('-- [options]');
      }
      (await load())(command);
    }
    program.addCommand(command);
  }
  return program;
}

function prepared(command: Command, version: string): Command {
  return command
    .version(version, '-V, --version', 'print the version')
    .configureHelp({ helpWidth: 80 })
    .configureOutput({ outputError: (text, write) => write(excerptLines(text)) })
    .allowExcessArguments(false)
    .exitOverride();
}

/** Does it say all that its reader needs: of an option, of what is there, or of what the system refused? */
function isSaidInWords(error: unknown): error is Error {
  if (error instanceof UsageError || error instanceof ConclaveError) return true;
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === 'string';
}

const words = process.argv.slice(2);
onOutputLost((status) => process.exit(status));
try {
  await (await programFor(words)).parseAsync(words, { from: 'user' });
} catch (error) {
  if (error instanceof CommanderError) {
    // It has said what is wrong, or what it was asked to tell.
    process.exitCode = error.exitCode === 0 ? 0 : usageStatus;
  } else if (isSaidInWords(error)) {
    process.stderr.write(
      `error: ${excerptLines(error.message)}\nRun ${invocation(words[0] ?? '')} --help for all options.\n`,
    );
    process.exitCode = usageStatus;
  } else throw error;
}
