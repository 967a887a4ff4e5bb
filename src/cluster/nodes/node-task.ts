import type { MessagePort } from 'node:worker_threads';
import type { NodeTask } from '../../node/host/protocol.js';
import type { LogIndex, NodeId } from '../../raft/entry.js';
import type { NetworkLine } from '../../router/router.js';
import type { ClusterSettings } from '../options.js';
import { nodeDirectory } from './node-directories.js';

/** What a node has in one life, and not in the next. */
export interface LifeSettings {
  readonly candidacy: boolean;
  /** It is none of the first members, or not for the first time. */
  readonly joins?: boolean;
  readonly joinsAfter?: LogIndex;
  /** Where other processes reach the first members. */
  readonly addresses?: Readonly<Record<NodeId, string>>;
  readonly seed: number;
  /** Tells the lock of the node's directory that the node is restarted, and not started twice. */
  readonly owner: string;
  /** Has it had a log in an earlier life, or in another process? */
  readonly hadLog: boolean;
  readonly line: NetworkLine;
  readonly clientPort: MessagePort;
}

/** Everything that a new life of a node starts with. */
export function nodeTask(
  id: NodeId,
  settings: ClusterSettings,
  {
    candidacy,
    joins = false,
    joinsAfter = 0,
    addresses,
    seed,
    owner,
    hadLog,
    line,
    clientPort,
  }: LifeSettings,
): Omit<NodeTask, 'hostPort'> {
  const { voters, learners, timings, limits, snapshots, preVote, checkQuorum, leases, storage } = settings;
  return {
    options: {
      id,
      voters,
      learners,
      joins,
      joinsAfter,
      ...(addresses === undefined ? {} : { addresses }),
      timings,
      limits,
      snapshots,
      preVote,
      checkQuorum,
      candidacy,
      seed,
      ...(leases === null ? {} : { leases }),
    },
    clusterId: settings.clusterId,
    cipher: settings.cipher,
    application: settings.application,
    storage:
      storage.kind === 'memory'
        ? storage
        : { ...storage, directory: nodeDirectory(storage.directory, id), owner, mustExist: hadLog },
    ...line,
    clientPort,
  };
}
