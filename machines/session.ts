import { setup } from 'xstate';
import type { NodeId } from '../src/raft/entry.js';
import { unbound } from './unbound.js';

export type SessionEvent =
  /** Commands or reads were handed in since the last turn. */
  | { readonly type: 'client.submit' }
  /** A node reports that it leads, with a higher term than whoever did so before. */
  | { readonly type: 'leader.reported'; readonly leaderId: NodeId }
  /** The leader that was known stepped down, stopped or crashed. */
  | { readonly type: 'leader.lost' }
  /** A node did not take what it was sent, for it does not lead (or cannot be reached); who it thinks does. */
  | { readonly type: 'node.refused'; readonly by: NodeId; readonly leaderId: NodeId | null };

/** A client's view of the cluster: where what it asks goes, and when it has to wait. */
export const sessionMachine = setup({
  types: { events: {} as SessionEvent },
  guards: unbound('isOutdated', 'namesAnother', 'leaderIsKnown'),
  actions: unbound('sendWaiting', 'adoptReported', 'adoptKnown', 'followHint', 'forgetLeader'),
  delays: unbound('retryPause'),
}).createMachine({
  id: 'session',
  description: 'Finds the leader for a client, and finds it again.',
  initial: 'seeking',
  on: {
    'leader.reported': { target: '.ready', reenter: true, actions: 'adoptReported' },
  },
  states: {
    seeking: {
      description: 'No leader is known: what clients ask waits until one is reported or its deadline passes.',
    },
    ready: {
      description: 'The leader is known: what clients ask is sent there at the end of each turn.',
      entry: 'sendWaiting',
      on: {
        'client.submit': { actions: 'sendWaiting' },
        'leader.lost': { target: 'seeking', actions: 'forgetLeader' },
        'node.refused': [
          { guard: 'isOutdated', actions: 'sendWaiting' },
          { guard: 'namesAnother', target: 'redirected', actions: 'followHint' },
          { target: 'waiting', actions: 'forgetLeader' },
        ],
      },
    },
    redirected: {
      description:
        'Who was asked does not lead and named another, which is asked instead. One hop: two nodes that name each other must not play ball.',
      entry: 'sendWaiting',
      on: {
        'client.submit': { actions: 'sendWaiting' },
        'node.refused': [
          { guard: 'isOutdated', actions: 'sendWaiting' },
          { target: 'waiting', actions: 'forgetLeader' },
        ],
      },
    },
    waiting: {
      description: 'Nobody who was asked leads: an election runs. After a pause it is tried again.',
      after: {
        retryPause: [
          { guard: 'leaderIsKnown', target: 'ready', actions: 'adoptKnown' },
          { target: 'seeking' },
        ],
      },
    },
  },
});
