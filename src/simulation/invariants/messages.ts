import type { Observation } from './observation.js';
import { Violation } from './violation.js';

/**
 * Servers that keep the rules say nothing that makes no sense to another: what a node would otherwise drop and count is
 * here the sign of what it names, two leaders of a term, say. (Figure 3; `src/raft/nonsense.ts`)
 */
export function whatIsSaidMakesSense({ id, heard }: Observation): void {
  if (heard.nonsenseCount === 0) return;
  const kinds = Object.entries(heard.counters.nonsense).filter(([, count]) => count > 0);
  throw new Violation(
    'WhatIsSaidMakesSense',
    id,
    `Node ${id} was told what no server says: ${kinds.map(([kind]) => kind).join(', ')}.`,
  );
}
