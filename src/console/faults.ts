import { setTimeout as delay } from 'node:timers/promises';
import type { Leader } from '../client/leader-wait.js';
import type { NodeId } from '../raft/entry.js';
import type { Answer, Command, CommandContext } from './command.js';
import { describeLeader } from './conditions.js';
import { parseNodeIds } from './notation.js';
import { livingNodes, lookEveryMs } from './picture.js';
import { UsageError } from './usage-error.js';
import type { Arguments } from './words.js';

/** How long the answer to the loss of a leader waits for the next one, to name it. */
const successionMsMax = 1_000;

export const stop = nodesCommand('stop', 'stopped', 'make nodes deaf and mute; they keep their memory');
export const revive = nodesCommand('revive', 'revived', 'let stopped nodes take part again');
export const crash = nodesCommand(
  'crash',
  'crashed',
  'end the threads of nodes at once; only what is on disk is left',
);
export const restart = nodesCommand('restart', 'restarted', 'start crashed nodes again from their disks');

type FaultName = 'stop' | 'revive' | 'crash' | 'restart';

function nodesCommand(name: FaultName, done: string, help: string): Command {
  return {
    name,
    forms: ['N…'],
    help,
    parse(args, ids) {
      const nodes = parseNodes(args, ids);
      return (context) => changeNodes(context, name, done, nodes);
    },
  };
}

/** One node after the other, so that the first failure leaves the rest as they are. */
async function changeNodes(
  context: CommandContext,
  name: FaultName,
  done: string,
  nodes: readonly NodeId[],
): Promise<Answer> {
  const { cluster } = context;
  const before = cluster.leader();
  for (const id of nodes) await cluster[name](id);
  const after = await leaderAfterwards(context, before);
  return {
    fields: {
      nodes,
      leaderBefore: before?.id ?? null,
      leaderAfter: after?.id ?? null,
      term: after?.term ?? null,
    },
    lines: [`${done} ${listNodes(nodes)}; ${describeSuccession(context, before, after)}`],
  };
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

/** Nodes separated by blanks or commas. */
function parseNodes(args: Arguments, ids: readonly NodeId[]): NodeId[] {
  const words = [args.next('The node')];
  while (!args.isEmpty) words.push(args.next('The node'));
  if (words.some((word) => word === '')) throw new UsageError('A node is missing.');
  return parseNodeIds(words.join(','), ids);
}
