import type { AnyActor, Subscription } from 'xstate';
import type { NodeId } from '../../raft/entry.js';
import type { Message } from '../../raft/messages.js';
import { type Microstep, onMicrostep } from './microsteps.js';
import { type ChartName, type ObservedTransition, transitionsMax } from './observation.js';
import { pathOf, transitionId } from './transition-id.js';

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
  readonly #acted = new Map<NodeId | null, Map<Taken, Acted>>();
  readonly #noted: () => void;

  /** @param noted is called at every step. */
  constructor(noted: () => void) {
    this.#noted = noted;
  }

  /** Watches a chart until unsubscribed. */
  watch(actor: AnyActor, chart: ChartName, peer: NodeId | null): Subscription {
    const acted = this.#acted.get(peer) ?? new Map<Taken, Acted>();
    this.#acted.set(peer, acted);
    let value: unknown = actor.getSnapshot().value;
    const note = (taken: Taken, { event }: Microstep, before: unknown) => {
      const known = acted.get(taken);
      if (known !== undefined) known.count++;
      else {
        const observed = describe(taken, { chart, peer, event, before, after: value });
        if (onlyActs(taken)) acted.set(taken, observed);
        else this.#keep(observed);
      }
    };
    return onMicrostep(actor, (step) => {
      if (step.actorRef !== actor) return;
      const before = value;
      value = (step.snapshot as { value?: unknown }).value;
      this.#noted();
      for (const taken of step._transitions) note(taken, step, before);
    });
  }

  /** What was collected since the last call. */
  take(): ObservedTransition[] {
    const acted = [...this.#acted.values()].flatMap((byTransition) => [...byTransition.values()]);
    const taken = [...this.#transitions, ...acted.slice(0, transitionsMax)];
    this.#transitions = [];
    for (const byTransition of this.#acted.values()) byTransition.clear();
    return taken;
  }

  #keep(observed: ObservedTransition): void {
    if (this.#transitions.length === transitionsMax) this.#transitions.shift();
    this.#transitions.push(observed);
  }
}

/** A transition that changes no state, and how often it was taken. */
type Acted = { -readonly [K in keyof ObservedTransition]: ObservedTransition[K] };

function onlyActs({ target }: Taken): boolean {
  return target === undefined || target.length === 0;
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

function describe(taken: Taken, { chart, peer, event, before, after }: Step): Acted {
  const { target } = taken;
  const entered = target?.[0];
  const from = activeStates(before);
  return {
    chart,
    peer,
    id: transitionId(taken),
    target: entered === undefined ? null : pathOf(entered),
    from,
    to: after === before ? from : activeStates(after),
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
