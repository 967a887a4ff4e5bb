import { setup } from 'xstate';
import { unbound } from './unbound.js';

export type ClusterEvent =
  /** A node recovered, failed to, died, came back, or changed its role. */
  | { readonly type: 'nodes.changed' }
  /** What no node can do without is gone: the network's thread, say. */
  | { readonly type: 'cluster.failed'; readonly error: Error }
  | { readonly type: 'host.close' }
  /** All threads have ended. */
  | { readonly type: 'threads.ended' };

/** The supervisor of a whole cluster, from the first thread to the end of the last. */
export const clusterMachine = setup({
  types: { events: {} as ClusterEvent },
  guards: unbound(
    'everyNodeHasAnswered',
    'hasFavourite',
    'leaderServes',
    'leaderCatchesUp',
    'quorumIsRunning',
    'quorumIsLost',
    'quorumIsOutOfReach',
    'everyVoterRuns',
    'someVoterIsDown',
  ),
  actions: unbound(
    'startNodes',
    'noteStarted',
    'refuseStart',
    'campaign',
    'restoreCandidacies',
    'noteFailure',
    'endThreads',
  ),
  delays: unbound('lastCall', 'electionTimeout', 'favouredTime'),
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
      initial: 'gathering',
      states: {
        gathering: {
          description: 'Fewer voters have recovered than a majority, and enough still may.',
          always: [
            { guard: 'quorumIsRunning', target: 'completing' },
            { guard: 'quorumIsOutOfReach', target: 'failing' },
          ],
          on: { 'nodes.changed': {} },
        },
        completing: {
          description:
            'A majority has recovered. The others have a moment more: to come, too, or to say what keeps them.',
          always: { guard: 'everyNodeHasAnswered', target: '#cluster.electing', actions: 'noteStarted' },
          after: { lastCall: { target: '#cluster.electing', actions: 'noteStarted' } },
          on: { 'nodes.changed': { guard: 'quorumIsLost', target: 'gathering' } },
        },
        failing: {
          description:
            'Too many failed for a majority to come together. The others have a moment more, to say what is wrong with them.',
          always: [
            { guard: 'quorumIsRunning', target: 'completing' },
            { guard: 'everyNodeHasAnswered', target: '#cluster.stopping', actions: 'refuseStart' },
          ],
          after: { lastCall: { target: '#cluster.stopping', actions: 'refuseStart' } },
          on: { 'nodes.changed': {} },
        },
      },
    },
    electing: {
      description: 'A majority of voters runs and no leader has established itself: commands wait.',
      initial: 'deciding',
      // However it is left: the wish is for the first leader only.
      exit: 'restoreCandidacies',
      on: {
        'nodes.changed': [
          { guard: 'quorumIsLost', target: 'quorumLost' },
          { guard: 'leaderServes', target: 'serving' },
          { guard: 'leaderCatchesUp', target: 'recovering' },
        ],
      },
      states: {
        deciding: {
          description: 'On entry: is there a leader already, and is one wished for?',
          always: [
            { guard: 'leaderServes', target: '#cluster.serving' },
            { guard: 'leaderCatchesUp', target: '#cluster.recovering' },
            { guard: 'hasFavourite', target: 'favouring' },
            { target: 'open' },
          ],
        },
        favouring: {
          description: 'The first leader was chosen by the user: nobody else may stand, for a while.',
          initial: 'campaigning',
          after: { favouredTime: { target: 'open', actions: 'restoreCandidacies' } },
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
    recovering: {
      description:
        'The leader has yet to apply what is committed, after a start of all nodes the whole log: commands wait.',
      on: {
        'nodes.changed': [
          { guard: 'quorumIsLost', target: 'quorumLost' },
          { guard: 'leaderServes', target: 'serving' },
          { guard: 'leaderCatchesUp' },
          { target: 'electing' },
        ],
      },
    },
    serving: {
      description: 'The leader answers: commands and reads go there.',
      initial: 'deciding',
      on: {
        'nodes.changed': [
          { guard: 'quorumIsLost', target: 'quorumLost' },
          { guard: 'leaderServes' },
          { guard: 'leaderCatchesUp', target: 'recovering' },
          { target: 'electing' },
        ],
      },
      states: {
        deciding: {
          description: 'On entry: does every voter run?',
          always: [{ guard: 'everyVoterRuns', target: 'whole' }, { target: 'reduced' }],
        },
        whole: {
          description: 'Every voter runs.',
          always: { guard: 'someVoterIsDown', target: 'reduced' },
        },
        reduced: {
          description:
            'Some voter is down, and a majority runs: with each that follows, less is missing to none.',
          always: { guard: 'everyVoterRuns', target: 'whole' },
        },
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
