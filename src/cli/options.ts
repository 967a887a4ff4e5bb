import { Command, InvalidArgumentError, Option } from 'commander';
import { helpLines } from '../console/language.js';
import {
  type LatencyRange,
  parseBlockInterval,
  parseInteger,
  parseLatency,
  parseNodeId,
  parseNodeIds,
  parseProbability,
} from '../console/notation.js';
import { UsageError } from '../console/usage-error.js';
import type { NodeId } from '../raft/entry.js';

/** Where the logs live. */
export type DataPlace =
  | { readonly kind: 'memory' }
  | { readonly kind: 'temporary' }
  | { readonly kind: 'directory'; readonly directory: string };

/** What the program is to do with the cluster; a source `-` is standard input. */
export type Mode =
  | { readonly kind: 'prompt' }
  | { readonly kind: 'script'; readonly source: string }
  | { readonly kind: 'input'; readonly source: string };

/** The command line of `npm run cluster`, understood and checked. */
export interface CliOptions {
  readonly nodes: number;
  readonly data: DataPlace;
  readonly latency: LatencyRange;
  readonly loss: number;
  /** 0 is off. */
  readonly blockIntervalMs: number;
  readonly leader: NodeId | null;
  readonly candidates: readonly NodeId[] | null;
  readonly seed: number | null;
  readonly mode: Mode;
  readonly json: boolean;
  /**
   * The port of the inspector's page; `default` takes the usual one or, if that is taken, any;
   * `stately` also tells Stately's own tools. Null: no page.
   */
  readonly inspect: number | 'default' | 'stately' | null;
}

/** More threads than this help nobody. */
const nodesMax = 31;

interface RawOptions {
  readonly nodes: number;
  readonly data?: string;
  readonly memory?: true;
  readonly latency: LatencyRange;
  readonly loss: number;
  readonly blockInterval?: number;
  readonly leader?: string;
  readonly candidates?: string;
  readonly seed?: number;
  readonly script?: string;
  readonly input?: string;
  readonly json?: true;
  readonly inspect?: number | 'stately' | true;
}

const defaultBlockIntervalMs = 100;
const portMax = 65_535;

/**
 * @throws {CommanderError} for what commander finds wrong (it has printed why), and for `--help`.
 * @throws {UsageError} for options that contradict each other.
 */
export function parseOptions(argv: readonly string[]): CliOptions {
  const command = describeOptions();
  command.parse(argv, { from: 'user' });
  return checkTogether(command.opts<RawOptions>());
}

function describeOptions(): Command {
  return new Command('npm run -s cluster --')
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
        '--block-interval <MS>',
        `the leader proposes a block this often; 0 turns it off (default: ${defaultBlockIntervalMs}; with --input 0)`,
        (text) => parseBlockInterval('--block-interval', text),
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
        'serve a page at this machine that shows the nodes think; without a terminal the program then stays until it is ended; stately: also stream to Stately’s tools at ws://127.0.0.1:8080',
        (text) => (text === 'stately' ? text : parseInteger('--inspect', text, 0, portMax)),
      ),
    )
    .addHelpText('after', helpText)
    .configureHelp({ helpWidth: 80 })
    .showHelpAfterError('Run npm run -s cluster -- --help for all options.')
    .allowExcessArguments(false)
    .exitOverride();
}

function option<Value>(flags: string, description: string, parse: (text: string) => Value): Option {
  return new Option(flags, description).argParser((text) => {
    try {
      return parse(text);
    } catch (error) {
      if (error instanceof UsageError) throw new InvalidArgumentError(error.message);
      throw error;
    }
  });
}

function checkTogether(raw: RawOptions): CliOptions {
  const ids = Array.from({ length: raw.nodes }, (_, id) => id);
  const leader =
    raw.leader === undefined ? null : named('--leader', () => parseNodeId(raw.leader ?? '', ids));
  const candidates =
    raw.candidates === undefined
      ? null
      : named('--candidates', () => parseNodeIds(raw.candidates ?? '', ids));
  if (leader !== null && candidates !== null && !candidates.includes(leader)) {
    throw new UsageError(
      `--leader ${leader}: node ${leader} is not among --candidates ${candidates.join(',')}, so it may not stand for election. Add it there, or name another leader.`,
    );
  }
  const mode = modeOf(raw);
  return {
    nodes: raw.nodes,
    data: placeOf(raw),
    latency: raw.latency,
    loss: raw.loss,
    blockIntervalMs: raw.blockInterval ?? (mode.kind === 'input' ? 0 : defaultBlockIntervalMs),
    leader,
    candidates,
    seed: raw.seed ?? null,
    mode,
    json: raw.json ?? false,
    inspect: raw.inspect === true ? 'default' : (raw.inspect ?? null),
  };
}

function modeOf({ script, input }: RawOptions): Mode {
  if (script !== undefined) return { kind: 'script', source: script };
  if (input !== undefined) return { kind: 'input', source: input };
  return { kind: 'prompt' };
}

function placeOf({ memory, data }: RawOptions): DataPlace {
  if (memory) return { kind: 'memory' };
  if (data === '') throw new UsageError('--data needs the name of a directory.');
  return data === undefined ? { kind: 'temporary' } : { kind: 'directory', directory: data };
}

function named<Value>(name: string, parse: () => Value): Value {
  try {
    return parse();
  } catch (error) {
    if (error instanceof UsageError) throw new UsageError(`${name}: ${error.message}`);
    throw error;
  }
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
