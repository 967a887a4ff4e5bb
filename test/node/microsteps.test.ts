import { expect } from 'chai';
import { type AnyActor, createActor, createMachine, type InspectionEvent } from 'xstate';
import { type Microstep, onMicrostep } from '../../src/node/watch/microsteps.js';

const lamp = createMachine({
  initial: 'off',
  states: { off: { on: { press: 'on' } }, on: { on: { press: 'off' } } },
});

function valueAfter(step: Microstep): unknown {
  return (step.snapshot as { value?: unknown }).value;
}

describe('hearing the steps of a chart', () => {
  it('tells each step once, from the first press after it was asked to until the last before it ends', () => {
    const actor = createActor(lamp).start();
    const heard: unknown[] = [];
    actor.send({ type: 'press' });
    const subscription = onMicrostep(actor, (step) => heard.push(valueAfter(step)));
    actor.send({ type: 'press' });
    actor.send({ type: 'press' });
    subscription.unsubscribe();
    actor.send({ type: 'press' });
    expect(heard).to.deep.equal(['off', 'on']);
  });

  it('leaves other listeners, and observers of the whole system, what they hear, whoever ends first', () => {
    const actor = createActor(lamp).start();
    const observed: string[] = [];
    actor.system.inspect((inspected: InspectionEvent) => observed.push(inspected.type));
    const counts = [0, 0];
    const [first, second] = [0, 1].map((at) =>
      onMicrostep(actor, () => (counts[at] = (counts[at] ?? 0) + 1)),
    );
    actor.send({ type: 'press' });
    first?.unsubscribe();
    actor.send({ type: 'press' });
    second?.unsubscribe();
    actor.send({ type: 'press' });
    expect(counts).to.deep.equal([1, 2]);
    expect(observed.filter((type) => type === '@xstate.microstep')).to.have.length(3);
    expect(observed).to.include('@xstate.snapshot');
  });

  it('hears of steps only, before they are copied, as the installed XState tells them', () => {
    const actor = createActor(lamp).start();
    const steps: Microstep[] = [];
    onMicrostep(actor, (step) => steps.push(step));
    actor.send({ type: 'press' });
    expect(steps).to.have.length(1);
    // What system.inspect gives bears the root's id: a copy for each observer.
    expect(steps[0]).to.not.have.property('rootId');
  });

  it('hears the same from a version of XState that only lets its system be inspected', () => {
    const actor = createActor(lamp).start();
    const inspectable = { system: { inspect: actor.system.inspect } } as AnyActor;
    const heard: unknown[] = [];
    const subscription = onMicrostep(inspectable, (step) => heard.push(valueAfter(step)));
    actor.send({ type: 'press' });
    subscription.unsubscribe();
    actor.send({ type: 'press' });
    expect(heard).to.deep.equal(['on']);
  });
});
