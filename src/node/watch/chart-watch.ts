import type { AnyActor, InspectionEvent, Subscription } from 'xstate';
import type { NodeId } from '../../raft/entry.js';
import type { Message } from '../../raft/messages.js';
import { type ChartName, type ObservedTransition, transitionsMax } from './observation.js';
import { pathOf, transitionId } from './transition-id.js';

type Microstep = Extract<InspectionEvent, { type: '@xstate.microstep' }>;
type Taken = Microstep['_transitions'][number];

/** Names every innermost active state, such as `alive.leader.authority.serving`. */
export function activeStates(value: unknown, prefix = ''): string[] {
  if (typeof value === 'string') return [prefix + value];
  const regions = Object.entries(value as object);
  if (regions.length === 0) return [prefix.slice(0, -1)];
  return regions.flatMap(([state, inner]) => activeStates(inner, `${prefix}${state}.`));
}

/**
 * Collects the transitions of charts between two bundles. Those that change states are kept in order, up to a
 * bound; those that only act are counted by kind, so that a leader under load costs a bundle no more than an
 * idle one.
 */
export class ChartWatch {
  #transitions: ObservedTransition[] = [];
  readonly #acted = new Map<
    Taken,
    Map<NodeId | null, { -readonly [K in keyof ObservedTransition]: ObservedTransition[K] }>
  >();
  readonly #noted: () => void;

  /** @param noted is called at every step. */
  constructor(noted: () => void) {
    this.#noted = noted;
  }

  /** Watches a chart until unsubscribed. */
  watch(actor: AnyActor, chart: ChartName, peer: NodeId | null): Subscription {
    let value: unknown = actor.getSnapshot().value;
    return actor.system.inspect((inspected: InspectionEvent) => {
      if (inspected.type !== '@xstate.microstep' || inspected.actorRef !== actor) return;
      const before = value;
      value = (inspected.snapshot as { value?: unknown }).value;
      this.#noted();
      for (const taken of inspected._transitions) {
        this.#note(taken, { chart, peer, event: inspected.event, before, after: value });
      }
    });
  }

  /** What was collected since the last call. */
  take(): ObservedTransition[] {
    const acted = [...this.#acted.values()].flatMap((byPeer) => [...byPeer.values()]);
    const taken = [...this.#transitions, ...acted.slice(0, transitionsMax)];
    this.#transitions = [];
    this.#acted.clear();
    return taken;
  }

  #note(taken: Taken, step: Step): void {
    // How a message is handed from the term rules to the state that hears it is no news.
    if (taken.eventType === 'peer.message' && taken.target === undefined) return;
    if (taken.target === undefined || taken.target.length === 0) this.#count(taken, step);
    else {
      if (this.#transitions.length === transitionsMax) this.#transitions.shift();
      this.#transitions.push(describe(taken, step));
    }
  }

  #count(taken: Taken, step: Step): void {
    const byPeer = this.#acted.get(taken) ?? new Map();
    const known = byPeer.get(step.peer);
    if (known === undefined) byPeer.set(step.peer, describe(taken, step));
    else known.count++;
    this.#acted.set(taken, byPeer);
  }
}

interface Step {
  readonly chart: ChartName;
  readonly peer: NodeId | null;
  readonly event: {
    readonly type: string;
    readonly message?: Message;
    readonly response?: Message;
    readonly error?: unknown;
  };
  readonly before: unknown;
  readonly after: unknown;
}

function describe(taken: Taken, { chart, peer, event, before, after }: Step): ObservedTransition {
  const { target } = taken;
  const entered = target?.[0];
  return {
    chart,
    peer,
    id: transitionId(taken),
    target: entered === undefined ? null : pathOf(entered),
    from: activeStates(before),
    to: activeStates(after),
    cause: causeOf(event),
    count: 1,
  };
}

/** An event in words. */
function causeOf(event: Step['event']): string {
  const message = event.message ?? event.response;
  if (message !== undefined) return `${message.type} from node ${message.from}, term ${message.term}`;
  const timer = /^xstate\.after\.([^.]+)\./.exec(event.type);
  if (timer !== null) return `${timer[1]} over`;
  return event.error instanceof Error ? `${event.type}: ${event.error.message}` : event.type;
}
