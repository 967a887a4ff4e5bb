import type { MembersInformation } from '../node/information.js';
import type { NodeId } from '../raft/entry.js';
import type { Answer, Command, CommandContext } from './command.js';
import { parseInteger, parseNodeId } from './notation.js';
import type { Arguments } from './words.js';

/** Ids that a node may get anywhere; a cluster on threads takes fewer, and says so. */
const idMax = 10 ** 15 - 1;
const priorityMax = 255;

const waitsForChange = 'the change to be committed by those whom it is about';

export const add: Command = {
  name: 'add',
  forms: ['NEW [learner] [ADDRESS]'],
  help: 'add a node: it gets the log, then a vote unless it is to learn',
  example: 'add 5',
  waitsFor: 'the new node to catch up',
  parse(args) {
    const id = newNode(args);
    const learner = args.takes('learner');
    const there = whereabouts(args);
    return (context) =>
      changed(context, (cluster) => cluster.addMember(id, { learner, ...there }), `node ${id} is a member`);
  },
};

export const removeMember: Command = {
  name: 'remove',
  forms: ['N'],
  help: 'take a node out of the cluster (on threads, end it)',
  example: 'remove 4',
  waitsFor: waitsForChange,
  parse(args, ids) {
    const id = parseNodeId(args.next('The node'), ids);
    args.end();
    return (context) =>
      changed(context, (cluster) => cluster.removeMember(id), `node ${id} is no member any more`);
  },
};

export const replace: Command = {
  name: 'replace',
  forms: ['N NEW [ADDRESS]'],
  help: 'put a new node in the place of another, in one change',
  example: 'replace 2 5',
  waitsFor: 'the new node to catch up',
  parse(args, ids) {
    const id = parseNodeId(args.next('The node'), ids);
    const by = newNode(args);
    const there = whereabouts(args);
    return (context) =>
      changed(
        context,
        (cluster) => cluster.replaceMember(id, by, there),
        `node ${by} is in the place of node ${id}`,
      );
  },
};

export const promote: Command = {
  name: 'promote',
  forms: ['N'],
  help: 'give a learner a vote, once it has caught up',
  example: 'promote 4',
  waitsFor: 'the learner to catch up',
  parse(args, ids) {
    const id = parseNodeId(args.next('The node'), ids);
    args.end();
    return (context) => changed(context, (cluster) => cluster.promote(id), `node ${id} votes`);
  },
};

export const update: Command = {
  name: 'update',
  forms: ['N ADDRESS'],
  help: 'say where a node is reached from now on',
  example: 'update 2 raft-2.example:7000',
  waitsFor: waitsForChange,
  parse(args, ids) {
    const id = parseNodeId(args.next('The node'), ids);
    const address = args.next('The address');
    args.end();
    return (context) =>
      changed(context, (cluster) => cluster.updateMember(id, address), `node ${id} is reached at ${address}`);
  },
};

export const priority: Command = {
  name: 'priority',
  forms: ['N P'],
  help: 'prefer the node of the highest priority as the leader (0 to 255; 0 at first)',
  example: 'priority 0 1',
  waitsFor: waitsForChange,
  parse(args, ids) {
    const id = parseNodeId(args.next('The node'), ids);
    const value = parseInteger('The priority', args.next('The priority'), 0, priorityMax);
    args.end();
    return (context) =>
      changed(context, (cluster) => cluster.setPriority(id, value), `node ${id} has priority ${value}`);
  },
};

export const abortChange: Command = {
  name: 'abort',
  forms: [''],
  help: 'give up the change of members under way',
  waitsFor: waitsForChange,
  parse(args) {
    args.end();
    return (context) => changed(context, (cluster) => cluster.abortChange(), 'given up');
  },
};

export const transfer: Command = {
  name: 'transfer',
  forms: ['[N]'],
  help: 'hand leadership over to a node, or to whichever is best',
  example: 'transfer 1',
  waitsFor: 'the other to be elected',
  parse(args, ids) {
    const id = args.isEmpty ? undefined : parseNodeId(args.next('The node'), ids);
    args.end();
    return async ({ cluster }) => {
      const { id: leaderId, term } = await cluster.transferLeadership(id);
      return { fields: { leaderId, term }, lines: [`node ${leaderId} leads now (term ${term})`] };
    };
  },
};

/** The rest of the line: where a node of another process is reached, or nothing. @throws {UsageError} */
function whereabouts(args: Arguments): { readonly address?: string } {
  if (args.isEmpty) return {};
  const address = args.next('The address');
  args.end();
  return { address };
}

function newNode(args: Arguments): NodeId {
  return parseInteger('The node', args.next('The node'), 0, idMax);
}

async function changed(
  { cluster }: CommandContext,
  change: (cluster: CommandContext['cluster']) => Promise<void>,
  done: string,
): Promise<Answer> {
  await change(cluster);
  const leader = cluster.leader();
  const told = (await cluster.infos()).find(({ id }) => id === leader?.id)?.configuration;
  return told === undefined
    ? { fields: {}, lines: [done] }
    : { fields: { configuration: told }, lines: [`${done}; ${membersInWords(told)}`] };
}

/** Such as `voters 0, 1, 2, learner 3`. */
export function membersInWords({ voters, votersOutgoing, learners }: MembersInformation): string {
  const listed = (what: string, ids: readonly NodeId[]) =>
    ids.length === 0 ? [] : [`${what}${ids.length === 1 ? '' : 's'} ${ids.join(', ')}`];
  const old =
    votersOutgoing.length === 0 ? [] : [`together with those of before: ${votersOutgoing.join(', ')}`];
  return [...listed('voter', voters), ...old, ...listed('learner', learners)].join(', ');
}
