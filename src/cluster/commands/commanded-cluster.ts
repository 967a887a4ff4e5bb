import type { ClusterEventMap, ClusterEvents } from '../events.js';
import type { RaftCluster } from '../raft-cluster.js';

export type { Leader } from '../leader-wait.js';

/** What commands ask of a cluster, so that a test can stand in for one. */
export type CommandedCluster = Pick<
  RaftCluster,
  | 'ids'
  | 'leader'
  | 'infos'
  | 'log'
  | 'propose'
  | 'read'
  | 'stop'
  | 'revive'
  | 'crash'
  | 'restart'
  | 'partition'
  | 'isolate'
  | 'cut'
  | 'mend'
  | 'heal'
  | 'setLink'
  | 'setCandidacy'
  | 'produceBlocks'
>;

/** The events that people are told of. */
export type ToldEvents = Omit<ClusterEventMap, 'committed' | 'linkChanged' | 'stateChanged'>;

/** Where they come from. */
export type EventSource = Pick<ClusterEvents, 'on' | 'off'>;
