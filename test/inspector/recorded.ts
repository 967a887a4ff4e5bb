import type { RecordingHeader, Step, TakenStep } from '../../src/inspector/recording/format.js';
import type { ObservedChange, ObservedState } from '../../src/node/watch/observation.js';
import { cleanLink } from '../../src/router/link-policy.js';

/** A step that has yet to get its number. */
export type Loose = Step extends infer S ? (S extends Step ? Omit<S, 'nr'> : never) : never;

/** Of two nodes. */
export const header: RecordingHeader = {
  format: 'conclave-recording',
  version: 2,
  run: 'a test',
  startedAt: null,
  nodes: [
    { id: 0, votes: true },
    { id: 1, votes: true },
  ],
};

/** Steps in their order. */
export function numbered(...steps: readonly Loose[]): Step[] {
  return steps.map((step, at) => ({ ...step, nr: at + 1 }) as Step);
}

/** How a node stands that does nothing. */
export function stateOf(given: Partial<ObservedState> = {}): ObservedState {
  return {
    role: 'follower',
    active: [`alive.${given.role ?? 'follower.following'}`],
    term: 1,
    votedFor: null,
    leaderId: 0,
    candidacy: true,
    log: { last: 0, runs: [] },
    commitIndex: 0,
    height: 0,
    votes: [],
    timer: { timeoutMs: 200, elapsedMs: 0 },
    links: [],
    ...given,
  };
}

/** A node begins to tell. */
export function stand(at: number, node: number, given: Partial<ObservedState> = {}): Loose {
  return { kind: 'stand', at, node, state: stateOf(given) };
}

/** A node that has these entries, all committed and applied up to one. */
export function withLog(terms: readonly number[], commitIndex = terms.length): Partial<ObservedState> {
  const runs = terms.flatMap((term, at): [number, number][] =>
    term === terms[at - 1] ? [] : [[at + 1, term]],
  );
  return { log: { last: terms.length, runs }, commitIndex, height: commitIndex };
}

/** A step of a node's chart. */
export function moved(
  at: number,
  node: number,
  id: string,
  change: ObservedChange = {},
  more: Partial<TakenStep> = {},
): Loose {
  const target = /^[\w.]+$/.exec(id)?.[0] ?? null;
  return { kind: 'chart', at, node, transitions: [{ id, target }], cause: 'a test', change, ...more };
}

/** A whole network. */
export function wired(at: number, ids: readonly number[]): Loose {
  return { kind: 'network', at, groups: [ids], link: cleanLink, links: [] };
}

/** A fault of node 0. */
export function crashed(at: number, node = 0): Loose {
  const told = { mark: 'fault', text: `node ${node} crashed` } as const;
  return { kind: 'life', at, node, life: 'crashed', told };
}
