import { expect } from 'chai';
import type { AnyStateNode, AnyTransitionDefinition } from 'xstate';
import { getStateNodes } from 'xstate/graph';
import { nodeMachine } from '../../machines/node.js';
import { actionEvents, guardEvents, type NodeBindings, type NodeEvent } from '../../machines/node-events.js';

/*
 * `machines/node-events.ts` says which events each name of the node's chart is told. The types of what the names are
 * bound to follow from it; that the chart keeps to it is held here.
 */

type Names = Readonly<Record<string, readonly string[]>>;

const nodes: readonly AnyStateNode[] = [nodeMachine.root, ...getStateNodes(nodeMachine.root)];
const builtIn = ['deliver', 'redeliver'];

function nameOf(use: unknown): string {
  return typeof use === 'string' ? use : String((use as { type?: unknown }).type);
}

interface Use {
  readonly name: string;
  /** The event that is taken to it, or null: on entry, on exit, at a timer, without an event. */
  readonly event: string | null;
}

function usesOf(kind: 'guards' | 'actions'): Use[] {
  const ofTransition = (taken: AnyTransitionDefinition): Use[] => {
    const isSaid = taken.eventType !== '' && !taken.eventType.startsWith('xstate.');
    const named = kind === 'actions' ? taken.actions : taken.guard === undefined ? [] : [taken.guard];
    return named.map((use) => ({ name: nameOf(use), event: isSaid ? taken.eventType : null }));
  };
  const uses = nodes.flatMap((node) => {
    const transitions = [...node.transitions.values(), node.always ?? []].flat();
    const atStates = kind === 'actions' ? [...node.entry, ...node.exit] : [];
    return [
      ...transitions.flatMap(ofTransition),
      ...atStates.map((use) => ({ name: nameOf(use), event: null })),
    ];
  });
  // Timers are set and cancelled by actions of the library's own.
  return uses.filter(({ name }) => !builtIn.includes(name) && !name.startsWith('xstate.'));
}

for (const [kind, names] of [
  ['guards', guardEvents],
  ['actions', actionEvents],
] as ['guards' | 'actions', Names][]) {
  describe(`The ${kind} of the node’s chart`, () => {
    it('are all used, and all of them are names that can be bound', () => {
      expect([...new Set(usesOf(kind).map(({ name }) => name))].sort()).deep.equal(Object.keys(names).sort());
    });

    it('are told the events that they say, and no others', () => {
      for (const [name, events] of Object.entries(names)) {
        const told = new Set(
          usesOf(kind)
            .filter((use) => use.name === name)
            .map(({ event }) => event),
        );
        if (events.length > 0) expect([...told].sort(), name).deep.equal([...events].sort());
      }
    });
  });
}

/* What must not compile. A line that does, is an error of its own: an expected error did not come. */

interface Parts {
  readonly id: number;
}
type Proposal = { readonly commands: readonly string[] };
type Bindings = NodeBindings<Parts, NodeEvent<Proposal, string>>;

describe('What the names are bound to', () => {
  it('leaves out no action, no guard and no delay', () => {
    const { adoptTerm: _, ...actions } = {} as Bindings['actions'];
    // @ts-expect-error an action is not bound
    const lacksAction: Bindings['actions'] = actions;
    const { hasWon: __, ...guards } = {} as Bindings['guards'];
    // @ts-expect-error a guard is not bound
    const lacksGuard: Bindings['guards'] = guards;
    // @ts-expect-error a delay is not bound
    const lacksDelay: Bindings['delays'] = { electionTimeout: () => 1, heartbeatInterval: () => 1 };
    // @ts-expect-error nothing in the chart has this name
    const hasMore: Bindings['delays'] = { ...({} as Bindings['delays']), blockIntervall: () => 1 };
    expect([lacksAction, lacksGuard, lacksDelay, hasMore].length).equal(4);
  });

  it('knows its event: a client’s by the type of what clients ask, a peer’s by its message', () => {
    const bound: Partial<Bindings['actions']> = {
      appendProposal: ({ id }, { proposal }) => void [id.toFixed(), proposal.commands.join()],
      acceptEntries: (_, { message }) => void message.prevLogIndex.toFixed(),
      forwardRead: (_, { reads }) => void reads.join(),
      // @ts-expect-error a vote has no entries
      grantVote: (_, { message }) => void message.entries,
      // @ts-expect-error it is named on entry, and told nothing
      becomeLeader: (_, { message }) => void message,
      // @ts-expect-error no client asks with a number
      redirectProposal: (_, { proposal }: { proposal: number }) => void proposal,
    };
    expect(Object.keys(bound).length).equal(6);
  });
});
