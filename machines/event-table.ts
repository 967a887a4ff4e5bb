import type { AnyActorScope, AnyMachineSnapshot, AnyStateMachine, AnyStateNode } from 'xstate';
import { invariant } from '../src/raft/invariant.js';

type Transition = ReturnType<AnyStateMachine['getTransitionData']>[number];
type Happened = { readonly type: string };

/** What guards and actions are called with. */
interface Called {
  readonly context: unknown;
  readonly event: Happened;
}
type Guard = (called: Called) => unknown;
type Action = (called: Called & { readonly self: unknown; readonly system: unknown }) => void;

interface Candidate {
  readonly transition: Transition;
  /** Null: it is taken whenever it is come to. */
  readonly guard: Guard | null;
  /** Null: it moves the chart, or does what only the interpreter can. */
  readonly actions: readonly Action[] | null;
}

/** An active state that hears an event, itself or within. */
interface Listener {
  readonly within: readonly Listener[];
  readonly candidates: readonly Candidate[];
}

/** What the chart does while it stands in one configuration of states. */
interface Row {
  readonly nodes: readonly AnyStateNode[];
  /** By the event's type: who hears it, null where nobody does, 'unknown' where only the interpreter can tell. */
  readonly listeners: Map<string, Listener | null | 'unknown'>;
  /** The guards of the transitions that it takes of itself; 'unknown' where only the interpreter can tell. */
  readonly always: readonly (Guard | null)[] | 'unknown';
}

/** What XState's actors have for whoever inspects them. It is not among its types. */
interface Telling {
  readonly _sendInspectionEvent?: (inspected: object) => void;
}

let isChecking = false;

/** Has the interpreter do again what tables decide, and a chart fail in which the two differ. For simulations. */
export function checkTables(on: boolean): void {
  isChecking = on;
}

/**
 * Has a machine take the events that move it nowhere, which are most under load, by a table that is derived from its own
 * definition: for the states that are active, which guards are asked at an event, in what order, and which actions
 * they let through. XState's interpreter finds that out anew at each event, with sets of states to leave and to enter that
 * stay empty; it costs several times what the actions do. Whatever moves the chart, or says more than a name, is left
 * to it. Who inspects the actor is told the same as by the interpreter.
 */
export function withEventTable<Machine extends AnyStateMachine>(machine: Machine): Machine {
  const interpret = machine.transition.bind(machine);
  const transitionsOf = machine.getTransitionData.bind(machine);
  const table = new EventTable(machine);
  /** What the table selected, and whose actions it has run, when the interpreter is to go on from there. */
  let selected: readonly Transition[] | null = null;

  machine.getTransitionData = (snapshot, event) => {
    const found = selected;
    selected = null;
    return found === null ? transitionsOf(snapshot, event) : [...found];
  };
  machine.transition = (snapshot: AnyMachineSnapshot, event: Happened, scope: AnyActorScope) => {
    const tell = (scope.system as unknown as Telling)._sendInspectionEvent;
    const row = tell === undefined || snapshot.status !== 'active' ? null : table.rowOf(snapshot);
    const taken = row === null ? null : table.take(row, snapshot, event);
    if (row === null || taken === null) return interpret(snapshot, event, scope);
    const transitions = taken.map(({ transition }) => transition);
    if (isChecking) requireEqual(transitions, transitionsOf(snapshot, event), event);
    const called = { context: snapshot.context, event, self: scope.self, system: scope.system };
    let done = 0;
    for (const { actions } of taken) {
      for (const act of actions ?? []) {
        act(called);
        done++;
      }
    }
    const goesOn = table.goesOn(row, called);
    if (goesOn || isChecking) {
      selected = transitions;
      let further = 0;
      const rest = after(done, scope, () => further++);
      const next = interpret(snapshot, event, rest);
      const wentOn = next !== snapshot || further > 0;
      invariant(goesOn === wentOn, () => `After ${event.type} the table has the chart go on: ${goesOn}.`);
      return next;
    }
    tell?.call(scope.system, {
      type: '@xstate.microstep',
      actorRef: scope.self,
      event,
      snapshot,
      _transitions: transitions,
    });
    return snapshot;
  };
  return machine;
}

function requireEqual(ours: readonly Transition[], theirs: readonly Transition[], { type }: Happened): void {
  invariant(
    ours.length === theirs.length && ours.every((transition, at) => transition === theirs[at]),
    () => `The table takes other transitions at ${type} than the chart.`,
  );
}

/** A scope that runs no action but those after the first `done`, which have been run. */
function after(done: number, scope: AnyActorScope, ran: () => void): AnyActorScope {
  let passed = 0;
  return {
    ...scope,
    actionExecutor: (action) => {
      if (passed++ < done) return;
      ran();
      scope.actionExecutor(action);
    },
  };
}

