import type { AnyActor, AnyStateNode, Subscription } from 'xstate';
import type { Message } from '../../raft/messages.js';
import { type Microstep, onMicrostep } from './microsteps.js';
import type { ChartStep, ObservedTransition } from './observation.js';
import { pathOf, transitionId } from './transition-id.js';

/** Transitions kept of one chart between two looks. */
const stepsMax = 48;

export type Taken = Microstep['_transitions'][number];

/** Names every innermost active state, such as `alive.leader.authority.serving`. */
export function activeStates(value: unknown, prefix = ''): string[] {
  if (typeof value === 'string') return [prefix + value];
  const regions = Object.entries(value as object);
  if (regions.length === 0) return [prefix.slice(0, -1)];
  return regions.flatMap(([state, inner]) => activeStates(inner, `${prefix}${state}.`));
}

/**
 * Collects the transitions of one chart until they are taken. Those that change states are kept in order, up to a
 * bound; those that only act are counted by kind.
 */
export class ChartWatch {
  readonly #noted: () => void;
  #steps: ChartStep[] = [];
  readonly #acted = new Map<Taken, { -readonly [Name in keyof ChartStep]: ChartStep[Name] }>();

  /** @param noted is called at every step. */
  constructor(noted: () => void) {
    this.#noted = noted;
  }

  /** Watches a chart until unsubscribed. */
  watch(actor: AnyActor): Subscription {
    let value: unknown = actor.getSnapshot().value;
    return onMicrostep(actor, (step) => {
      if (step.actorRef !== actor) return;
      const before = value;
      value = valueAfter(step);
      this.#noted();
      for (const taken of step._transitions) this.#note(taken, step.event, before, value);
    });
  }

  /** What was collected since the last call. */
  take(): ChartStep[] {
    const taken = [...this.#steps, ...[...this.#acted.values()].slice(0, stepsMax)];
    this.#steps = [];
    this.#acted.clear();
    return taken;
  }

  #note(taken: Taken, event: Caused, before: unknown, after: unknown): void {
    const acted = this.#acted.get(taken);
    if (acted !== undefined) {
      acted.count++;
      return;
    }
    const from = activeStates(before);
    const to = after === before ? from : activeStates(after);
    const step = { ...transitionOf(taken), from, to, cause: causeOf(event), count: 1 };
    if (step.target === null) this.#acted.set(taken, step);
    else this.#steps.push(step);
    if (this.#steps.length > stepsMax) this.#steps.shift();
  }
}

/** The states that a chart is in after a step: the same object as long as they are the same. */
export function valueAfter({ snapshot }: Microstep): unknown {
  return (snapshot as { value?: unknown }).value;
}

/** Is a state active that is left at once, whatever the guards say? Nothing can be met there. */
export function isPassing({ snapshot }: Microstep): boolean {
  const { _nodes: nodes = [] } = snapshot as { _nodes?: readonly AnyStateNode[] };
  return nodes.some(({ always }) => always?.at(-1) !== undefined && always.at(-1)?.guard === undefined);
}

const known = new WeakMap<Taken, ObservedTransition>();

/** Remembered: a busy node takes the same few again and again. */
export function transitionOf(taken: Taken): ObservedTransition {
  const before = known.get(taken);
  if (before !== undefined) return before;
  const entered = taken.target?.[0];
  const transition = { id: transitionId(taken), target: entered === undefined ? null : pathOf(entered) };
  known.set(taken, transition);
  return transition;
}

/** An event that a chart takes, as far as it tells people anything. */
export interface Caused {
  readonly type: string;
  readonly message?: Message;
  readonly response?: Message;
  readonly error?: unknown;
}

/** An event in words. */
export function causeOf(event: Caused): string {
  const message = event.message ?? event.response;
  if (message !== undefined) return `${message.type} from node ${message.from}, term ${message.term}`;
  const timer = /^xstate\.after\.([^.]+)\./.exec(event.type);
  if (timer !== null) return `${timer[1]} over`;
  return event.error instanceof Error ? `${event.type}: ${event.error.message}` : event.type;
}
