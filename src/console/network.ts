import type { NodeId } from '../raft/entry.js';
import type { Answer, Command, CommandContext } from './command.js';
import { listNodes } from './faults.js';
import { describeLatency, parseLatency, parseNodeId, parseNodeIds, parseProbability } from './notation.js';
import { UsageError } from './usage-error.js';
import type { Arguments } from './words.js';

export const partition: Command = {
  name: 'partition',
  forms: ['N,N… N,N…'],
  help: 'cut the network into groups; a node in no group is alone',
  parse(args, ids) {
    const groups = [parseNodeIds(args.next('A group such as 0,1'), ids)];
    while (!args.isEmpty) groups.push(parseNodeIds(args.next('A group'), ids));
    const named = groups.flat();
    const twice = named.find((id, at) => named.indexOf(id) !== at);
    if (twice !== undefined) throw new UsageError(`Node ${twice} is in two groups.`);
    const whole = [...groups, ...ids.filter((id) => !named.includes(id)).map((id) => [id])];
    if (whole.length < 2) {
      throw new UsageError('One group is no partition. Name two, such as: partition 0,1 2,3,4');
    }
    return async ({ cluster }) => {
      cluster.partition(whole);
      return {
        fields: { groups: whole },
        lines: [`cut into ${whole.map((group) => `{${group.join(' ')}}`).join(' and ')}`],
      };
    };
  },
};

export const isolate: Command = {
  name: 'isolate',
  forms: ['N'],
  help: 'cut one node off from all others',
  parse(args, ids) {
    const id = parseNodeId(args.next('The node'), ids);
    args.end();
    return async ({ cluster }) => {
      cluster.isolate(id);
      return { fields: { node: id }, lines: [`${listNodes([id])} is cut off`] };
    };
  },
};

export const heal: Command = {
  name: 'heal',
  forms: [''],
  help: 'mend every cut and partition',
  parse(args) {
    args.end();
    return async ({ cluster }) => {
      cluster.heal();
      return { fields: {}, lines: ['all nodes are connected'] };
    };
  },
};

export const cut = oneWay('cut', 'cut one direction between two nodes');
export const mend = oneWay('mend', 'undo cut; a partition between the two stays');

function oneWay(name: 'cut' | 'mend', help: string): Command {
  return {
    name,
    forms: ['FROM TO'],
    help,
    parse(args, ids) {
      const { from, to } = parseEnds(args, ids);
      return async ({ cluster }) => {
        cluster[name](from, to);
        const what = name === 'cut' ? 'nothing passes' : 'messages pass';
        return { fields: { from, to }, lines: [`${what} from node ${from} to node ${to}`] };
      };
    },
  };
}

export const latency: Command = {
  name: 'latency',
  forms: ['MIN-MAX [FROM TO]'],
  help: 'how many milliseconds messages take, on all links or one way on one',
  parse(args, ids) {
    const range = parseLatency('A latency', args.next('The latency such as 1-5'));
    const link = parseLink(args, ids);
    return (context) =>
      setLink(context, { ...range, distribution: 'uniform' }, link, describeLatency(range), range);
  },
};

export const loss: Command = {
  name: 'loss',
  forms: ['P [FROM TO]'],
  help: 'how likely messages are lost, on all links or one way on one',
  parse(args, ids) {
    const probability = parseProbability('A loss', args.next('The probability'));
    const link = parseLink(args, ids);
    const what = `${Number((probability * 100).toFixed(3))} % lost`;
    return (context) => setLink(context, { loss: probability }, link, what, { loss: probability });
  },
};

interface Link {
  readonly from: NodeId;
  readonly to: NodeId;
}

function parseLink(args: Arguments, ids: readonly NodeId[]): Link | null {
  return args.isEmpty ? null : parseEnds(args, ids);
}

function parseEnds(args: Arguments, ids: readonly NodeId[]): Link {
  const from = parseNodeId(args.next('The sending node'), ids);
  const to = parseNodeId(args.next('The receiving node'), ids);
  args.end();
  if (from === to) throw new UsageError(`Node ${from} has no link to itself.`);
  return { from, to };
}

async function setLink(
  { cluster }: CommandContext,
  policy: Parameters<CommandContext['cluster']['setLink']>[0],
  link: Link | null,
  what: string,
  fields: Readonly<Record<string, unknown>> | object,
): Promise<Answer> {
  if (link === null) cluster.setLink(policy);
  else cluster.setLink(policy, link.from, link.to);
  const where = link === null ? 'on every link' : `from node ${link.from} to node ${link.to}`;
  return {
    fields: { ...fields, from: link?.from ?? null, to: link?.to ?? null },
    lines: [`${what} ${where}`],
  };
}
