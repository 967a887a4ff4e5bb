import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { type Command, Option } from 'commander';
import { addressList } from '../../client/remote-lines.js';
import type { Logger } from '../../cluster/logger.js';
import { durationMsMax, type LatencyRange, parseInteger, parseLatency } from '../../console/notation.js';
import { UsageError } from '../../console/usage-error.js';
import { ConclaveError } from '../../ground/errors.js';
import { messageOf } from '../../ground/thrown.js';
import { inspect } from '../../inspector/inspect.js';
import { requireToken } from '../../inspector/server/access.js';
import { portDefault } from '../../inspector/server/inspector-server.js';
import type { NodeId } from '../../raft/entry.js';
import { certificateFiles } from '../../server/development-certificates.js';
import type { ServerOptions } from '../../server/options.js';
import { RaftServer } from '../../server/raft-server.js';
import { timingsOf } from '../cluster-options.js';
import { natsAccessOf } from '../nats-access.js';
import { runToItsEnd, type Shutdown } from '../shutdown.js';
import { invocation, option } from '../subcommand.js';

const idMax = 10 ** 15 - 1;
const portMax = 65_535;

interface Raw {
  readonly config?: string;
  readonly id?: number;
  readonly cluster?: string;
  readonly data?: string;
  readonly listen?: string;
  readonly advertise?: string;
  readonly members?: NonNullable<ServerOptions['members']>;
  readonly join?: readonly string[] | true;
  readonly learner?: boolean;
  readonly replaces?: number;
  readonly certificates?: string;
  readonly nats?: string;
  readonly natsUser?: string;
  readonly natsPassword?: string;
  readonly natsCredentials?: string;
  readonly insecurePlainText?: boolean;
  readonly snapshotEvery?: number;
  readonly admin?: string;
  readonly inspect?: number | true;
  readonly inspectToken?: string;
  readonly chaos?: boolean;
  readonly electionTimeout?: LatencyRange;
  readonly heartbeat?: number;
}

