import { type Command, Option } from 'commander';
import { helpLines } from '../../console/language.js';
import {
  durationMsMax,
  parseBlockInterval,
  parseInteger,
  parseLatency,
  parseProbability,
} from '../../console/notation.js';
import { checkTogether, defaultBlockIntervalMs, type RawOptions } from '../cluster-options.js';
import { runToItsEnd } from '../shutdown.js';
import { invocation, option } from '../subcommand.js';

/** More threads than this help nobody. */
const nodesMax = 31;

const portMax = 65_535;

/** `conclave cluster`. */
export function clusterCommand(command: Command): void {
  command
    .description(
      'Runs a Raft cluster: every node on a thread of its own, its log on disk, in a network that can be cut, slowed down and mended. On a terminal: a live view of all nodes above a prompt.',
    )
    .addOption(
      option('--nodes <N>', 'cluster size', (text) => parseInteger('--nodes', text, 1, nodesMax)).default(5),
    )
    .addOption(
      new Option(
        '--data <DIR>',
        'where the logs live; a cluster found there is recovered (default: a fresh temporary directory, removed at exit)',
      ).conflicts('memory'),
    )
    .addOption(
      new Option(
        '--cluster-id <ID>',
        'whose logs those are, where it is another’s than "conclave" (see recover)',
      ),
    )
    .addOption(new Option('--memory', 'no disk: a node that crashes stays down'))
    .addOption(
      option('--latency <MIN-MAX>', 'how long messages take, in ms', (text) =>
        parseLatency('--latency', text),
      ).default({ latencyMsMin: 1, latencyMsMax: 5 }, '1-5'),
    )
    .addOption(
      option('--loss <P>', 'how likely messages are lost', (text) =>
        parseProbability('--loss', text),
      ).default(0),
    )
    .addOption(
      option(
        '--election-timeout <MIN-MAX>',
        'how long nodes hear no leader before they stand for election, in ms (default: 150-300)',
        (text) => parseLatency('--election-timeout', text),
      ),
    )
    .addOption(
      option('--heartbeat <MS>', 'the leader is heard this often at least (default: 50)', (text) =>
        parseInteger('--heartbeat', text, 1, durationMsMax),
      ),
    )
    .addOption(
      option(
        '--block-interval <MS>',
        `the leader proposes a block this often; 0 turns it off (default: ${defaultBlockIntervalMs}; with --input 0)`,
        (text) => parseBlockInterval('--block-interval', text),
      ),
    )
    .addOption(
      option(
        '--snapshot-every <N>',
        'each node writes a snapshot of its state after so many entries (default: as its log grows, by 64 MiB)',
        (text) => parseInteger('--snapshot-every', text, 1, Number.MAX_SAFE_INTEGER),
      ),
    )
    .addOption(new Option('--leader <ID>', 'the first leader'))
    .addOption(new Option('--candidates <IDS>', 'who may stand for election, such as 0,2 (default: all)'))
    .addOption(
      option('--seed <N>', 'the seed of all chance (default: drawn)', (text) =>
        parseInteger('--seed', text, 0, Number.MAX_SAFE_INTEGER),
      ),
    )
    .addOption(
      new Option(
        '--script <FILE>',
        'run the commands of a file, one a line, then exit; - is standard input',
      ).conflicts('input'),
    )
    .addOption(
      new Option(
        '--input <FILE>',
        "replicate every line of a file as one record, print each node's height and digest, then exit; - is standard input",
      ),
    )
    .addOption(
      new Option('--json', 'one JSON object a line on standard output, text for people on standard error'),
    )
    .addOption(
      option(
        '--inspect [PORT|stately]',
        'serve a page at this machine that shows the nodes think, to whoever has the address that is printed; without a terminal the program then stays until it is ended; stately: also stream to Stately’s tools at ws://127.0.0.1:8080',
        (text) => (text === 'stately' ? text : parseInteger('--inspect', text, 0, portMax)),
      ),
    )
    .addHelpText('after', helpText)
    .showHelpAfterError(`Run ${invocation('cluster')} --help for all options.`)
    .action(async (raw: RawOptions) => {
      const options = checkTogether(raw);
      const { runCluster } = await import('../run-cluster.js');
      await runToItsEnd((shutdown) => runCluster(options, shutdown));
    });
}

const helpText = `
Commands, at the prompt and in scripts:
${helpLines()
  .map((line) => `  ${line}`)
  .join('\n')}

  N, FROM, TO are nodes. "Quotes" hold blanks together, with the escapes of
  JSON. # starts a comment.

  Nodes have converged when the living ones agree on height, commit index and
  digest, and hold nothing uncommitted. While that is looked for, and while
  status waits up to a second for nodes that only lag, no blocks are produced,
  so that heights come to rest.

Exit status: 0 all went well, 1 a command or an expectation failed, 2 wrong use,
141 nobody reads the output any more, 128 and a signal's number after a signal.

Examples:
  npm run cluster
  npm run cluster -- --nodes 3 --latency 20-80 --loss 0.05
  npm run -s cluster -- --data ./logs --input words.txt
  printf 'wait leader\\nput colour blue\\ncrash 0\\nexpect value colour blue\\n' |
    npm run -s cluster -- --script - --json --leader 0
`;
