import { clusterMachine } from '../../machines/cluster.js';
import { nodeMachine } from '../../machines/node.js';
import { sessionMachine } from '../../machines/session.js';
import { threadMachine } from '../../machines/thread.js';
import type { ClusterObservation } from '../cluster/cluster-observation.js';
import { ConclaveError } from '../ground/errors.js';
import type { ObservedTransition } from '../node/watch/observation.js';
import type { InspectedCluster } from './inspected-cluster.js';

/** Where Stately's relay listens, unless told otherwise. */
export const statelyUrlDefault = 'ws://127.0.0.1:8080';

/** What is used of `@statelyai/inspect`. */
export interface StatelyInspector {
  actor(ref: { readonly sessionId: string; readonly logic: unknown }): void;
  event(sessionId: string, event: { readonly type: string }): void;
  snapshot(
    sessionId: string,
    snapshot: { readonly status: 'active'; readonly value: unknown; readonly context: unknown },
    info: { readonly event: { readonly type: string } },
  ): void;
  stop(): void;
}

/** The package is not installed. */
export class StatelyMissingError extends ConclaveError {
  constructor(cause: unknown) {
    super(
      'STATELY_MISSING',
      "Stately's inspector is not installed. Run npm install @statelyai/inspect, or leave stately out: the page needs it not.",
      { cause },
    );
  }
}

/**
 * Tells Stately's own tools what the charts do, from the same bundles that the page is drawn from: nothing is
 * added to a node's work. Returns how to stop.
 * @throws {StatelyMissingError}
 */
export async function streamToStately(
  cluster: Pick<InspectedCluster, 'ids' | 'watch'>,
  connect: () => Promise<StatelyInspector> = connectToStately,
): Promise<() => void> {
  const stately = await connect();
  for (const id of cluster.ids) {
    stately.actor({ sessionId: `node ${id}`, logic: nodeMachine });
    stately.actor({ sessionId: `thread ${id}`, logic: threadMachine });
  }
  stately.actor({ sessionId: 'cluster', logic: clusterMachine });
  stately.actor({ sessionId: 'session', logic: sessionMachine });
  const unwatch = cluster.watch((observed) => tell(stately, observed));
  return () => {
    unwatch();
    stately.stop();
  };
}

async function connectToStately(): Promise<StatelyInspector> {
  // By a name and not a literal: it need not be there when this is compiled.
  const name: string = '@statelyai/inspect';
  try {
    const { createWebSocketInspector } = await import(name);
    return createWebSocketInspector({ url: statelyUrlDefault });
  } catch (error) {
    throw new StatelyMissingError(error);
  }
}

function tell(stately: StatelyInspector, observed: ClusterObservation): void {
  const sessionId = observed.source === 'node' ? `node ${observed.id}` : observed.chart;
  const { transitions } = observed.source === 'node' ? observed.observation : observed;
  const context = observed.source === 'node' ? observed.observation.information : {};
  for (const transition of transitions) {
    if (transition.chart === 'peer' || transition.target === null) continue;
    const event = { type: eventOf(transition) };
    stately.event(sessionId, event);
    stately.snapshot(sessionId, { status: 'active', value: stateValue(transition.to), context }, { event });
  }
}

function eventOf({ id }: ObservedTransition): string {
  return id.split(':')[1] ?? id;
}

type StateValue = { [state: string]: StateValue | string };

/** The value that XState gives for these active states, such as `{ alive: { follower: 'following' } }`. */
export function stateValue(active: readonly string[]): StateValue | string {
  if (active.length === 1 && !active[0]?.includes('.')) return active[0] ?? '';
  const inner = new Map<string, string[]>();
  for (const path of active) {
    const [first = '', ...rest] = path.split('.');
    inner.set(first, [...(inner.get(first) ?? []), ...(rest.length > 0 ? [rest.join('.')] : [])]);
  }
  return Object.fromEntries(
    [...inner].map(([state, paths]) => [state, paths.length > 0 ? stateValue(paths) : {}]),
  );
}
