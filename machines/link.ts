import { setup } from 'xstate';
import { unbound } from './unbound.js';

export type LinkEvent =
  /** There is something to carry, or the addresses of the other side are others now. */
  | { readonly type: 'host.dial' }
  /** What stands between the two sides has changed (a certificate, an address): begin anew, in good order. */
  | { readonly type: 'host.renew' }
  | { readonly type: 'host.close' }
  /** The other side is who it should be and has let us in. */
  | { readonly type: 'peer.welcomed' }
  /** The other side says that it ends the connection: what is under way still arrives. */
  | { readonly type: 'peer.goodbye' }
  /** The other side has shown by itself that it lives. */
  | { readonly type: 'peer.heard' }
  /** The connection is gone, or never came to be. */
  | { readonly type: 'connection.ended' };

/** How a process keeps a way of its own to one remote node, to send on: a connection, or an acquaintance on a bus. */
export const linkMachine = setup({
  types: { events: {} as LinkEvent },
  guards: unbound('isProven'),
  actions: unbound(
    'dial',
    'abandon',
    'tellSilence',
    'carry',
    'finish',
    'hangUp',
    'noteFailure',
    'forgetFailures',
  ),
  delays: unbound('dialTimeout', 'provenTime', 'backOff', 'finishTimeout'),
}).createMachine({
  id: 'link',
  description: 'A way to one remote node: dialed, kept, found again after each loss.',
  initial: 'resting',
  on: {
    'host.close': { target: '.closed' },
  },
  states: {
    resting: {
      description: 'Nothing was ever to be carried this way, or nobody knows where the other side is.',
      on: { 'host.dial': { target: 'dialing' } },
    },
    dialing: {
      description: 'A connection is made, and both sides say who they are.',
      entry: 'dial',
      after: { dialTimeout: { target: 'waiting', actions: ['tellSilence', 'abandon'] } },
      on: {
        'peer.welcomed': { target: 'open' },
        'connection.ended': { target: 'waiting' },
        'host.dial': { target: 'dialing', reenter: true, actions: 'abandon' },
        // What was said already was said of what is no more.
        'host.renew': { target: 'dialing', reenter: true, actions: 'abandon' },
      },
    },
    open: {
      description: 'Frames are carried. Having held for long enough, the failures before it are forgotten.',
      entry: 'carry',
      after: { provenTime: { actions: 'forgetFailures' } },
      on: {
        'connection.ended': { target: 'waiting' },
        'peer.goodbye': { target: 'finishing' },
        'host.renew': { target: 'finishing' },
      },
    },
    finishing: {
      description:
        'What was handed to the old connection is written out; what comes now waits for the next, so that nothing overtakes.',
      entry: 'finish',
      after: { finishTimeout: { target: 'dialing', actions: 'abandon' } },
      on: {
        'connection.ended': [{ guard: 'isProven', target: 'dialing' }, { target: 'waiting' }],
      },
    },
    waiting: {
      description:
        'It failed. The pause before the next try grows with each failure, and is never quite the same.',
      entry: 'noteFailure',
      after: { backOff: { target: 'dialing' } },
      on: {
        'peer.heard': { target: 'dialing' },
        'peer.welcomed': { target: 'open' },
        'host.dial': { target: 'dialing', actions: 'forgetFailures' },
      },
    },
    closed: {
      description: 'The other side is a remote node no more, or this process ends.',
      type: 'final',
      entry: 'hangUp',
    },
  },
});
