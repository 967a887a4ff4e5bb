import { setup } from 'xstate';
import { unbound } from './unbound.js';

export type ThreadEvent =
  /** The thread runs, and begins to make the application. */
  | { readonly type: 'thread.loading' }
  /** The application is made, and the node reads back what its storage holds. */
  | { readonly type: 'thread.recovering' }
  /** The node has recovered and listens. */
  | { readonly type: 'thread.ready' }
  /** The thread is gone and so are its files' handles; `error` says why, if it was not asked to go. */
  | { readonly type: 'thread.ended'; readonly error: Error | null }
  | { readonly type: 'host.crash' }
  | { readonly type: 'host.restart' }
  | { readonly type: 'host.close' };

/** How the supervisor sees one node's thread: launched, dead of itself, killed, restarted, closed. */
export const threadMachine = setup({
  types: { events: {} as ThreadEvent },
  guards: unbound('mayRestart'),
  actions: unbound(
    'launch',
    'terminate',
    'giveUpLaunch',
    'giveUpLoading',
    'askToClose',
    'noteReady',
    'forgetFailures',
    'countFailure',
    'announceRetry',
    'announceFailure',
    'announceRestart',
    'announceLoss',
    'announceCrash',
    'noteStuck',
  ),
  delays: unbound('launchTimeout', 'loadTimeout', 'provenTime', 'backOff', 'closeTimeout', 'killTimeout'),
}).createMachine({
  id: 'thread',
  description: 'The thread in which one node lives, as its supervisor sees it.',
  initial: 'active',
  states: {
    active: {
      description: 'There is a thread. If it ends now, it has died of itself.',
      initial: 'starting',
      on: {
        'thread.ended': [
          { guard: 'mayRestart', target: 'backingOff', actions: ['countFailure', 'announceRestart'] },
          { target: 'lost', actions: ['countFailure', 'announceLoss'] },
        ],
        'host.crash': { target: 'terminating', actions: 'announceCrash' },
        'host.close': { target: 'closing', actions: 'askToClose' },
      },
      states: {
        starting: {
          description: 'The node does not listen yet.',
          entry: 'launch',
          initial: 'launching',
          on: {
            'thread.loading': { target: '.loading' },
            'thread.recovering': { target: '.recovering' },
            'thread.ready': { target: 'running', actions: 'noteReady' },
            'thread.ended': [
              {
                guard: 'mayRestart',
                target: '#thread.backingOff',
                actions: ['countFailure', 'announceRetry'],
              },
              { target: '#thread.lost', actions: ['countFailure', 'announceFailure'] },
            ],
            'host.close': { target: '#thread.closing.byForce' },
          },
          states: {
            launching: {
              description: 'The thread is started and reads its program.',
              after: { launchTimeout: { actions: 'giveUpLaunch' } },
            },
            loading: {
              description: 'The application is made: code of others, which may never come to an end.',
              after: { loadTimeout: { actions: 'giveUpLoading' } },
            },
            recovering: {
              description: 'The node reads back what its storage holds, however long that takes.',
            },
          },
        },
        running: {
          description:
            'The node takes part. Having done so for long enough, its earlier failures are forgiven.',
          after: { provenTime: { actions: 'forgetFailures' } },
        },
      },
    },
    backingOff: {
      description:
        'The thread died of itself, or failed to start. It is started again after a pause that grows with each failure.',
      after: { backOff: { target: 'active' } },
      on: {
        'host.restart': { target: 'active' },
        'host.crash': { target: 'crashed', actions: 'announceCrash' },
        'host.close': { target: 'closed' },
      },
    },
    lost: {
      description:
        'The thread died of itself, or failed to start, and starting it again would not help, or not be safe: its user has to decide.',
      on: {
        'host.restart': { target: 'active' },
        'host.crash': { target: 'crashed', actions: 'announceCrash' },
        'host.close': { target: 'closed' },
      },
    },
    terminating: {
      description: 'The thread was killed; its files are not free yet.',
      entry: 'terminate',
      on: {
        'thread.ended': { target: 'crashed' },
        'host.close': { target: 'closing.byForce' },
      },
    },
    crashed: {
      description: 'Killed by command, nothing flushed. It stays down until its user restarts it.',
      on: {
        'host.restart': { target: 'active' },
        'host.close': { target: 'closed' },
      },
    },
    closing: {
      description: 'The thread ends: in good order if it can, by force if it takes too long.',
      initial: 'inGoodOrder',
      on: { 'thread.ended': { target: 'closed' } },
      states: {
        inGoodOrder: {
          description: 'It was asked to, and syncs and closes its files.',
          after: { closeTimeout: { target: 'byForce' } },
        },
        byForce: {
          description: 'It is killed, which ends even a loop without end.',
          entry: 'terminate',
          after: { killTimeout: { target: '#thread.stuck' } },
        },
      },
    },
    closed: {
      description: 'Nothing of the node is left but its storage.',
      type: 'final',
    },
    stuck: {
      description: 'The thread hangs outside JavaScript, where nothing ends it, and is waited for no longer.',
      type: 'final',
      entry: 'noteStuck',
    },
  },
});
