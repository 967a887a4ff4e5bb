import { setTimeout as delay } from 'node:timers/promises';
import type { Leader } from '../node/when-ready.js';
import type { NodeId } from '../raft/entry.js';
import type { Answer, Command, CommandContext } from './command.js';
import { describeLeader } from './conditions.js';
import { parseNodeIds } from './notation.js';
import { livingNodes, lookEveryMs } from './picture.js';
import { UsageError } from './usage-error.js';
import type { Arguments } from './words.js';

/** How long the answer to the loss of a leader waits for the next one, to name it. */
const successionMsMax = 1_000;

type FaultName = 'stop' | 'revive' | 'crash' | 'restart';

/** How a fault, or its end, is told. */
interface Telling {
  readonly help: string;
  readonly done: string;
  /** Of a node, or nodes, that were so already. */
  readonly already: readonly [one: string, many: string];
  readonly waitsFor: string;
}

export const stop = nodesCommand('stop', {
  help: 'make nodes deaf and mute; they keep their memory',
  done: 'stopped',
  already: ['is stopped already', 'are stopped already'],
  waitsFor: 'the node to stop',
});
export const revive = nodesCommand('revive', {
  help: 'let stopped nodes take part again',
  done: 'revived',
  already: ['is not stopped', 'are not stopped'],
  waitsFor: 'the node to take part',
});
export const crash = nodesCommand('crash', {
  help: 'end the threads of nodes at once; only what is on disk is left',
  done: 'crashed',
  already: ['has crashed already', 'have crashed already'],
  waitsFor: 'the thread to end',
});
export const restart = nodesCommand('restart', {
  help: 'start crashed nodes again from their disks',
  done: 'restarted',
  already: ['is running', 'are running'],
  waitsFor: 'the node to recover from its disk',
});

function nodesCommand(name: FaultName, telling: Telling): Command {
  return {
    name,
    forms: ['N…'],
    help: telling.help,
    example: `${name} 0`,
    waitsFor: telling.waitsFor,
    parse(args, ids) {
      const nodes = parseNodes(args, ids);
      return (context) => changeNodes(context, name, telling, nodes);
    },
  };
}

/** One node after the other, so that the first failure leaves the rest as they are. */
async function changeNodes(
  context: CommandContext,
  name: FaultName,
  { done, already }: Telling,
  nodes: readonly NodeId[],
): Promise<Answer> {
  const { cluster } = context;
  const before = cluster.leader();
  const changed: NodeId[] = [];
  for (const id of nodes) if (await cluster[name](id)) changed.push(id);
  const after = await leaderAfterwards(context, before);
  const unchanged = nodes.filter((id) => !changed.includes(id));
  // A node whose thread runs may be stopped: to start it again is not what it needs.
  const stopped = name === 'restart' ? await stoppedAmong(context, unchanged) : [];
  const running = unchanged.filter((id) => !stopped.includes(id));
  const told = [
    changed.length === 0 ? '' : `${done} ${listNodes(changed)}`,
    running.length === 0 ? '' : `${listNodes(running)} ${oneOrMany(running, already)}`,
    stopped.length === 0
      ? ''
      : `${listNodes(stopped)} ${oneOrMany(stopped, ['is', 'are'])} stopped, not crashed: type revive ${stopped.join(' ')}`,
    changed.length === 0 ? describeLeader(cluster) : describeSuccession(context, before, after),
  ];
  return {
    fields: {
      nodes,
      changed,
      leaderBefore: before?.id ?? null,
      leaderAfter: after?.id ?? null,
      term: after?.term ?? null,
    },
    lines: [told.filter((text) => text !== '').join('; ')],
  };
}

async function stoppedAmong({ cluster }: CommandContext, ids: readonly NodeId[]): Promise<NodeId[]> {
  if (ids.length === 0) return [];
  const nodes = await cluster.infos();
  return ids.filter((id) => nodes.some((node) => node.id === id && node.role === 'dead'));
}

/** Who leads, once the nodes that are left had time to elect somebody if they can. */
async function leaderAfterwards({ cluster }: CommandContext, before: Leader | null): Promise<Leader | null> {
  if (before === null || cluster.leader() !== null) return cluster.leader();
  const living = livingNodes(await cluster.infos()).length;
  const deadline = performance.now() + successionMsMax;
  while (living * 2 > cluster.ids.length && cluster.leader() === null && performance.now() < deadline) {
    await delay(lookEveryMs);
  }
  return cluster.leader();
}

function describeSuccession(
  { cluster }: CommandContext,
  before: Leader | null,
  after: Leader | null,
): string {
  if (before === null || (after !== null && after.id === before.id && after.term === before.term)) {
    return describeLeader(cluster);
  }
  const now = after === null ? 'nobody leads now' : `node ${after.id} leads now (term ${after.term})`;
  return `node ${before.id} led (term ${before.term}), ${now}`;
}

export function listNodes(nodes: readonly NodeId[]): string {
  return nodes.length === 1 ? `node ${nodes[0]}` : `nodes ${nodes.join(', ')}`;
}

function oneOrMany(nodes: readonly NodeId[], [one, many]: readonly [string, string]): string {
  return nodes.length === 1 ? one : many;
}

/** Nodes separated by blanks or commas. */
function parseNodes(args: Arguments, ids: readonly NodeId[]): NodeId[] {
  const words = [args.next('The node')];
  while (!args.isEmpty) words.push(args.next('The node'));
  if (words.some((word) => word === '')) throw new UsageError('A node is missing.');
  return parseNodeIds(words.join(','), ids);
}
