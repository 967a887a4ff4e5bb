import type { NodeId } from '../../../raft/entry.js';
import type { ClusterState } from '../../recording/cluster-state.js';
import type { Life, Network } from '../../recording/format.js';
import type { MenuItem } from '../base/action-menu.js';
import { moveNode, partitionCommand } from './cluster-layout.js';

type Run = (...lines: string[]) => void;

/** What can be done to a node as things stand. */
export function nodeMenu(id: NodeId, state: ClusterState, { groups, link }: Network, run: Run): MenuItem[] {
  const life = state.nodes.get(id)?.life ?? 'running';
  const item = (label: string, ...lines: string[]): MenuItem => ({ label, act: () => run(...lines) });
  const lives: Record<Life, MenuItem[]> = {
    running: [
      item('Stop', `stop ${id}`),
      item('Crash', `crash ${id}`),
      item('Take a snapshot', `snapshot ${id}`),
    ],
    stopped: [item('Revive', `revive ${id}`), item('Crash', `crash ${id}`)],
    paused: [],
    crashed: [item('Restart', `restart ${id}`)],
    unreachable: [],
  };
  const isAlone = groups.some((group) => group.length === 1 && group[0] === id);
  const joins = groups
    .filter((group) => !group.includes(id))
    .map((group) => item(`Join ${named(group)}`, partitionCommand(moveNode(groups, id, group))));
  return [
    ...lives[life],
    ...(isAlone ? [] : [{ ...item('Isolate', `isolate ${id}`), begins: true as const }]),
    ...joins,
    { ...item('Slow its links (200–400 ms)', `latency 200-400 ${id}`), begins: true },
    item('Lose 30 % on its links', `loss 0.3 ${id}`),
    item('Make its links good again', `${goodLatency(link)} ${id}`, `loss 0 ${id}`),
    ...memberItems(id, state, item),
  ];
}

/** What can be made of a member, and who could come beside it. */
function memberItems(
  id: NodeId,
  { configuration, nodes, leader }: ClusterState,
  item: (label: string, ...lines: string[]) => MenuItem,
): MenuItem[] {
  const next = Math.max(...nodes.keys()) + 1;
  const voters = configuration.voters.length;
  const isVoter = configuration.isVoter(id);
  const items = [
    ...(isVoter && leader !== null && leader.id !== id ? [item('Let it lead', `transfer ${id}`)] : []),
    ...(isVoter && voters > 1 ? [item('Prefer it as the leader', `priority ${id} 1`)] : []),
    ...(configuration.isLearner(id) ? [item('Give it a vote', `promote ${id}`)] : []),
    ...(configuration.isMember(id) ? [] : [item('Make it a member', `add ${id}`)]),
    ...(configuration.isMember(id) && (voters > 1 || !isVoter)
      ? [item('Remove it', `remove ${id}`), item(`Replace it by node ${next}`, `replace ${id} ${next}`)]
      : []),
    item(`Add node ${next}`, `add ${next}`),
    item(`Add node ${next} as a learner`, `add ${next} learner`),
  ];
  return items.map((each, at) => (at === 0 ? { ...each, begins: true as const } : each));
}

/** What can be done to the two directions between two nodes. */
export function linkMenu(a: NodeId, b: NodeId, { links, link }: Network, run: Run): MenuItem[] {
  const isCut = (from: NodeId, to: NodeId) =>
    links.some((each) => each.from === from && each.to === to && each.policy.cut);
  const item = (label: string, ...lines: string[]): MenuItem => ({ label, act: () => run(...lines) });
  const bothWays = (line: string) => [`${line} ${a} ${b}`, `${line} ${b} ${a}`];
  const oneWay = (from: NodeId, to: NodeId) =>
    isCut(from, to)
      ? item(`Mend ${from} → ${to}`, `mend ${from} ${to}`)
      : item(`Cut ${from} → ${to}`, `cut ${from} ${to}`);
  return [
    oneWay(a, b),
    oneWay(b, a),
    item('Cut both ways', ...bothWays('cut')),
    { ...item('Slow down (200–400 ms)', ...bothWays('latency 200-400')), begins: true },
    item('Lose 30 %', ...bothWays('loss 0.3')),
    item(
      'Make good again',
      ...bothWays(goodLatency(link)),
      ...bothWays('loss 0'),
      ...(isCut(a, b) ? [`mend ${a} ${b}`] : []),
      ...(isCut(b, a) ? [`mend ${b} ${a}`] : []),
    ),
  ];
}

/** As most links are. */
function goodLatency(link: Network['link']): string {
  return `latency ${link.latencyMsMin}-${link.latencyMsMax}`;
}

function named(group: readonly NodeId[]): string {
  return group.length === 1 ? `node ${group[0]}` : `nodes ${group.join(', ')}`;
}
