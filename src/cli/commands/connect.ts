import { type Command, Option } from 'commander';
import { KeyValueClient } from '../../application/key-value/client.js';
import { RaftClient, type RaftClientOptions } from '../../client/raft-client.js';
import { BlockPace } from '../../console/block-pace.js';
import { RemoteCluster } from '../../console/remote-cluster.js';
import { InvalidOptionError } from '../../ground/errors.js';
import { certificateFiles } from '../../server/development-certificates.js';
import { Executor } from '../execute.js';
import { openSource } from '../input/source.js';
import { paintFor } from '../live/paint.js';
import { natsAccessOf } from '../nats-access.js';
import { PlainOutput } from '../output.js';
import { runPlainPrompt } from '../plain-prompt.js';
import { runScript } from '../script.js';
import { runToItsEnd, type Shutdown } from '../shutdown.js';
import { invocation } from '../subcommand.js';

interface Raw {
  readonly cluster: string;
  readonly certificates?: string;
  readonly name: string;
  readonly role: 'reader' | 'writer' | 'operator';
  readonly natsUser?: string;
  readonly natsPassword?: string;
  readonly natsCredentials?: string;
  readonly insecurePlainText?: boolean;
  readonly script?: string;
  readonly json?: boolean;
}

/** `conclave connect`. */
export function connectCommand(command: Command): void {
  command
    .argument(
      '<ADDRESSES>',
      'host:port of one member or several, or nats://host:port of the servers of a bus, with commas between',
    )
    .description(
      'A prompt at a cluster of processes: status, leader, log, put, get, list, wait, expect and others.',
    )
    .addOption(
      new Option('--cluster <NAME>', 'the cluster’s name').default('conclave').env('CONCLAVE_CLUSTER'),
    )
    .addOption(
      new Option(
        '--certificates <DIR>',
        'TLS, with authority.pem, ROLE-NAME.pem and ROLE-NAME-key.pem from there',
      ).env('CONCLAVE_CERTIFICATES'),
    )
    .addOption(new Option('--name <NAME>', 'this client’s name').default('operator'))
    .addOption(
      new Option('--role <ROLE>', 'what it may do')
        .choices(['reader', 'writer', 'operator'])
        .default('operator'),
    )
    .addOption(new Option('--nats-user <NAME>', 'the user that NATS lets in').env('CONCLAVE_NATS_USER'))
    .addOption(
      new Option('--nats-password <WORD>', 'its password; better in the environment').env(
        'CONCLAVE_NATS_PASSWORD',
      ),
    )
    .addOption(
      new Option('--nats-credentials <FILE>', 'a .creds file in its place').env('CONCLAVE_NATS_CREDENTIALS'),
    )
    .addOption(new Option('--insecure-plain-text', 'leave this machine without TLS'))
    .addOption(new Option('--script <FILE>', 'run the commands of a file, one a line; - is standard input'))
    .addOption(new Option('--json', 'one JSON object a line on standard output'))
    .showHelpAfterError(`Run ${invocation('connect')} --help for all options.`)
    .action(async (addresses: string, raw: Raw) => {
      await runToItsEnd((shutdown) => runConnect(addresses, raw, shutdown));
    });
}

/** @returns the exit status. @throws {InvalidOptionError} */
async function runConnect(addresses: string, raw: Raw, { signal }: Shutdown): Promise<number> {
  const people = raw.json ? process.stderr : process.stdout;
  const paint = paintFor({ isTTY: people.isTTY, environment: process.env });
  const isSideBySide = raw.script === undefined && process.stdin.isTTY === true;
  const output = new PlainOutput({ people, programs: raw.json ? process.stdout : null, paint, isSideBySide });
  const source = raw.script === undefined ? null : await openSource('--script', raw.script);
  let client: RaftClient;
  try {
    client = await RaftClient.connect(addresses, clientOptions(addresses, raw));
  } catch (error) {
    if (error instanceof InvalidOptionError) throw error;
    output.failure('connect', error);
    return 1;
  }
  const cluster = await RemoteCluster.over(client);
  const executor = new Executor({
    cluster,
    store: new KeyValueClient(client),
    blocks: new BlockPace(cluster, 0),
  });
  try {
    if (source !== null) return (await runScript(source, executor, output, signal)).failures === 0 ? 0 : 1;
    await runPlainPrompt({ executor }, output, signal);
    return 0;
  } finally {
    cluster.close();
    await client.close();
  }
}

function clientOptions(addresses: string, raw: Raw): RaftClientOptions {
  const { cluster, name, role, certificates, insecurePlainText } = raw;
  if (certificates !== undefined) {
    return { tls: certificateFiles(certificates, { kind: 'client', cluster, role, name }) };
  }
  const plain = insecurePlainText === undefined ? {} : { insecurePlainText };
  const nats = /^(nats|tls):/.test(addresses) ? { nats: natsAccessOf(raw) } : {};
  return { cluster, name, role, ...plain, ...nats };
}
