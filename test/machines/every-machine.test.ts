import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { type AnyStateMachine, createActor, StateMachine } from 'xstate';

/*
 * What holds for every chart, those to come included: it can be drawn from its JSON alone, it can be read, and a
 * name that nobody has bound fails loudly.
 */

const folder = new URL('../../machines/', import.meta.url);
const sources = new URL('../../../machines/', import.meta.url);
const besideMachines = ['unbound.js', 'node-events.js', 'event-table.js'];
const files = readdirSync(folder).filter((file) => file.endsWith('.js') && !besideMachines.includes(file));

/** Named in the machine's own file, because they have no meaning outside the chart: they say an event again. */
const builtIn = new Set(['deliver', 'redeliver']);

type Config = Readonly<Record<string, unknown>>;

async function machinesIn(file: string): Promise<AnyStateMachine[]> {
  const module: Config = await import(new URL(file, folder).href);
  return Object.values(module).filter((each): each is AnyStateMachine => each instanceof StateMachine);
}

function listOf(value: unknown): unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

/** A state's own configuration and that of all within it, each with where it stands. */
function* statesOf(config: Config, path = '(root)'): Iterable<{ path: string; state: Config }> {
  yield { path, state: config };
  for (const [name, state] of Object.entries((config.states ?? {}) as Record<string, Config>)) {
    yield* statesOf(state, `${path}.${name}`);
  }
}

/** Everything in a configuration that stands for an implementation. */
function usesIn(config: Config) {
  const uses = {
    actions: [] as unknown[],
    guards: [] as unknown[],
    delays: [] as unknown[],
    actors: [] as unknown[],
  };
  for (const { state } of statesOf(config)) {
    uses.actions.push(...listOf(state.entry), ...listOf(state.exit));
    uses.delays.push(...Object.keys((state.after ?? {}) as object));
    const invoked = listOf(state.invoke) as Config[];
    uses.actors.push(...invoked.map(({ src }) => src));
    const steps = [
      ...Object.values((state.on ?? {}) as object),
      ...Object.values((state.after ?? {}) as object),
      state.always,
      state.onDone,
      ...invoked.flatMap(({ onDone, onError, onSnapshot }) => [onDone, onError, onSnapshot]),
    ];
    for (const step of steps.flatMap(listOf)) {
      if (typeof step === 'string') continue;
      const { guard, actions } = step as Config;
      uses.actions.push(...listOf(actions));
      uses.guards.push(...listOf(guard));
    }
  }
  return uses;
}

for (const file of files) {
  describe(`The chart machines/${file.replace('.js', '.ts')}`, () => {
    let machine: AnyStateMachine;

    before(async () => {
      const machines = await machinesIn(file);
      expect(machines.length, 'machines in the file').equal(1);
      machine = machines[0] as AnyStateMachine;
    });

    it('names every action, guard, delay and actor, and has each name', () => {
      const uses = usesIn(machine.config as Config);
      const implementations = machine.implementations as unknown as Record<string, object>;
      for (const [kind, names] of Object.entries(uses)) {
        for (const name of names) {
          expect(name, `one of the ${kind}`).a('string');
          expect(implementations[kind], kind).property(name as string);
        }
      }
    });

    it('is whole as JSON', () => {
      // The initial context is data for the rules, and `schemas` is what XState keeps of the types: no shape.
      const { context: _, schemas: __, ...shape } = machine.config as Config;
      expect(shape).deep.equal(JSON.parse(JSON.stringify(shape)));
      expect(JSON.parse(JSON.stringify(machine))).property('states');
    });

    it('describes every state', () => {
      for (const { path, state } of statesOf(machine.config as Config)) {
        expect(state.description, `the description of ${path}`).a('string').with.length.above(10);
      }
    });

    it('is one literal, so that an editor can open it', () => {
      const source = readFileSync(new URL(file.replace('.js', '.ts'), sources), 'utf8');
      const parts = source.split('createMachine(');
      expect(parts.length).equal(2);
      expect(parts[1]).match(/^\{\n {2}id: '/);
      expect(parts[1], 'spread or conditional shape').not.match(/\.\.\./);
    });

    it('throws at a name that was not bound', () => {
      const { actions, guards, delays } = machine.implementations as unknown as Record<string, Config>;
      for (const [name, placeholder] of Object.entries({ ...actions, ...guards, ...delays })) {
        if (builtIn.has(name)) continue;
        expect(placeholder).throw(`"${name}" is not provided`);
      }
    });
  });
}

describe('An actor of a chart that nobody bound', () => {
  it('dies at its start of the first name it meets', async () => {
    const [machine] = await machinesIn('node.js');
    const actor = createActor(machine as AnyStateMachine, { input: { parts: null } });
    let death: unknown;
    actor.subscribe({
      error: (error) => {
        death = error;
      },
    });
    actor.start();
    expect(actor.getSnapshot().status).equal('error');
    expect(String(death)).include('is not provided');
  });
});