/** `conclave server`. */
export function serverCommand(command: Command): void {
  command
    .description(
      'Runs one member of a cluster whose other members are other processes. Logs lines of JSON on standard output, in pino’s form.',
    )
    .addOption(
      option('--id <N>', 'this member’s number', (text) => parseInteger('--id', text, 0, idMax)).env(
        'CONCLAVE_ID',
      ),
    )
    .addOption(
      new Option('--cluster <NAME>', 'the cluster’s name (default: conclave)').env('CONCLAVE_CLUSTER'),
    )
    .addOption(new Option('--data <DIR>', 'where its log lives').env('CONCLAVE_DATA'))
    .addOption(
      new Option('--listen <HOST:PORT>', 'where members and clients reach it').env('CONCLAVE_LISTEN'),
    )
    .addOption(
      new Option('--advertise <HOST:PORT>', 'where they find it, if that is elsewhere').env(
        'CONCLAVE_ADVERTISE',
      ),
    )
    .addOption(
      option(
        '--members <N=HOST:PORT,...>',
        'the first members, itself included, over NATS their numbers alone: at the first start, and where all have moved at once',
        parseMembers,
      ).env('CONCLAVE_MEMBERS'),
    )
    .addOption(
      option(
        '--join [HOST:PORT,...]',
        'some members of a cluster that is there, over NATS without any: at the first start, ask to be one of them',
        parseJoin,
      ).env('CONCLAVE_JOIN'),
    )
    .addOption(new Option('--learner', 'join to receive the log, and never vote').env('CONCLAVE_LEARNER'))
    .addOption(
      option('--replaces <N>', 'join in the place of this member, in one change', (text) =>
        parseInteger('--replaces', text, 0, idMax),
      ).env('CONCLAVE_REPLACES'),
    )
    .addOption(
      new Option(
        '--certificates <DIR>',
        'TLS, with authority.pem, node-N.pem and node-N-key.pem from there',
      ).env('CONCLAVE_CERTIFICATES'),
    )
    .addOption(
      new Option(
        '--nats <URL,...>',
        'all goes over these NATS servers (nats://HOST:PORT), and nothing listens here',
      ).env('CONCLAVE_NATS'),
    )
    .addOption(new Option('--nats-user <NAME>', 'the user that they let in').env('CONCLAVE_NATS_USER'))
    .addOption(
      new Option(
        '--nats-password <WORD>',
        'its password; better in the environment, for others of this machine see the command',
      ).env('CONCLAVE_NATS_PASSWORD'),
    )
    .addOption(
      new Option('--nats-credentials <FILE>', 'a .creds file in its place').env('CONCLAVE_NATS_CREDENTIALS'),
    )
    .addOption(
      new Option(
        '--insecure-plain-text',
        'leave this machine without TLS, in a network that is itself safe',
      ).env('CONCLAVE_INSECURE_PLAIN_TEXT'),
    )
    .addOption(
      option(
        '--snapshot-every <N>',
        'entries from one snapshot of the state to the next; 0: as the log grows in bytes',
        (text) => parseInteger('--snapshot-every', text, 0, Number.MAX_SAFE_INTEGER),
      ).env('CONCLAVE_SNAPSHOT_EVERY'),
    )
    .addOption(
      new Option(
        '--admin <HOST:PORT>',
        'where those who look after the process reach it by HTTP, with /livez, /readyz and /metrics; a port alone is one of this machine',
      ).env('CONCLAVE_ADMIN'),
    )
    .addOption(
      new Option(
        '--chaos',
        'for experiments: operators may cut and slow down its links, and stop its node',
      ).env('CONCLAVE_CHAOS'),
    )
    .addOption(
      option(
        '--inspect [PORT]',
        `a page of this machine that shows the whole cluster live, its address with its token in the log (default port: ${portDefault}, or any that is free if that is taken)`,
        (text) => parseInteger('--inspect', text, 0, portMax),
      ).env('CONCLAVE_INSPECT'),
    )
    .addOption(
      new Option(
        '--inspect-token <TOKEN>',
        'what the page is to be shown, in the place of one that is drawn and logged: better in the environment',
      ).env('CONCLAVE_INSPECT_TOKEN'),
    )
    .addOption(
      option(
        '--election-timeout <MIN-MAX>',
        'how long it hears no leader before it stands for election, in ms (default: 150-300)',
        (text) => parseLatency('--election-timeout', text),
      ).env('CONCLAVE_ELECTION_TIMEOUT'),
    )
    .addOption(
      option('--heartbeat <MS>', 'as a leader it is heard this often at least (default: 50)', (text) =>
        parseInteger('--heartbeat', text, 1, durationMsMax),
      ).env('CONCLAVE_HEARTBEAT'),
    )
    .addOption(
      new Option(
        '--config <FILE>',
        'a JSON object of what RaftServer.start takes; what is given otherwise counts more',
      ).env('CONCLAVE_CONFIG'),
    )
    .showHelpAfterError(`Run ${invocation('server')} --help for all options.`)
    .action(async (raw: Raw) => {
      const { inspect: port, inspectToken: token, ...given } = raw;
      const options = serverOptions(given);
      const page = port === undefined ? null : { port, token: tokenIn(token) };
      await runToItsEnd((shutdown) => runServer(options, page, shutdown));
    });
}

/** @throws {InvalidOptionError} */
function parseJoin(text: string): readonly string[] | true {
  return text === 'true' ? true : addressList(text);
}

/** Over NATS there are numbers alone. @throws {UsageError} */
function parseMembers(text: string): NonNullable<ServerOptions['members']> {
  if (/^\s*\d+(\s*,\s*\d+)*\s*$/.test(text)) return text.split(',').map(Number);
  const members: Record<NodeId, string> = {};
  for (const each of text.split(',')) {
    const [, id, address] = /^\s*(\d+)=(\S+?)\s*$/.exec(each) ?? [];
    if (id === undefined || address === undefined) {
      throw new UsageError(
        `"${each}" names no member. Give --members 1=HOST:PORT,2=HOST:PORT,... or, over NATS, 1,2,...`,
      );
    }
    members[Number(id)] = address;
  }
  return members;
}

