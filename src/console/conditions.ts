import { readinessOf } from '../client/readiness.js';
import { ConclaveError } from '../ground/errors.js';
import type { NodeInformation } from '../node/information.js';
import type { Leader } from '../node/when-ready.js';
import type { NodeId } from '../raft/entry.js';
import type { CommandContext } from './command.js';
import type { CommandedCluster } from './commanded-cluster.js';
import { parseInteger, parseNodeId } from './notation.js';
import { hasConverged, livingNodes } from './picture.js';
import { UsageError } from './usage-error.js';
import { valueJson, valueText } from './values.js';
import type { Arguments } from './words.js';

/** What was seen when a condition was looked at. */
export interface Sight {
  readonly holds: boolean;
  /** What is the case, such as `node 2 leads (term 3)`. */
  readonly seen: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Something that can be waited for and expected. */
export interface Condition {
  /** What is wanted, after "Expected" and "Waited … for". */
  readonly wanted: string;
  /** How long `wait` waits for it. */
  readonly patienceMs: number;
  /** Heights must come to rest: no blocks are produced while this is looked at. */
  readonly needsRest: boolean;
  look(context: CommandContext): Promise<Sight>;
}

/** The forms of every condition, for the usage of `wait` and `expect`. */
export const conditionForms = [
  'leader [N]',
  'leader not N',
  'no-leader',
  'ready',
  'height H',
  'value K V',
  'no-value K',
  'converged',
] as const;

const electionPatienceMs = 10_000;
const replicationPatienceMs = 30_000;

/** @throws {UsageError} when it is none. */
export function parseCondition(args: Arguments, ids: readonly NodeId[]): Condition {
  const word = args.next('What to look for');
  switch (word) {
    case 'leader':
      return parseLeader(args, ids);
    case 'no-leader':
      return leaderCondition('no leader', (leader) => leader === null);
    case 'ready':
      return ready;
    case 'height':
      return heightCondition(parseInteger('A height', args.next('The height'), 0, Number.MAX_SAFE_INTEGER));
    case 'value':
      return valueCondition(args.next('The key'), args.rest('The value'));
    case 'no-value':
      return valueCondition(args.next('The key'), null);
    case 'converged':
      return converged;
    default:
      throw new UsageError(`"${word}" is nothing to look for. It is one of: ${conditionForms.join(', ')}.`);
  }
}

function parseLeader(args: Arguments, ids: readonly NodeId[]): Condition {
  if (args.takes('not')) {
    const not = parseNodeId(args.next('The node that is not to lead'), ids);
    return leaderCondition(
      `a leader other than node ${not}`,
      (leader) => leader !== null && leader.id !== not,
    );
  }
  const named = args.peek();
  if (named === undefined || named === 'within')
    return leaderCondition('a leader', (leader) => leader !== null);
  const id = parseNodeId(args.next('The node'), ids);
  return leaderCondition(`node ${id} to lead`, (leader) => leader?.id === id);
}

function leaderCondition(wanted: string, holds: (leader: Leader | null) => boolean): Condition {
  return {
    wanted,
    patienceMs: electionPatienceMs,
    needsRest: false,
    async look({ cluster }) {
      const leader = cluster.leader();
      return { holds: holds(leader), seen: describeLeader(cluster), fields: leaderFields(leader) };
    },
  };
}

/** Such as `node 2 leads (term 3)`. */
export function describeLeader(cluster: Pick<CommandedCluster, 'leader'>): string {
  const leader = cluster.leader();
  return leader === null ? 'nobody leads' : `node ${leader.id} leads (term ${leader.term})`;
}

export function leaderFields(leader: Leader | null): { leader: NodeId | null; term: number | null } {
  return { leader: leader?.id ?? null, term: leader?.term ?? null };
}

function heightCondition(height: number): Condition {
  return {
    wanted: `every living node to be at height ${height}`,
    patienceMs: replicationPatienceMs,
    needsRest: false,
    async look({ cluster }) {
      const living = livingNodes(await cluster.infos());
      const lowest = Math.min(...living.map((node) => node.height));
      return {
        holds: living.length > 0 && lowest >= height,
        seen: living.length === 0 ? 'no node is alive' : `the lowest is at ${lowest}`,
        fields: { height: living.length === 0 ? null : lowest },
      };
    },
  };
}

/** @param value null: the key is to hold nothing. */
function valueCondition(key: string, value: string | null): Condition {
  return {
    wanted: `${key} to hold ${value === null ? 'nothing' : `"${value}"`}`,
    patienceMs: replicationPatienceMs,
    needsRest: false,
    async look({ store }) {
      try {
        const held = await store.get(key, { consistency: 'linearizable', timeoutMs: 1_000 });
        const seen = held === null ? `${key} holds nothing` : `${key} holds "${valueText(held)}"`;
        return { holds: held === value, seen, fields: { key, value: valueJson(held) } };
      } catch (error) {
        if (!(error instanceof ConclaveError)) throw error;
        return { holds: false, seen: `it could not be read: ${error.message}`, fields: {} };
      }
    },
  };
}

const ready: Condition = {
  wanted: 'the cluster to serve',
  patienceMs: replicationPatienceMs,
  needsRest: false,
  async look({ cluster }) {
    const readiness = readinessOf(await cluster.infos(), cluster.leader());
    const { leader } = readiness;
    const seen =
      leader === null ? readiness.missing : `node ${leader.id} leads and serves (term ${leader.term})`;
    return { holds: leader !== null, seen, fields: leaderFields(leader) };
  },
};

const converged: Condition = {
  wanted: 'all living nodes to agree on height, commit index and digest',
  patienceMs: replicationPatienceMs,
  needsRest: true,
  async look({ cluster }) {
    const nodes = await cluster.infos();
    const holds = hasConverged(nodes);
    const [first] = livingNodes(nodes);
    return {
      holds,
      seen: holds && first !== undefined ? describeRest(nodes, first) : describeDifference(nodes),
      fields: holds && first !== undefined ? { height: first.height, digest: first.digest } : {},
    };
  },
};

function describeRest(nodes: readonly NodeInformation[], { height, digest }: NodeInformation): string {
  const count = livingNodes(nodes).length;
  return `${count} living ${count === 1 ? 'node' : 'nodes'} at height ${height}, digest ${digest}`;
}

function describeDifference(nodes: readonly NodeInformation[]): string {
  const places = livingNodes(nodes).map(
    ({ id, height, commitIndex, lastLogIndex, digest }) =>
      `node ${id} at height ${height}, commit ${commitIndex}, log ${lastLogIndex}, digest ${digest.slice(0, 12)}`,
  );
  return places.length === 0 ? 'no node is alive' : places.join('; ');
}
