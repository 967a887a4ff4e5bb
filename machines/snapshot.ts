import { setup } from 'xstate';
import { unbound } from './unbound.js';

export type SnapshotEvent =
  /** The node starts, and has one on stable storage. */
  | { readonly type: 'disk.found' }
  /** A turn of the node comes to its end: there is time for a portion of work. */
  | { readonly type: 'node.turn' }
  /** So much was applied since the last snapshot that another is due. */
  | { readonly type: 'log.isLong' }
  | { readonly type: 'host.snapshot' }
  /** The leader's snapshot is on this node's disk, in place of the log. */
  | { readonly type: 'leader.installed' }
  /** The snapshot that the state is restored from does not check, or is none that the application can read. */
  | { readonly type: 'snapshot.damaged' };

/**
 * What one node does with its state machine's snapshots: restores it from one, and takes one now and then (§7). All of
 * it in portions, one a turn, for the state may be large and a heartbeat may not be late.
 */
export const snapshotMachine = setup({
  types: { events: {} as SnapshotEvent },
  guards: unbound('isRestored', 'canTake', 'isWritten', 'isCompacted', 'hasFailed'),
  actions: unbound(
    'beginRestore',
    'restorePortion',
    'finishRestore',
    'fallBack',
    'refuse',
    'capture',
    'writePortion',
    'commit',
    'dropLog',
    'giveUp',
    'noteFailure',
  ),
}).createMachine({
  id: 'snapshot',
  description: 'How a node comes by its state machine’s state, and keeps it where a crash does not reach.',
  initial: 'resting',
  states: {
    restoring: {
      description:
        'The state machine takes the snapshot’s state, chunk by chunk. Nothing is applied meanwhile, and whoever asks is answered from the state that was.',
      entry: 'beginRestore',
      always: { guard: 'isRestored', target: 'resting', actions: 'finishRestore' },
      on: {
        'node.turn': { actions: 'restorePortion' },
        'snapshot.damaged': {
          target: 'restoring',
          reenter: true,
          actions: 'fallBack',
          description: 'it does not check: the older one is tried',
        },
        'leader.installed': { target: 'restoring', reenter: true },
      },
    },
    resting: {
      description: 'The state machine has its state, and the log goes on from it.',
      on: {
        'disk.found': { target: 'restoring' },
        'log.isLong': [{ guard: 'canTake', target: 'taking' }, { actions: 'refuse' }],
        'host.snapshot': [{ guard: 'canTake', target: 'taking' }, { actions: 'refuse' }],
        'leader.installed': { target: 'restoring' },
      },
    },
    taking: {
      description: 'The state was captured at once and goes to stable storage, while the node goes on.',
      entry: 'capture',
      initial: 'writing',
      on: {
        'leader.installed': {
          target: 'restoring',
          actions: 'giveUp',
          description: 'the leader’s snapshot is newer',
        },
      },
      states: {
        writing: {
          description: 'Chunk by chunk, under a temporary name.',
          always: [
            { guard: 'hasFailed', target: '#snapshot.resting', actions: 'noteFailure' },
            { guard: 'isWritten', target: 'committing' },
          ],
          on: { 'node.turn': { actions: 'writePortion' } },
        },
        committing: {
          description: 'It is all there: synced, and given its name.',
          on: { 'node.turn': { target: 'compacting', actions: 'commit' } },
        },
        compacting: {
          description:
            'What the log has before the older of the two snapshots that are kept is given up, some of it each turn.',
          always: { guard: 'isCompacted', target: '#snapshot.resting' },
          on: { 'node.turn': { actions: 'dropLog' } },
        },
      },
    },
  },
});