/** @throws {UsageError} */
function serverOptions(raw: Omit<Raw, 'inspect' | 'inspectToken'>): ServerOptions {
  const { config, certificates, admin, electionTimeout, heartbeat, ...others } = raw;
  const { nats, natsUser, natsPassword, natsCredentials, ...given } = others;
  const found = configIn(config);
  const options: Partial<ServerOptions> = {
    ...found,
    ...given,
    ...(nats === undefined
      ? {}
      : {
          nats: {
            ...found.nats,
            servers: nats,
            ...natsAccessOf({ natsUser, natsPassword, natsCredentials }),
          },
        }),
    ...(admin === undefined ? {} : { administration: admin }),
    timings: { ...found.timings, ...timingsOf({ electionTimeout, heartbeat }) },
  };
  for (const name of ['id', 'data', 'listen'] as const) {
    if (options[name] === undefined && (name !== 'listen' || options.nats === undefined)) {
      throw new UsageError(
        `--${name} is missing. Give it, set CONCLAVE_${name.toUpperCase()}, or name it in --config.`,
      );
    }
  }
  const { id, cluster = 'conclave' } = options as ServerOptions;
  const tls =
    certificates === undefined
      ? {}
      : { tls: certificateFiles(certificates, { kind: 'node', cluster, node: id }) };
  return { ...(options as ServerOptions), ...tls, logger: jsonLogger() };
}

function configIn(file: string | undefined): Partial<ServerOptions> {
  if (file === undefined) return {};
  try {
    const found: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof found === 'object' && found !== null && !Array.isArray(found)) return found;
    throw new UsageError('it is no object');
  } catch (error) {
    throw new UsageError(`--config ${file} cannot be used: ${messageOf(error)}`);
  }
}

/** @returns the exit status. @throws {InvalidOptionError} */
async function runServer(options: ServerOptions, page: Page | null, shutdown: Shutdown): Promise<number> {
  const server = await RaftServer.start(options);
  let status = 0;
  server.events.on('failed', () => {
    status = 1;
    shutdown.ask(1);
  });
  const { id: node, address, administrationAddress: administration } = server;
  options.logger?.info({ node, address, administration }, 'listening');
  if (page !== null) await openPage(server, page, options.logger);
  await new Promise<void>((resolve) => {
    if (shutdown.signal.aborted) resolve();
    else shutdown.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await server.close();
  return status;
}

/** The inspector's page: `true` takes the usual port or, if that is taken, any; without a token one is drawn. */
interface Page {
  readonly port: number | true;
  readonly token: string | null;
}

/** @throws {InvalidOptionError} */
function tokenIn(text: string | undefined): string | null {
  return text === undefined ? null : requireToken(text);
}

/** A page that cannot be served is no reason for a member not to take part. */
async function openPage(
  server: RaftServer,
  { port, token }: Page,
  logger: Logger | undefined,
): Promise<void> {
  const at = (each: number) => inspect(server, { port: each, ...(token === null ? {} : { token }) });
  const isTaken = (error: unknown) => error instanceof ConclaveError && error.code === 'EADDRINUSE';
  try {
    const { url } =
      port === true
        ? await at(portDefault).catch((error: unknown) => (isTaken(error) ? at(0) : Promise.reject(error)))
        : await at(port);
    // Whoever gave the token has it; logs are read by more than those.
    logger?.info({ node: server.id, url: token === null ? url : url.split('#')[0] }, 'inspector');
  } catch (error) {
    logger?.error({ node: server.id, err: messageOf(error) }, 'no inspector');
  }
}

/** One line of JSON each, as pino writes it. */
function jsonLogger(): Logger {
  const base = { pid: process.pid, hostname: hostname() };
  const at = (level: number) => (fields: object, msg: string) => {
    process.stdout.write(`${JSON.stringify({ level, time: Date.now(), ...base, ...fields, msg })}\n`);
  };
  return { info: at(30), warn: at(40), error: at(50) };
}
