import type { TraceEvent } from '../simulation/world/trace.js';

const columnWidth = 4;

/** An event in one line: time, a column a node with a mark under the one it happened at, and what it was. */
export function traceLine({ timeMs, node, kind, numbers, text }: TraceEvent, nodes: number): string {
  const columns = Array.from({ length: nodes }, (_, id) =>
    (id === node ? `n${id}` : '·').padEnd(columnWidth),
  );
  const details = Object.entries(numbers)
    .filter(([name]) => name !== 'checksum')
    .map(([name, value]) => `${name} ${value}`);
  const words = [kind.padEnd(9), text, ...details].filter((word) => word !== '');
  return `${timeMs.toFixed(3).padStart(11)} ${columns.join('')}${words.join('  ')}`;
}
