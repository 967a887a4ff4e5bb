import type { NodeId } from '../raft/entry.js';
import { UsageError } from './usage-error.js';

/*
 * How people write numbers, nodes and links: the same in options, scripts and at the prompt. Every function
 * throws `UsageError` with what it expected.
 */

/** Latencies and pauses go up to an hour. */
export const durationMsMax = 3_600_000;

/** `MIN-MAX`, or one number for both, in milliseconds. */
export interface LatencyRange {
  readonly latencyMsMin: number;
  readonly latencyMsMax: number;
}

export function parseInteger(what: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^-?\d+$/.test(text) || value < min || value > max) {
    throw new UsageError(`${what} must be a whole number from ${min} to ${max}; "${text}" is not.`);
  }
  return value;
}

export function parseProbability(what: string, text: string): number {
  const value = parseDecimal(text);
  if (value === null || value > 1) {
    throw new UsageError(`${what} must be a probability from 0 to 1, such as 0.1; "${text}" is not.`);
  }
  return value;
}

export function parseLatency(what: string, text: string): LatencyRange {
  const [first = '', second = first, ...more] = text.split('-');
  const min = parseDecimal(first);
  const max = parseDecimal(second);
  if (min === null || max === null || more.length > 0 || max > durationMsMax) {
    throw new UsageError(
      `${what} must be MIN-MAX in milliseconds, such as 1-5, or one number; "${text}" is not.`,
    );
  }
  if (min > max) throw new UsageError(`${what} ${text}: the minimum is above the maximum.`);
  return { latencyMsMin: min, latencyMsMax: max };
}

/** Milliseconds between blocks; `off` and 0 turn them off. */
export function parseBlockInterval(what: string, text: string): number {
  if (text === 'off') return 0;
  if (!/^\d+$/.test(text) || Number(text) > durationMsMax) {
    throw new UsageError(
      `${what} must be whole milliseconds from 0 to ${durationMsMax}, or off; "${text}" is not.`,
    );
  }
  return Number(text);
}

export function parseNodeId(text: string, ids: readonly NodeId[]): NodeId {
  const id = Number(text);
  if (!/^\d+$/.test(text) || !ids.includes(id)) {
    throw new UsageError(`"${text}" is no node of this cluster; it has ${describeIds(ids)}.`);
  }
  return id;
}

/** Nodes separated by commas, each named once. */
export function parseNodeIds(text: string, ids: readonly NodeId[]): NodeId[] {
  const named = text
    .split(',')
    .filter((part) => part !== '')
    .map((part) => parseNodeId(part, ids));
  if (named.length === 0) throw new UsageError(`Name at least one node of ${describeIds(ids)}.`);
  const twice = named.find((id, at) => named.indexOf(id) !== at);
  if (twice !== undefined) throw new UsageError(`Node ${twice} is named twice in "${text}".`);
  return named;
}

/** Such as `nodes 0 to 4`, and `nodes 0 to 2, 4 and 7` where some between are none. */
export function describeIds(ids: readonly NodeId[]): string {
  const stretches: [first: NodeId, last: NodeId][] = [];
  for (const id of ids) {
    const stretch = stretches.at(-1);
    if (stretch?.[1] === id - 1) stretch[1] = id;
    else stretches.push([id, id]);
  }
  const words = stretches.flatMap(([first, last]) => {
    if (last - first > 1) return `${first} to ${last}`;
    return first === last ? `${first}` : [`${first}`, `${last}`];
  });
  const [last, ...before] = words.reverse();
  const all = before.length === 0 ? last : `${before.reverse().join(', ')} and ${last}`;
  return `${ids.length === 1 ? 'node' : 'nodes'} ${all}`;
}

/** Such as `3 ms` and `1-5 ms`. */
export function describeLatency({ latencyMsMin: min, latencyMsMax: max }: LatencyRange): string {
  return min === max ? `${min} ms` : `${min}-${max} ms`;
}

function parseDecimal(text: string): number | null {
  return /^(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : null;
}
