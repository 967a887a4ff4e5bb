import { decodeCommand, type Value } from '../application/key-value/commands.js';
import type { MemberInformation } from '../client/events.js';
import { printable } from '../ground/printable.js';
import type { LogRecord } from '../node/host/protocol.js';
import type { NodeInformation } from '../node/information.js';
import type { NetworkState } from '../router/network-state.js';
import type { Command } from './command.js';
import { describeLeader, leaderFields } from './conditions.js';
import { cutsOf } from './cuts.js';
import { parseInteger, parseNodeId } from './notation.js';
import { hasConverged, takePicture } from './picture.js';
import { table } from './table.js';
import { UsageError } from './usage-error.js';
import { bytesJson, bytesText, valueJson, valueText } from './values.js';

/** What `log N` shows without a range. */
const recentEntries = 20;
const allOfMany = { entries: 1_000_000, bytesOfEach: Number.MAX_SAFE_INTEGER };
/** Shown while somebody is cut off. */
const cutColumn = 7;

/** A node in an answer: what `status` tells of it. */
export type NodeStatus = Pick<
  MemberInformation,
  | 'id'
  | 'role'
  | 'term'
  | 'leaderId'
  | 'commitIndex'
  | 'height'
  | 'firstIndex'
  | 'lastIndex'
  | 'snapshotIndex'
  | 'snapshotTerm'
  | 'configuration'
  | 'peers'
  | 'digest'
  | 'failure'
>;

export const status: Command = {
  name: 'status',
  forms: [''],
  help: 'every node: role, term, leader, height, commit index, living peers, digest of the state; why it is down',
  parse(args) {
    args.end();
    return async (context) => {
      const nodes = await takePicture(context);
      const network = context.cluster.network();
      const cuts = network.links.filter(({ policy }) => policy.cut).map(({ from, to }) => ({ from, to }));
      return {
        fields: {
          ...leaderFields(context.cluster.leader()),
          converged: hasConverged(nodes),
          groups: network.groups,
          cuts,
          nodes: nodes.map(nodeStatus),
        },
        lines: statusTable(nodes, network),
      };
    };
  },
};

export const leader: Command = {
  name: 'leader',
  forms: [''],
  help: 'who leads, and in which term',
  parse(args) {
    args.end();
    return async ({ cluster }) => ({
      fields: leaderFields(cluster.leader()),
      lines: [describeLeader(cluster)],
    });
  },
};

export const log: Command = {
  name: 'log',
  forms: ['N [FIRST LAST]'],
  help: `the log of a node: its last ${recentEntries} entries, or those from one index to another`,
  parse(args, ids) {
    const id = parseNodeId(args.next('The node'), ids);
    const range = args.isEmpty
      ? null
      : {
          from: parseInteger('The first index', args.next('The first index'), 1, Number.MAX_SAFE_INTEGER),
          to: parseInteger('The last index', args.next('The last index'), 1, Number.MAX_SAFE_INTEGER),
        };
    args.end();
    if (range !== null && range.to < range.from) throw new UsageError('The last index is before the first.');
    return async ({ cluster, logMax = allOfMany }) => {
      const { from, to } = range ?? (await recentRange(cluster, id));
      if (to - from >= logMax.entries) {
        throw new UsageError(`At most ${logMax.entries} entries are shown here at once.`);
      }
      const records = to < from ? [] : await cluster.log(id, from, to, { bytesMax: logMax.bytesOfEach });
      return {
        fields: { node: id, entries: records.map(entryJson) },
        lines: records.length === 0 ? ['no entries'] : entryTable(records),
      };
    };
  },
};

async function recentRange(
  cluster: { infos(): Promise<NodeInformation[]> },
  id: number,
): Promise<{ from: number; to: number }> {
  const to = (await cluster.infos()).find((node) => node.id === id)?.lastLogIndex ?? 0;
  return { from: Math.max(1, to - recentEntries + 1), to };
}

