import { type NodeActionName, type NodeGuardName, nodeMachine } from '../../machines/node.js';
import type { NodeEvent } from '../../machines/node-events.js';
import { nodeActions } from './actions.js';
import type { Action } from './chart-events.js';
import { nodeGuards } from './guards.js';
import type { NodeParts } from './parts.js';

/** What the chart's names mean for one node. A name left out does not compile. */
export interface Bindings {
  readonly actions: Readonly<Record<NodeActionName, Action>>;
  readonly guards: Readonly<Record<NodeGuardName, (args: { event: NodeEvent }) => boolean>>;
  readonly delays: Readonly<Record<'electionTimeout' | 'heartbeatInterval' | 'blockInterval', () => number>>;
}

export function bindingsOf(parts: NodeParts): Bindings {
  const { timer, options, settings } = parts;
  return {
    actions: nodeActions(parts),
    guards: nodeGuards(parts),
    delays: {
      electionTimeout: () => timer.remainingMs(),
      heartbeatInterval: () => options.timings.heartbeatMs,
      blockInterval: () => settings.blockIntervalMs,
    },
  };
}

interface Called {
  readonly context: { readonly bindings?: unknown };
  readonly event: NodeEvent;
}

/**
 * The machine, bound once for all nodes of the process, since binding builds it anew: each name is looked up in the
 * bindings that the running node's context carries.
 */
export const boundNodeMachine = nodeMachine.provide({
  actions: throughContext('actions', ['deliver', 'redeliver']),
  guards: throughContext('guards'),
  delays: throughContext('delays'),
} as Parameters<typeof nodeMachine.provide>[0]);

function throughContext(kind: keyof Bindings, alreadyBound: readonly string[] = []) {
  const names = Object.keys(nodeMachine.implementations[kind]).filter((name) => !alreadyBound.includes(name));
  return Object.fromEntries(
    names.map((name) => [
      name,
      ({ context, event }: Called) => {
        const bound: Readonly<Record<string, (args: { event: NodeEvent }) => unknown>> = (
          context.bindings as Bindings
        )[kind];
        return bound[name]?.({ event });
      },
    ]),
  );
}
