import type { NodeId } from '../../raft/entry.js';
import type { WorldFrame } from '../recording/format.js';
import type { MenuItem } from './action-menu.js';
import { moveNode, partitionCommand } from './cluster-layout.js';

type Run = (...lines: string[]) => void;

/** What can be done to a node as things stand. */
export function nodeMenu(id: NodeId, world: WorldFrame, run: Run): MenuItem[] {
  const life = world.lives.find((each) => each.id === id)?.life ?? 'running';
  const others = world.groups.flat().filter((other) => other !== id);
  const item = (label: string, ...lines: string[]): MenuItem => ({ label, act: () => run(...lines) });
  const lives: Record<typeof life, MenuItem[]> = {
    running: [item('Stop', `stop ${id}`), item('Crash', `crash ${id}`)],
    stopped: [item('Revive', `revive ${id}`), item('Crash', `crash ${id}`)],
    paused: [],
    crashed: [item('Restart', `restart ${id}`)],
  };
  const isAlone = world.groups.some((group) => group.length === 1 && group[0] === id);
  const joins = world.groups
    .filter((group) => !group.includes(id))
    .map((group) => item(`Join ${named(group)}`, partitionCommand(moveNode(world.groups, id, group))));
  return [
    ...lives[life],
    ...(isAlone || others.length === 0
      ? []
      : [{ ...item('Isolate', `isolate ${id}`), begins: true as const }]),
    ...joins,
    { ...item('Slow its links (200–400 ms)', `latency 200-400 ${id}`), begins: true },
    item('Lose 30 % on its links', `loss 0.3 ${id}`),
    item('Make its links good again', `${goodLatency(world)} ${id}`, `loss 0 ${id}`),
  ];
}

/** What can be done to the two directions between two nodes. */
export function linkMenu(a: NodeId, b: NodeId, world: WorldFrame, run: Run): MenuItem[] {
  const isCut = (from: NodeId, to: NodeId) =>
    world.links.some((link) => link.from === from && link.to === to && link.policy.cut);
  const item = (label: string, ...lines: string[]): MenuItem => ({ label, act: () => run(...lines) });
  const oneWay = (from: NodeId, to: NodeId) =>
    isCut(from, to)
      ? item(`Mend ${from} → ${to}`, `mend ${from} ${to}`)
      : item(`Cut ${from} → ${to}`, `cut ${from} ${to}`);
  return [
    oneWay(a, b),
    oneWay(b, a),
    item('Cut both ways', `cut ${a} ${b}`, `cut ${b} ${a}`),
    {
      ...item('Slow down (200–400 ms)', `latency 200-400 ${a} ${b}`, `latency 200-400 ${b} ${a}`),
      begins: true,
    },
    item('Lose 30 %', `loss 0.3 ${a} ${b}`, `loss 0.3 ${b} ${a}`),
    item(
      'Make good again',
      ...[
        `${goodLatency(world)} ${a} ${b}`,
        `${goodLatency(world)} ${b} ${a}`,
        `loss 0 ${a} ${b}`,
        `loss 0 ${b} ${a}`,
      ],
      ...(isCut(a, b) ? [`mend ${a} ${b}`] : []),
      ...(isCut(b, a) ? [`mend ${b} ${a}`] : []),
    ),
  ];
}

/** As most links are. */
function goodLatency({ link }: WorldFrame): string {
  return `latency ${link.latencyMsMin}-${link.latencyMsMax}`;
}

function named(group: readonly NodeId[]): string {
  return group.length === 1 ? `node ${group[0]}` : `nodes ${group.join(', ')}`;
}