class EventTable {
  readonly #machine: AnyStateMachine;
  /** By the value of the snapshot, which is the same object as long as the chart stands still. */
  readonly #known = new WeakMap<object, Row>();
  readonly #rows = new Map<string, Row>();

  constructor(machine: AnyStateMachine) {
    this.#machine = machine;
  }

  rowOf({ value, _nodes: nodes }: AnyMachineSnapshot): Row {
    const key = typeof value === 'object' ? value : null;
    const known = key === null ? undefined : this.#known.get(key);
    if (known !== undefined) return known;
    const name = JSON.stringify(value);
    let row = this.#rows.get(name);
    if (row === undefined) {
      row = { nodes, listeners: new Map(), always: this.#alwaysOf(nodes) };
      this.#rows.set(name, row);
    }
    if (key !== null) this.#known.set(key, row);
    return row;
  }

  /** What is taken at the event; null when the interpreter is to do it all. */
  take(row: Row, { value, context }: AnyMachineSnapshot, event: Happened): readonly Candidate[] | null {
    if (row.always === 'unknown') return null;
    let listener = row.listeners.get(event.type);
    if (listener === undefined) {
      listener = this.#listenersTo(event.type, value, row.nodes);
      row.listeners.set(event.type, listener);
    }
    if (listener === 'unknown') return null;
    const taken: Candidate[] = [];
    if (listener !== null) select(listener, { context, event }, taken);
    return taken.every(({ actions }) => actions !== null) ? taken : null;
  }

  /** Does the chart take a transition of itself now? */
  goesOn({ always }: Row, called: Called): boolean {
    return always === 'unknown' || always.some((guard) => guard === null || Boolean(guard(called)));
  }

  #listenersTo(type: string, value: unknown, nodes: readonly AnyStateNode[]): Listener | null | 'unknown' {
    // What is not told by its own name alone is not looked up by it.
    const isPlain = nodes.every((node) => [...node.transitions.keys()].every((name) => !name.includes('*')));
    if (!isPlain || type.startsWith('xstate.')) return 'unknown';
    const guards = nodes.flatMap((node) => node.transitions.get(type) ?? []).map(({ guard }) => guard);
    if (!guards.every((guard) => guard === undefined || this.#guard(guard) !== null)) return 'unknown';
    return this.#listener(this.#machine.root, value, type);
  }

  #listener(node: AnyStateNode, value: unknown, type: string): Listener | null {
    const active = typeof value === 'string' ? { [value]: {} } : (value as Readonly<Record<string, unknown>>);
    const within = Object.entries(active).flatMap(([name, inner]) => {
      const child = node.states[name];
      return child === undefined ? [] : (this.#listener(child, inner, type) ?? []);
    });
    const candidates = (node.transitions.get(type) ?? []).map((transition) => this.#candidate(transition));
    return within.length === 0 && candidates.length === 0 ? null : { within, candidates };
  }

  #candidate(transition: Transition): Candidate {
    const { guard, target, reenter } = transition;
    const actions = transition.actions.map((action) => this.#action(action));
    const isStanding = target === undefined && !reenter && actions.every((action) => action !== null);
    return {
      transition,
      guard: guard === undefined ? null : this.#guard(guard),
      actions: isStanding ? (actions as Action[]) : null,
    };
  }

  #alwaysOf(nodes: readonly AnyStateNode[]): Row['always'] {
    const guards = new Set(nodes.flatMap(({ always }) => (always ?? []).map(({ guard }) => guard)));
    const named = [...guards].map((guard) => (guard === undefined ? undefined : this.#guard(guard)));
    return named.includes(null) ? 'unknown' : named.map((guard) => guard ?? null);
  }

  /** Null unless it is a name, bound to a function. */
  #guard(guard: unknown): Guard | null {
    if (typeof guard !== 'string') return null;
    const bound: unknown = this.#machine.implementations.guards[guard];
    return typeof bound === 'function' && !('check' in bound) ? (bound as Guard) : null;
  }

  /** Null unless it is a name, bound to a function: what XState makes of its own actions is its own affair. */
  #action(action: unknown): Action | null {
    if (typeof action !== 'string') return null;
    const bound: unknown = this.#machine.implementations.actions[action];
    return typeof bound === 'function' && !('resolve' in bound) ? (bound as Action) : null;
  }
}

/** The inner states come first, and of a state's own transitions the first whose guard holds. */
function select({ within, candidates }: Listener, called: Called, taken: Candidate[]): boolean {
  let isHeard = false;
  for (const inner of within) if (select(inner, called, taken)) isHeard = true;
  if (isHeard) return true;
  const found = candidates.find(({ guard }) => guard === null || guard(called));
  if (found !== undefined) taken.push(found);
  return found !== undefined;
}
