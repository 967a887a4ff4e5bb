import { expect } from 'chai';
import type { AnyStateNode } from 'xstate';
import { getAdjacencyMap, getStateNodes } from 'xstate/graph';
import { nodeMachine } from '../../machines/node.js';
import { roles } from '../../src/node/information.js';

/** Figure 4, with pre-vote (thesis §9.6), death by command, and learners, who become voters and the other way (§6). */
const roleChanges = {
  follower: ['preCandidate', 'candidate', 'learner', 'removed', 'dead'],
  preCandidate: ['follower', 'candidate', 'removed', 'dead'],
  candidate: ['follower', 'preCandidate', 'leader', 'removed', 'dead'],
  leader: ['follower', 'removed', 'dead'],
  learner: ['follower', 'removed', 'dead'],
  removed: ['follower', 'learner', 'dead'],
  dead: ['follower', 'learner'],
} as const;

type Role = keyof typeof roleChanges;

/**
 * In the model an election that is won is won for the next state too, as a sole voter's is: so it passes through
 * candidacy within one step.
 */
const soleVoterLeaps = ['follower>leader', 'preCandidate>leader'];
/** A leader of a newer term that hands over at once: in the model, whoever hears of it becomes its follower and stands. */
const handedOver = ['leader>candidate', 'learner>candidate', 'removed>candidate'];
/** Found to be removed when it is revived. */
const revivedToo = ['dead>removed'];
/** Entries that a follower would take say that it has no vote any more: it is one just for that step. */
const leapsToLearner = ['preCandidate>learner', 'candidate>learner', 'leader>learner'];

const nodes = getStateNodes(nodeMachine.root);

function roleOf(node: AnyStateNode): Role | null {
  return roles.find((role) => node.path.includes(role)) ?? null;
}

/** Every event type that can move the chart, with the names of the guards it is asked about. */
const guardsByEvent = new Map<string, Set<string>>();
for (const node of [nodeMachine.root, ...nodes]) {
  for (const [type, transitions] of node.transitions) {
    const guards = guardsByEvent.get(type) ?? new Set();
    for (const { guard } of transitions) if (typeof guard === 'string') guards.add(guard);
    guardsByEvent.set(type, guards);
  }
}
const eventlessGuards = [
  'hasWon',
  'hasLost',
  'noopIsCommitted',
  'producesBlocks',
  'snapshotIsArriving',
  'noSnapshotIsArriving',
  'isRemoved',
  'isJoint',
  'hasNoVote',
  'changeIsSound',
  'changeIsPrepared',
  'jointIsPrepared',
  'configurationIsCommitted',
  'preferredIsReady',
  'targetIsLevel',
];
/** What is taken is answered within the step, which the model, without a replica, would do for ever. */
const neverChosen = ['changeIsDue'];
/** What the leader's entries may say: that a voter is a learner from now on, or the other way. */
const turns = 'turns';

/** What an event finds true. The model has no replica: each step chooses the answers that the rules could give. */
interface Chosen {
  readonly yes: readonly string[];
}
type ModelEvent = { readonly type: string; readonly message?: { readonly type: string } } & Chosen;

function* modelEvents(): Iterable<ModelEvent> {
  const oneOf = (guards: Iterable<string>) => [[], ...[...guards].map((guard) => [guard])];
  for (const [type, guards] of guardsByEvent) {
    if (type === 'peer.newerTerm' || type === '') continue;
    for (const own of oneOf([...guards].filter((guard) => !neverChosen.includes(guard)))) {
      const said = type === 'peer.appendEntries' ? [turns] : [];
      for (const eventless of oneOf([...eventlessGuards, ...said])) {
        const yes = [...own, ...eventless];
        if (!type.startsWith('peer.')) yield { type, yes };
        else {
          const message = { type: type.slice('peer.'.length), yes };
          yield { type, message, yes };
          // A message that first makes a follower settles no election besides.
          if (eventless.length === 0) yield { type: 'peer.newerTerm', message, yes };
        }
      }
    }
  }
}

