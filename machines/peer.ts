import { setup } from 'xstate';
import type { LogIndex } from '../src/raft/entry.js';
import type { Log } from '../src/raft/log.js';
import type { AppendEntriesResponse, InstallSnapshotResponse } from '../src/raft/messages.js';
import type { Progress } from '../src/raft/progress.js';
import { unbound } from './unbound.js';

/** What a follower is owed at the end of the turn: the greater covers the lesser. */
export interface Owed {
  probe: boolean;
  entries: boolean;
  commit: boolean;
  heartbeat: boolean;
  snapshot: boolean;
}

export interface PeerContext {
  readonly progress: Progress;
  /** The leader's log. */
  readonly log: Log;
  /** Does the leader still know the entry at `index`, in memory or on its disk, so that others can follow it? */
  readonly knows: (index: LogIndex) => boolean;
  readonly owed: Owed;
}

export type PeerEvent =
  /** There are new entries to send. */
  | { readonly type: 'leader.replicate' }
  /** No entries have carried the news that the commit index is higher: it waits no longer. */
  | { readonly type: 'leader.committed' }
  | { readonly type: 'leader.heartbeat' }
  /** The beginning of the log was given up. */
  | { readonly type: 'leader.compacted' }
  /** The snapshot that was being sent is no longer to be had. */
  | { readonly type: 'leader.snapshotLost' }
  | { readonly type: 'follower.accepted'; readonly response: AppendEntriesResponse }
  | { readonly type: 'follower.refused'; readonly response: AppendEntriesResponse }
  /** It has all that a snapshot stands for, or wants the rest of it. */
  | { readonly type: 'follower.installed'; readonly response: InstallSnapshotResponse }
  | { readonly type: 'follower.wants'; readonly response: InstallSnapshotResponse };

/**
 * A leader's view of one follower's log: first find where the two agree, then keep it supplied (§5.3); with a snapshot,
 * where the entries that it needs next are no longer kept (§7).
 */
export const peerMachine = setup({
  types: {
    context: {} as PeerContext,
    input: {} as PeerContext,
    events: {} as PeerEvent,
  },
  guards: unbound('isOutdatedRefusal', 'isBehindLog', 'hasSnapshotsEnd'),
  actions: unbound(
    'recordMatch',
    'backtrack',
    'sendProbe',
    'sendEntries',
    'sendCommit',
    'sendHeartbeat',
    'beginSnapshot',
    'continueSnapshot',
    'repeatSnapshot',
    'sendSnapshot',
    'recordInstalled',
    'endSnapshot',
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
      always: { guard: 'isBehindLog', target: 'sendingSnapshot' },
      on: {
        'leader.compacted': {},
        'follower.installed': { target: 'replicating', actions: 'recordInstalled' },
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
      always: { guard: 'isBehindLog', target: 'sendingSnapshot' },
      on: {
        'leader.compacted': {},
        'follower.installed': { actions: ['recordInstalled', 'sendEntries'] },
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
    sendingSnapshot: {
      description:
        'What the follower needs next is no longer in the log: it is sent the newest snapshot, chunk by chunk within a window, and goes on from there. Heartbeats ask whether it has the snapshot’s last entry.',
      entry: ['beginSnapshot', 'sendSnapshot'],
      exit: 'endSnapshot',
      on: {
        'follower.wants': { actions: ['continueSnapshot', 'sendSnapshot'] },
        'follower.installed': { target: 'replicating', actions: 'recordInstalled' },
        'follower.accepted': [
          {
            guard: 'hasSnapshotsEnd',
            target: 'replicating',
            actions: 'recordMatch',
            description: 'it has the entry that the snapshot ends with',
          },
          { actions: 'ignore' },
        ],
        'follower.refused': { actions: 'ignore' },
        'leader.heartbeat': { actions: ['repeatSnapshot', 'sendHeartbeat', 'sendSnapshot'] },
        'leader.snapshotLost': { target: 'sendingSnapshot', reenter: true },
      },
    },
  },
});
