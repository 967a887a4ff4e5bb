import type { ProposeOptions, ReadOptions } from '../client/call-options.js';
import type { ClusterEventMap, ClusterEvents } from '../client/events.js';
import type { Leader } from '../client/leader-wait.js';
import type { Answered, Proposed } from '../node/clients/client-requests.js';
import type { LogRecord } from '../node/host/protocol.js';
import type { NodeInformation } from '../node/information.js';
import type { LogIndex, NodeId } from '../raft/entry.js';
import type { LinkPolicy } from '../router/link-policy.js';

/** What commands ask of a cluster: `RaftCluster` has it, and a test can stand in for one. */
export interface CommandedCluster {
  readonly ids: readonly NodeId[];
  leader(): Leader | null;
  infos(): Promise<NodeInformation[]>;
  log(id: NodeId, from?: LogIndex, to?: LogIndex): Promise<LogRecord[]>;
  propose(command: Uint8Array, options?: ProposeOptions): Promise<Proposed>;
  read(query: Uint8Array, options?: ReadOptions): Promise<Answered>;
  stop(id: NodeId): Promise<void>;
  revive(id: NodeId): Promise<void>;
  crash(id: NodeId): Promise<void>;
  restart(id: NodeId): Promise<void>;
  partition(groups: readonly (readonly NodeId[])[]): void;
  isolate(id: NodeId): void;
  cut(from: NodeId, to: NodeId): void;
  mend(from: NodeId, to: NodeId): void;
  heal(): void;
  setLink(change: Partial<LinkPolicy>, from?: NodeId, to?: NodeId): void;
  setCandidacy(id: NodeId, allowed: boolean): Promise<void>;
  produceBlocks(intervalMs: number | 'off'): void;
}

/** The events that people are told of. */
export type ToldEvents = Omit<ClusterEventMap, 'committed' | 'linkChanged' | 'stateChanged'>;

/** Where they come from. */
export type EventSource = Pick<ClusterEvents, 'on' | 'off'>;
