import { expect } from 'chai';
import fc from 'fast-check';
import { createActor, raise, setup } from 'xstate';
import { checkTables, withEventTable } from '../../machines/event-table.js';

/*
 * The table against the interpreter that it stands in for: the same chart, told the same, must do, tell and become the
 * same, whatever its guards say.
 */

const guardNames = ['a', 'b', 'c', 'd', 'e'] as const;
const events = ['outer', 'inner', 'both', 'says', 'moves', 'nothing'] as const;
type Guards = Readonly<Record<(typeof guardNames)[number], boolean>>;
type Step = { readonly type: (typeof events)[number]; readonly guards: Guards; readonly after: Guards };

/** What its guards say from its next action on is in the event: actions change what guards look at. */
function newChart(derived: boolean, done: string[]) {
  let guards: Guards = { a: false, b: false, c: false, d: false, e: false };
  const act = (name: string) => (called: { event: { type: string } }) => {
    done.push(`${name} at ${called.event.type}`);
    if ('after' in called.event) guards = called.event.after as Guards;
  };
  const machine = setup({
    guards: {
      a: () => guards.a,
      b: () => guards.b,
      c: () => guards.c,
      d: () => guards.d,
      e: () => guards.e,
    },
    actions: {
      first: act('first'),
      second: act('second'),
      third: act('third'),
      entered: act('entered'),
      again: raise({ type: 'outer' }),
    },
  }).createMachine({
    type: 'parallel',
    on: { outer: { guard: 'a', actions: 'first' }, both: { actions: ['first', 'second'] } },
    states: {
      left: {
        initial: 'one',
        on: { inner: { actions: 'third' }, outer: { guard: 'b', actions: 'second' } },
        states: {
          one: {
            always: { guard: 'd', target: 'two' },
            on: {
              inner: [{ guard: 'a', actions: 'first' }, { guard: 'b' }],
              both: { guard: 'c', actions: 'third' },
              moves: { target: 'two', actions: 'second' },
              says: { guard: 'c', actions: ['second', 'again'] },
            },
          },
          two: {
            entry: 'entered',
            always: { guard: 'e', target: 'one', actions: 'third' },
            on: { moves: 'one', inner: { guard: 'c', target: 'two', reenter: true } },
          },
        },
      },
      right: {
        initial: 'only',
        states: { only: { on: { inner: { guard: 'c', actions: 'first' }, outer: { actions: 'third' } } } },
      },
    },
  });
  const actor = createActor(derived ? withEventTable(machine) : machine, {
    inspect: (told) => {
      if (told.type !== '@xstate.microstep') return;
      const moves = (told._transitions as { toJSON(): object }[]).map((each) =>
        JSON.stringify(each.toJSON()),
      );
      done.push(`step ${told.event.type}: ${moves.join()}`);
    },
  });
  // One that nobody hears of is thrown later, past this test.
  const errors: unknown[] = [];
  actor.subscribe({ error: (error) => errors.push(error) });
  return {
    actor: actor.start(),
    take(step: Step) {
      guards = step.guards;
      actor.send(step as never);
      if (errors.length > 0) throw errors[0];
      // A chart that goes back and forth for ever is no chart.
      guards = { ...guards, d: false, e: false };
    },
  };
}

const guards = fc.record(
  Object.fromEntries(guardNames.map((name) => [name, fc.boolean()])),
) as fc.Arbitrary<Guards>;
const steps = fc.array(
  fc.record({
    type: fc.constantFrom(...events),
    guards: guards.map((said) => ({ ...said, d: said.d && !said.e })),
    after: guards.map((said) => ({ ...said, d: said.d && !said.e })),
  }) as fc.Arbitrary<Step>,
  { minLength: 1, maxLength: 12 },
);

describe('A chart with a table of its events', () => {
  afterEach(() => checkTables(false));

  for (const checked of [false, true]) {
    it(`does, tells and becomes what the interpreter makes of it${checked ? ', also when that checks it' : ''}`, () => {
      checkTables(checked);
      fc.assert(
        fc.property(steps, (told) => {
          const [did, should]: string[][] = [[], []];
          const [quick, plain] = [newChart(true, did as string[]), newChart(false, should as string[])];
          for (const step of told) {
            quick.take(step);
            plain.take(step);
          }
          expect(did).to.deep.equal(should);
          expect(quick.actor.getSnapshot().value).to.deep.equal(plain.actor.getSnapshot().value);
          expect(quick.actor.getSnapshot().status).to.equal('active');
        }),
        { numRuns: 2000 },
      );
    });
  }

  it('stands still under an event that moves it nowhere: its snapshot is the same object', () => {
    const { actor, take } = newChart(true, []);
    const before = actor.getSnapshot();
    const said = { a: true, b: true, c: true, d: false, e: false };
    take({ type: 'inner', guards: said, after: said });
    expect(actor.getSnapshot()).to.equal(before);
  });

  it('fails of an action that throws, as any chart does', () => {
    const machine = setup({
      actions: {
        fail: () => {
          throw new Error('out of luck');
        },
      },
    }).createMachine({ on: { go: { actions: 'fail' } } });
    const actor = createActor(withEventTable(machine));
    const errors: unknown[] = [];
    actor.subscribe({ error: (error) => errors.push(error) });
    actor.start().send({ type: 'go' });
    expect(errors.map(String)).to.deep.equal(['Error: out of luck']);
    expect(actor.getSnapshot().status).to.equal('error');
  });
});
