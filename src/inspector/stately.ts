import { clusterMachine } from '../../machines/cluster.js';
import { nodeMachine } from '../../machines/node.js';
import { sessionMachine } from '../../machines/session.js';
import { threadMachine } from '../../machines/thread.js';
import type { ClusterObservation } from '../cluster/cluster-observation.js';
import { ConclaveError } from '../ground/errors.js';
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
  const states = new Map<string, readonly string[]>();
  const unwatch = cluster.watch((observed) => tell(stately, observed, states));
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

function tell(
  stately: StatelyInspector,
  observed: ClusterObservation,
  states: Map<string, readonly string[]>,
): void {
  if (observed.source === 'remains' || observed.source === 'unreachable') return;
  if (observed.source === 'chart') {
    for (const { id, target, to } of observed.steps) {
      if (target !== null) tellTransition(stately, observed.chart, id, to, {});
    }
    return;
  }
  const { id, observation } = observed;
  const sessionId = `node ${id}`;
  const { state, events } = observation;
  for (const event of events) {
    if (event.change?.active !== undefined) states.set(sessionId, event.change.active);
    if (event.kind !== 'chart') continue;
    const taken = event.transitions.find(({ target }) => target !== null);
    const active = states.get(sessionId) ?? state.active;
    if (taken !== undefined) tellTransition(stately, sessionId, taken.id, active, state);
  }
  states.set(sessionId, state.active);
}

function tellTransition(
  stately: StatelyInspector,
  sessionId: string,
  transition: string,
  active: readonly string[],
  context: unknown,
): void {
  const event = { type: transition.split(':')[1] ?? transition };
  stately.event(sessionId, event);
  stately.snapshot(sessionId, { status: 'active', value: stateValue(active), context }, { event });
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
