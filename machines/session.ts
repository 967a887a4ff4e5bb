import { setup } from 'xstate';
import type { LogIndex, NodeId } from '../src/raft/entry.js';
import { unbound } from './unbound.js';

export type SessionEvent =
  /** Commands or reads were handed in since the last turn. */
  | { readonly type: 'client.submit' }
  /** A node reports that it leads, with a higher term than whoever did so before. */
  | { readonly type: 'leader.reported'; readonly leaderId: NodeId }
  /** The leader that was known stepped down, stopped or crashed. */
  | { readonly type: 'leader.lost' }
  /** A node did not take what it was sent, for it does not lead (or cannot be reached); who it thinks does. */
  | { readonly type: 'node.refused'; readonly by: NodeId; readonly leaderId: NodeId | null }
  /** The session stands in the log; it ends when nothing is heard of it for so long. */
  | { readonly type: 'session.opened'; readonly id: LogIndex; readonly timeoutMs: number }
  /** No session is to be had: this client may not write, say. */
  | { readonly type: 'session.refused'; readonly error: Error }
  /** The log has no such session any more. */
  | { readonly type: 'session.expired' };

/** A client's view of the cluster: where what it asks goes, and when it has to wait. */
export const sessionMachine = setup({
  types: { events: {} as SessionEvent },
  guards: unbound('isOutdated', 'namesAnother', 'leaderIsKnown', 'repeatsNothing', 'commandsWait'),
  actions: unbound(
    'sendWaiting',
    'adoptReported',
    'adoptKnown',
    'followHint',
    'forgetLeader',
    'askForSession',
    'adoptSession',
    'leaveSession',
    'refuseWaiting',
    'keepAlive',
  ),
  delays: unbound('retryPause', 'keepAliveInterval'),
}).createMachine({
  id: 'session',
  description: 'Finds the leader for a client, finds it again, and has the log know the client.',
  type: 'parallel',
  states: {
    leader: {
      description: 'Who is asked.',
      initial: 'seeking',
      on: {
        'leader.reported': { target: '.ready', actions: 'adoptReported' },
      },
      states: {
        seeking: {
          description:
            'No leader is known: what clients ask waits until one is reported or its deadline passes.',
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
    },
    registration: {
      description:
        'As whom it proposes: commands of a session are applied once, however often they are sent (thesis §6.3).',
      initial: 'deciding',
      states: {
        deciding: {
          description: 'On entry: are sessions wanted?',
          always: [{ guard: 'repeatsNothing', target: 'none' }, { target: 'unregistered' }],
        },
        none: {
          description: 'Sessions are off: what may have been appended is never sent again.',
        },
        unregistered: {
          description: 'Nothing was proposed so far, or not since the session expired.',
          on: { 'client.submit': { guard: 'commandsWait', target: 'registering' } },
        },
        registering: {
          description: 'The leader is asked for a session, and commands wait until it stands in the log.',
          entry: 'askForSession',
          on: {
            'session.opened': { target: 'registered', actions: 'adoptSession' },
            'session.refused': { target: 'unregistered', actions: 'refuseWaiting' },
          },
        },
        registered: {
          description: 'Commands are numbered in the session, which is kept alive while its client lives.',
          on: { 'session.expired': { target: 'unregistered', actions: 'leaveSession' } },
          after: { keepAliveInterval: { target: 'registered', reenter: true, actions: 'keepAlive' } },
        },
      },
    },
  },
});
