import type { NodeId } from '../raft/entry.js';
import type { LinkPolicy } from '../router/link-policy.js';
import type { Command, Run } from './command.js';
import { listNodes } from './faults.js';
import { describeLinkChange, type LinkEnds } from './link-words.js';
import { parseLatency, parseNodeId, parseNodeIds, parseProbability } from './notation.js';
import { UsageError } from './usage-error.js';
import type { Arguments } from './words.js';

export const partition: Command = {
  name: 'partition',
  forms: ['N,N… [N,N…]'],
  help: 'cut the network into groups; nodes that are not named form one more',
  example: 'partition 0,1',
  parse(args, ids) {
    const groups = [parseNodeIds(args.next('A group such as 0,1'), ids)];
    while (!args.isEmpty) groups.push(parseNodeIds(args.next('A group'), ids));
    const named = groups.flat();
    const twice = named.find((id, at) => named.indexOf(id) !== at);
    if (twice !== undefined) throw new UsageError(`Node ${twice} is in two groups.`);
    const others = ids.filter((id) => !named.includes(id));
    const whole = others.length === 0 ? groups : [...groups, others];
    if (whole.length < 2) {
      throw new UsageError('A group of all nodes is no partition. Name those that are to be cut off.');
    }
    return async ({ cluster }) => {
      await cluster.partition(whole);
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
      await cluster.isolate(id);
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
      await cluster.heal();
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
        await cluster[name](from, to);
        const change = { cut: name === 'cut' };
        return { fields: { from, to }, lines: [describeLinkChange(change, { from, to })] };
      };
    },
  };
}

export const latency: Command = {
  name: 'latency',
  forms: linkForms('MIN-MAX'),
  help: 'how many milliseconds messages take: on all links, on those from and to a node, or one way on one',
  example: 'latency 200-400 2',
  parse(args, ids) {
    const range = parseLatency('A latency', args.next('The latency such as 1-5'));
    const links = parseLinks(args, ids);
    return setLinks(links, { ...range, distribution: 'uniform' }, range);
  },
};

export const loss: Command = {
  name: 'loss',
  forms: linkForms('P'),
  help: 'how likely messages are lost: on all links, on those from and to a node, or one way on one',
  example: 'loss 0.3',
  parse(args, ids) {
    const probability = parseProbability('A loss', args.next('The probability'));
    return setLinks(parseLinks(args, ids), { loss: probability }, { loss: probability });
  },
};

function linkForms(what: string): string[] {
  return [what, `${what} N`, `${what} FROM TO`];
}

function parseLinks(args: Arguments, ids: readonly NodeId[]): LinkEnds {
  if (args.isEmpty) return {};
  return args.left > 1 ? parseEnds(args, ids) : { of: parseNodeId(args.next('The node'), ids) };
}

function parseEnds(args: Arguments, ids: readonly NodeId[]): { readonly from: NodeId; readonly to: NodeId } {
  const from = parseNodeId(args.next('The sending node'), ids);
  const to = parseNodeId(args.next('The receiving node'), ids);
  args.end();
  if (from === to) throw new UsageError(`Node ${from} has no link to itself.`);
  return { from, to };
}

function setLinks(ends: LinkEnds, change: Partial<LinkPolicy>, fields: object): Run {
  return async ({ cluster }) => {
    const { of, from, to } = ends;
    if (of === undefined) await cluster.setLink(change, from, to);
    else await cluster.setLinksOf(of, change);
    const named = of === undefined ? { from: from ?? null, to: to ?? null } : { node: of };
    return { fields: { ...fields, ...named }, lines: [describeLinkChange(change, ends)] };
  };
}
