import { type Command, Option } from 'commander';
import { parseInteger } from '../../console/notation.js';
import { clientRoles } from '../../router/carriers/party.js';
import { developmentDays, writeDevelopmentCertificates } from '../../server/development-certificates.js';
import { invocation, option } from '../subcommand.js';

interface Raw {
  readonly cluster: string;
  readonly nodes: readonly number[];
  readonly name: string;
}

/** `conclave certificates`. */
export function certificatesCommand(command: Command): void {
  command
    .argument('<DIR>', 'where they are written')
    .description(
      `Makes certificates for a first try of TLS: an authority, one for each node, and one for a client of each role, good for ${developmentDays} days. For development only: whoever reads the directory can be any node.`,
    )
    .addOption(
      option('--nodes <IDS>', 'the members', (text) =>
        text.split(',').map((each) => parseInteger('--nodes', each.trim(), 0, 10 ** 15 - 1)),
      ).makeOptionMandatory(),
    )
    .addOption(
      new Option('--cluster <NAME>', 'the cluster’s name').default('conclave').env('CONCLAVE_CLUSTER'),
    )
    .addOption(new Option('--name <NAME>', 'the clients’ name').default('operator'))
    .showHelpAfterError(`Run ${invocation('certificates')} --help for all options.`)
    .action(async (directory: string, { cluster, nodes, name }: Raw) => {
      const clients = clientRoles.map((role) => ({ role, name }));
      await writeDevelopmentCertificates(directory, { cluster, nodes, clients });
      process.stdout.write(
        `certificates of cluster ${cluster} for nodes ${nodes.join(', ')} and client ${name} in ${directory}, for development only\n`,
      );
    });
}
