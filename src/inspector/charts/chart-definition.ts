import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';
import { ConclaveError } from '../../ground/errors.js';
import { alternatives, eventName, pathOf, transitionId } from '../../node/watch/transition-id.js';

/** A statechart as plain data: what a machine's definition says, without a function in it. */
export interface ChartDefinition {
  readonly machine: string;
  readonly description: string;
  /** All states, each after its parent; the first is the machine itself, with the empty path. */
  readonly states: readonly ChartState[];
  /** In the order of their source states, and there in the order in which they are tried. */
  readonly transitions: readonly ChartTransition[];
}

export type StateKind = 'atomic' | 'compound' | 'parallel' | 'final' | 'history';

export interface ChartState {
  /** The keys from the root down, such as `alive.follower.following`. */
  readonly path: string;
  readonly key: string;
  readonly kind: StateKind;
  /** The path of the state around it; null for the machine itself. */
  readonly parent: string | null;
  /** The path of the child that is entered first; null without one. */
  readonly initial: string | null;
  readonly description: string;
  readonly entry: readonly string[];
  readonly exit: readonly string[];
  /** The actors that live as long as the state is active. */
  readonly invokes: readonly string[];
}

export interface ChartTransition {
  /** Stable as long as the source, the event and the place among the event's alternatives stay. */
  readonly id: string;
  readonly source: string;
  /** The path of the state entered; null when the state stays and only actions run. */
  readonly target: string | null;
  /** An event's type, `always`, `after NAME`, `done` or `done ACTOR`, `error ACTOR`. */
  readonly event: string;
  /** The guard's name; `else` for the way out when the guards before it all said no; null without condition. */
  readonly guard: string | null;
  readonly actions: readonly string[];
  /** Leaves and enters its source although the target lies within it. */
  readonly reenter: boolean;
  readonly description: string;
}

/** The machine says something that a chart has no sign for. */
export class UnchartableMachineError extends ConclaveError {
  constructor(machine: string, what: string) {
    super('UNCHARTABLE_MACHINE', `The chart of "${machine}" cannot be drawn: ${what}`);
  }
}

/**
 * Reads a machine's own definition.
 * @throws UnchartableMachineError where an action or guard has no name, or a transition several targets.
 */
export function chartDefinition(machine: AnyStateMachine): ChartDefinition {
  const nodes = withDescendants(machine.root);
  return {
    machine: machine.id,
    description: machine.root.description ?? '',
    states: nodes.map((node) => stateOf(machine, node)),
    transitions: nodes.flatMap((node) =>
      outgoing(node).map((transition) => transitionOf(machine, transition)),
    ),
  };
}

function withDescendants(node: AnyStateNode): AnyStateNode[] {
  return [node, ...Object.values(node.states).flatMap((child) => withDescendants(child as AnyStateNode))];
}

function outgoing(node: AnyStateNode): AnyTransitionDefinition[] {
  return [...(node.always ?? []), ...[...node.transitions.values()].flat()];
}

function stateOf(machine: AnyStateMachine, node: AnyStateNode): ChartState {
  const initial = node.type === 'compound' ? node.initial.target[0] : undefined;
  return {
    path: pathOf(node),
    key: node.key,
    kind: node.type,
    parent: node.parent === undefined ? null : pathOf(node.parent),
    initial: initial === undefined ? null : pathOf(initial),
    description: node.description ?? '',
    // From the configuration: the node's own lists also hold XState's timers.
    entry: names(machine, node.config.entry, `an entry action of "${node.id}"`),
    exit: names(machine, node.config.exit, `an exit action of "${node.id}"`),
    invokes: node.invoke.map(({ src, id }) => (typeof src === 'string' ? src : id)),
  };
}

function transitionOf(machine: AnyStateMachine, transition: AnyTransitionDefinition): ChartTransition {
  const { source, target, guard } = transition;
  const where = `a transition of "${source.id}" on "${transition.eventType}"`;
  const [entered, ...others] = target ?? [];
  if (others.length > 0) throw new UnchartableMachineError(machine.id, `${where} has several targets.`);
  const tried = alternatives(source, transition.eventType);
  const isElse = guard === undefined && tried.length > 1 && tried.at(-1) === transition;
  return {
    id: transitionId(transition),
    source: pathOf(source),
    target: entered === undefined ? null : pathOf(entered),
    event: eventName(transition),
    guard: names(machine, guard, `the guard of ${where}`)[0] ?? (isElse ? 'else' : null),
    actions: names(machine, transition.actions, `an action of ${where}`),
    reenter: transition.reenter,
    description: transition.description ?? '',
  };
}

/** Names in a configuration's list of strings and `{ type }` objects. */
function names(machine: AnyStateMachine, listed: unknown, what: string): string[] {
  if (listed === undefined || listed === null) return [];
  return (Array.isArray(listed) ? listed : [listed]).map((item: unknown) => {
    if (typeof item === 'string') return item;
    if (typeof item === 'object' && item !== null && 'type' in item && typeof item.type === 'string')
      return item.type;
    throw new UnchartableMachineError(machine.id, `${what} has no name. Name it in setup() and refer to it.`);
  });
}