export function nodeStatus(node: MemberInformation): NodeStatus {
  const { id, role, term, leaderId, commitIndex, height, peers, digest, failure } = node;
  const { firstIndex, lastIndex, snapshotIndex, snapshotTerm, configuration } = node;
  const log = { firstIndex, lastIndex, snapshotIndex, snapshotTerm };
  return { id, role, term, leaderId, commitIndex, height, ...log, configuration, peers, digest, failure };
}

/** A row a node, and a line for each that is down of itself: why. */
export function statusTable(nodes: readonly MemberInformation[], network: NetworkState): string[] {
  const ids = nodes.map(({ id }) => id);
  const cuts = ids.map((id) => cutsOf(id, network, ids));
  const cells = nodes.map((node, at) => [
    `${node.id}`,
    node.role,
    `${node.term}`,
    node.role === 'dead' ? '-' : `${node.leaderId ?? '-'}`,
    `${node.height}`,
    `${node.commitIndex}`,
    node.peers.join(' ') || '-',
    cuts[at] || '-',
    node.digest.slice(0, 16),
  ]);
  const headings = ['node', 'role', '>term', '>leader', '>height', '>commit', 'peers', 'cut off', 'digest'];
  const isWhole = cuts.every((cell) => cell === '');
  const shown = (row: readonly string[]) => row.filter((_, column) => !(isWhole && column === cutColumn));
  const reasons = nodes.flatMap(({ id, failure }) =>
    failure === null ? [] : [`node ${id} is down: ${printable(failure)}`],
  );
  return [...table(shown(headings), cells.map(shown)), ...reasons];
}

function entryTable(records: readonly LogRecord[]): string[] {
  return table(
    ['>index', '>term', '>leader', 'entry'],
    records.map((record) => [`${record.index}`, `${record.term}`, `${record.leaderId}`, entryText(record)]),
  );
}

function entryText(record: LogRecord): string {
  if (record.kind !== 'command') return record.kind;
  if (record.command.length < record.commandBytes) {
    return `${bytesText(record.command)}… (${record.commandBytes} bytes)`;
  }
  const command = decodeCommand(record.command);
  switch (command?.kind) {
    case 'put':
      return `put ${printable(command.key)} ${valueText(command.value)}`;
    case 'remove':
      return `delete ${printable(command.key)}`;
    case 'increment':
      return `increment ${printable(command.key)} by ${command.by}`;
    case 'compareAndSet':
      return `cas ${printable(command.key)} ${heldText(command.expected)} ${valueText(command.value)}`;
    case 'compareAndRemove':
      return `cas ${printable(command.key)} ${heldText(command.expected)} nothing`;
    case 'record':
      return `record ${bytesText(command.bytes)}`;
    default:
      return bytesText(record.command);
  }
}

function heldText(value: Value | null): string {
  return value === null ? 'nothing' : valueText(value);
}

function entryJson(record: LogRecord): Record<string, unknown> {
  const { index, term, leaderId, kind } = record;
  return { index, term, leaderId, kind, ...(kind === 'command' ? commandJson(record.command) : {}) };
}

function commandJson(bytes: Uint8Array): Record<string, unknown> {
  const command = decodeCommand(bytes);
  if (command === null) return { operation: null, ...bytesJson(bytes) };
  switch (command.kind) {
    case 'put':
      return { operation: 'put', key: command.key, value: valueJson(command.value) };
    case 'remove':
      return { operation: 'delete', key: command.key };
    case 'increment':
      return { operation: 'increment', key: command.key, by: command.by };
    case 'compareAndSet':
      return {
        operation: 'compareAndSet',
        key: command.key,
        expected: valueJson(command.expected),
        value: valueJson(command.value),
      };
    case 'compareAndRemove':
      return { operation: 'compareAndDelete', key: command.key, expected: valueJson(command.expected) };
    case 'record':
      return { operation: 'record', ...bytesJson(command.bytes) };
  }
}