/** The chart of a voter or of a learner, with a model in the rules' place. */
function modelOf(isLearner: boolean) {
  const isSaid = (name: string, event: unknown) => {
    const { yes, message } = event as Partial<Chosen> & { message?: Partial<Chosen> };
    return (yes ?? message?.yes ?? []).includes(name);
  };
  const chosen = (name: string) => {
    return ({ event }: { event: unknown }) => {
      if (name === 'isLearner') return isLearner !== isSaid(turns, event);
      if (name === 'isVoter') return isLearner === isSaid(turns, event);
      return isSaid(name, event);
    };
  };
  const names = Object.keys(nodeMachine.implementations.guards);
  return nodeMachine.provide({
    guards: Object.fromEntries(names.map((name) => [name, chosen(name)])) as never,
    delays: {
      electionTimeout: 1,
      heartbeatInterval: 1,
      blockInterval: 1,
      transferTimeout: 1,
      leaseRemainder: 1,
    },
  });
}

const traversal = {
  input: { parts: null },
  events: [...modelEvents()] as never[],
  serializeState: (snapshot: { readonly value: unknown }) => JSON.stringify(snapshot.value) as never,
};

/** Every state that can be reached, and what each event makes of it. */
function walked(isLearner: boolean) {
  return Object.values(getAdjacencyMap(modelOf(isLearner), traversal));
}

function roleIn(value: unknown): Role | undefined {
  return roles.find((role) => JSON.stringify(value).includes(`"${role}"`));
}

describe('The node’s chart, walked', () => {
  let steps: ReturnType<typeof walked>;
  before(() => {
    steps = [...walked(false), ...walked(true)];
  });

  it('reaches every state that can be stayed in', () => {
    const reached = new Set(
      steps.flatMap(({ state }) =>
        (state as unknown as { _nodes: AnyStateNode[] })._nodes.map(({ id }) => id),
      ),
    );
    const passing = ['node.alive.resuming', 'node.alive.follower.deciding'];
    const missed = nodes.map(({ id }) => id).filter((id) => !reached.has(id) && !passing.includes(id));
    expect(missed).deep.equal([]);
    expect(passing.filter((id) => reached.has(id))).deep.equal([]);
  });

  it('moves between roles as Figure 4 does, in every state and at every event, and in no other way', () => {
    const seen = new Set<string>();
    for (const { state, transitions } of steps) {
      const from = roleIn(state.value);
      for (const { state: next } of Object.values<{ state: typeof state }>(transitions)) {
        const to = roleIn(next.value);
        if (to !== from) seen.add(`${from}>${to}`);
      }
    }
    const allowed = Object.entries(roleChanges).flatMap(([from, to]) => to.map((each) => `${from}>${each}`));
    const expected = [...allowed, ...soleVoterLeaps, ...leapsToLearner, ...handedOver, ...revivedToo];
    expect([...seen].sort()).deep.equal(expected.sort());
  });
});

describe('The node’s chart, as it is written', () => {
  /** The roles that a transition can lead to from a role. `resuming` gives back the passive role it came from. */
  function targetsOf(from: Role, target: AnyStateNode): Role[] {
    const role = roleOf(target);
    if (role !== null) return [role];
    if (from === 'dead' || from === 'removed') return ['follower', 'learner'];
    return [from === 'learner' ? 'learner' : 'follower'];
  }

  /** The transitions that are open to a role: its own, and those of the states around it. */
  function* transitionsOf(role: Role) {
    const around = ['node', ...(role === 'dead' ? [] : ['node.alive'])];
    for (const node of [nodeMachine.root, ...nodes]) {
      if (roleOf(node) !== role && !around.includes(node.id)) continue;
      for (const transitions of node.transitions.values()) yield* transitions;
      yield* node.always ?? [];
    }
  }

  for (const [from, expected] of Object.entries(roleChanges) as [Role, readonly Role[]][]) {
    it(`lets a node that is ${from} become ${expected.join(', ')}, and nothing else`, () => {
      const found = new Set<Role>();
      for (const { target = [] } of transitionsOf(from)) {
        for (const node of target as readonly AnyStateNode[]) {
          for (const role of targetsOf(from, node)) if (role !== from) found.add(role);
        }
      }
      expect([...found].sort()).deep.equal([...expected].sort());
    });
  }
});
