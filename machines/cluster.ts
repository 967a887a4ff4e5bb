import { setup } from 'xstate';
import { unbound } from './unbound.js';

export type ClusterEvent =
  /** Every node has recovered and listens. */
  | { readonly type: 'nodes.ready' }
  /** A node could not be started, or the network's thread died. */
  | { readonly type: 'cluster.failed'; readonly error: Error }
  /** A node died, came back, or changed its role. */
  | { readonly type: 'nodes.changed' }
  | { readonly type: 'host.close' }
  /** All threads have ended. */
  | { readonly type: 'threads.ended' };

/** The supervisor of a whole cluster, from the first thread to the end of the last. */
export const clusterMachine = setup({
  types: { events: {} as ClusterEvent },
  guards: unbound('hasFavourite', 'leaderIsKnown', 'leaderIsLost', 'quorumIsRunning', 'quorumIsLost'),
  actions: unbound('startNodes', 'campaign', 'restoreCandidacies', 'noteFailure', 'endThreads'),
  delays: unbound('electionTimeout', 'favouredTime'),
}).createMachine({
  id: 'cluster',
  description: 'A cluster of nodes on threads, from the outside.',
  initial: 'starting',
  on: {
    'host.close': { target: '.stopping' },
    'cluster.failed': { target: '.stopping', actions: 'noteFailure' },
  },
  states: {
    starting: {
      description: 'The threads are launched and the nodes recover what their storage holds.',
      entry: 'startNodes',
      on: { 'nodes.ready': { target: 'electing' } },
    },
    electing: {
      description: 'A majority of voters runs and no leader is known: commands wait.',
      initial: 'deciding',
      on: {
        'nodes.changed': [
          { guard: 'quorumIsLost', target: 'quorumLost' },
          { guard: 'leaderIsKnown', target: 'serving' },
        ],
      },
      states: {
        deciding: {
          description: 'On entry: is there a leader already, and is one wished for?',
          always: [
            { guard: 'leaderIsKnown', target: '#cluster.serving' },
            { guard: 'hasFavourite', target: 'favouring' },
            { target: 'open' },
          ],
        },
        favouring: {
          description: 'The first leader was chosen by the user: nobody else may stand, for a while.',
          initial: 'campaigning',
          exit: 'restoreCandidacies',
          after: { favouredTime: { target: 'open' } },
          states: {
            campaigning: {
              description: 'The favourite is asked to stand, again and again: votes may get lost.',
              entry: 'campaign',
              after: { electionTimeout: { target: 'campaigning', reenter: true } },
            },
          },
        },
        open: {
          description: 'Whoever has candidacy may win.',
        },
      },
    },
    serving: {
      description: 'A leader is known: commands go there.',
      on: {
        'nodes.changed': [
          { guard: 'quorumIsLost', target: 'quorumLost' },
          { guard: 'leaderIsLost', target: 'electing' },
        ],
      },
    },
    quorumLost: {
      description: 'Fewer voters run than a majority: nothing can be committed until some come back.',
      on: { 'nodes.changed': { guard: 'quorumIsRunning', target: 'electing' } },
    },
    stopping: {
      description: 'Every thread is told to end, and waited for.',
      entry: 'endThreads',
      on: {
        'threads.ended': { target: 'stopped' },
        'host.close': {},
        'cluster.failed': { actions: 'noteFailure' },
      },
    },
    stopped: {
      description: 'Nothing is left but what is on disk.',
      type: 'final',
    },
  },
});
