import { setup } from 'xstate';
import type { Log } from '../src/raft/log.js';
import type { AppendEntriesResponse } from '../src/raft/messages.js';
import type { Progress } from '../src/raft/progress.js';
import { unbound } from './unbound.js';

/** What a follower is owed at the end of the turn: the greater covers the lesser. */
export interface Owed {
  probe: boolean;
  entries: boolean;
  commit: boolean;
  heartbeat: boolean;
}

export interface PeerContext {
  readonly progress: Progress;
  /** The leader's log. */
  readonly log: Log;
  readonly owed: Owed;
}

export type PeerEvent =
  /** There are new entries to send. */
  | { readonly type: 'leader.replicate' }
  /** No entries have carried the news that the commit index is higher: it waits no longer. */
  | { readonly type: 'leader.committed' }
  | { readonly type: 'leader.heartbeat' }
  | { readonly type: 'follower.accepted'; readonly response: AppendEntriesResponse }
  | { readonly type: 'follower.refused'; readonly response: AppendEntriesResponse };

/** A leader's view of one follower's log: first find where the two agree, then keep it supplied (§5.3). */
export const peerMachine = setup({
  types: {
    context: {} as PeerContext,
    input: {} as PeerContext,
    events: {} as PeerEvent,
  },
  guards: unbound('isOutdatedRefusal'),
  actions: unbound(
    'recordMatch',
    'backtrack',
    'sendProbe',
    'sendEntries',
    'sendCommit',
    'sendHeartbeat',
    'ignore',
  ),
}).createMachine({
  id: 'peer',
  description: 'How a leader brings one follower up to date.',
  context: ({ input }) => input,
  initial: 'probing',
  states: {
    probing: {
      description: 'Where the logs agree is not known: one message at a time, going back at each refusal.',
      entry: 'sendProbe',
      on: {
        'follower.accepted': { target: 'replicating', actions: 'recordMatch' },
        'follower.refused': [
          { guard: 'isOutdatedRefusal', actions: 'ignore' },
          { target: 'probing', reenter: true, actions: 'backtrack' },
        ],
        'leader.heartbeat': { actions: 'sendHeartbeat' },
      },
    },
    replicating: {
      description:
        'The logs agree: entries are sent as they come, without waiting for answers, within a window.',
      entry: ['sendEntries', 'sendCommit'],
      on: {
        'leader.replicate': { actions: 'sendEntries' },
        'leader.committed': { actions: 'sendCommit' },
        'leader.heartbeat': { actions: 'sendHeartbeat' },
        'follower.accepted': { actions: ['recordMatch', 'sendEntries'] },
        'follower.refused': [
          { guard: 'isOutdatedRefusal', actions: 'ignore' },
          { target: 'probing', actions: 'backtrack' },
        ],
      },
    },
  },
});
