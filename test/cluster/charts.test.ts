import { expect } from 'chai';
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { clusterMachine } from '../../machines/cluster.js';
import { sessionMachine } from '../../machines/session.js';
import { threadMachine } from '../../machines/thread.js';

/** Everything in a chart's configuration that names an action or a guard, as it stands there. */
function namesIn(config: unknown, key = ''): unknown[] {
  if (['actions', 'entry', 'exit', 'guard'].includes(key)) return [config].flat();
  if (typeof config !== 'object' || config === null) return [];
  return Object.entries(config).flatMap(([name, value]) => namesIn(value, name));
}

function delaysIn(config: unknown): string[] {
  if (typeof config !== 'object' || config === null) return [];
  return Object.entries(config).flatMap(([name, value]) =>
    name === 'after' ? [...Object.keys(value as object), ...delaysIn(value)] : delaysIn(value),
  );
}

function statesOf(node: AnyStateNode): AnyStateNode[] {
  return [node, ...Object.values(node.states).flatMap(statesOf)];
}

/** All states that some sequence of events and answers of guards leads to. */
function reachableStates(machine: AnyStateMachine): Set<AnyStateNode> {
  const reached = new Set<AnyStateNode>();
  const enter = (node: AnyStateNode): void => {
    if (reached.has(node)) return;
    reached.add(node);
    if (node.parent !== undefined) enter(node.parent);
    for (const transition of [...node.transitions.values()].flat()) transition.target?.forEach(enter);
    for (const transition of node.always ?? []) transition.target?.forEach(enter);
    if (node.type === 'parallel') Object.values(node.states).forEach(enter);
    else if (node.type === 'compound') node.initial.target.forEach(enter);
  };
  enter(machine.root);
  return reached;
}

for (const machine of [sessionMachine, clusterMachine, threadMachine] as readonly AnyStateMachine[]) {
  describe(`the ${machine.id} chart`, () => {
    it('names every action, guard and delay, and uses every name it declares', () => {
      const used = namesIn(machine.config);
      for (const name of used) expect(name).to.be.a('string');
      const declared = [machine.implementations.actions, machine.implementations.guards].flatMap(Object.keys);
      expect([...new Set(used)].sort()).to.deep.equal(declared.sort());
      expect([...new Set(delaysIn(machine.config))].sort()).to.deep.equal(
        Object.keys(machine.implementations.delays).sort(),
      );
      expect(() => JSON.stringify(machine.toJSON())).not.to.throw();
    });

    it('describes every state', () => {
      for (const state of statesOf(machine.root)) expect(state.description, state.id).to.be.a('string');
    });

    it('can reach every state', () => {
      const reached = reachableStates(machine);
      const unreached = statesOf(machine.root).filter((state) => !reached.has(state));
      expect(unreached.map(({ id }) => id)).to.deep.equal([]);
    });
  });
}
