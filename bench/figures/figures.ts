import { measureFailover } from './failover.js';
import type { Figure } from './figure.js';
import { measureIdle } from './idle.js';
import { measureLevel, measureTail } from './memory.js';
import { measureReadsBesideFloor, measureReadsBesideWrites, measureStaleReads } from './reads.js';
import { measureRecovery } from './recovery.js';

/** What a user feels besides the rate of commits. Names are `what-size`. */
export const allFigures: readonly Figure[] = [
  {
    name: 'reads-writes-1024',
    unit: '/s',
    beside: 'commits of the same cluster, as many in flight',
    goal: { of: 'ratio', atLeast: 5 },
    measure: measureReadsBesideWrites,
  },
  {
    name: 'reads-floor-1024',
    unit: '/s',
    beside: 'the floor of a commit: to a majority and back without Raft',
    measure: measureReadsBesideFloor,
  },
  {
    name: 'stale-floor-1024',
    unit: '/s',
    beside: 'messages to one thread and back',
    measure: measureStaleReads,
  },
  ...[64, 1024].map(
    (mebibytes): Figure => ({
      name: `recovery-${mebibytes}`,
      unit: 'ms',
      beside: 'reading the files of the log',
      goal: { of: 'ratio', atMost: 2 },
      ...(mebibytes > 64 ? { takesLong: true } : {}),
      measure: () => measureRecovery(mebibytes),
    }),
  ),
  {
    name: 'failover-5',
    unit: 'ms',
    beside: 'the longest election timeout',
    goal: { of: 'ratio', atMost: 1.5 },
    measure: () => measureFailover(5),
  },
  {
    name: 'idle-5',
    unit: '% of a core',
    beside: 'a message to each thread and back, as often as heartbeats go',
    goal: { of: 'figure', atMost: 1 },
    measure: (seconds) => measureIdle(5, seconds),
  },
  {
    name: 'held-tail-3',
    unit: 'MiB',
    beside: 'the end of the log that a node keeps in memory',
    goal: { of: 'ratio', atMost: 1.5 },
    measure: measureTail,
  },
  {
    name: 'held-level-3',
    unit: 'MiB',
    beside: 'the same at half of the time',
    goal: { of: 'ratio', atMost: 1.1 },
    measure: measureLevel,
  },
];
