import type { ClusterEventMap } from '../client/events.js';
import type { ClusterObservation } from '../cluster/cluster-observation.js';
import type { LogOptions, LogRecord } from '../node/host/protocol.js';
import type { NodeInformation } from '../node/information.js';
import type { LogIndex, NodeId, Term } from '../raft/entry.js';
import type { NetworkState } from '../router/network-state.js';
import type { CommandOutcome } from './command-outcome.js';

type Listener<Name extends keyof ClusterEventMap> = (event: ClusterEventMap[Name]) => void;

/** What the inspector asks of a cluster. `RaftCluster` and `RaftServer` have it. */
export interface InspectedCluster {
  readonly ids: readonly NodeId[];
  readonly events: {
    on<Name extends keyof ClusterEventMap>(name: Name, listener: Listener<Name>): unknown;
    off<Name extends keyof ClusterEventMap>(name: Name, listener: Listener<Name>): unknown;
  };
  leader(): { readonly id: NodeId; readonly term: Term } | null;
  infos(): Promise<NodeInformation[]>;
  log(id: NodeId, from?: LogIndex, to?: LogIndex, options?: LogOptions): Promise<LogRecord[]>;
  network(): NetworkState;
  watch(heard: (observed: ClusterObservation) => void): () => void;
}

/** Carries out a line of the command language, or gives it up when its asker is gone; never rejects. */
export type RunCommand = (line: string, asker: AbortSignal) => Promise<CommandOutcome>;
