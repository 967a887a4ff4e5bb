import type { ClusterEventMap, ClusterEvents, MemberInformation } from '../client/events.js';
import type { ProposeOptions, ReadOptions } from '../ground/call-options.js';
import type { Answered, Proposed } from '../node/clients/client-requests.js';
import type { SnapshotTaken } from '../node/host/orders.js';
import type { LogOptions, LogRecord } from '../node/host/protocol.js';
import type { Leader } from '../node/when-ready.js';
import type { LogIndex, NodeId } from '../raft/entry.js';
import type { LinkPolicy } from '../router/link-policy.js';
import type { NetworkState } from '../router/network-state.js';

/** What commands ask of a cluster: `RaftCluster` has it, and a test can stand in for one. */
export interface CommandedCluster {
  readonly ids: readonly NodeId[];
  leader(): Leader | null;
  infos(): Promise<MemberInformation[]>;
  log(id: NodeId, from?: LogIndex, to?: LogIndex, options?: LogOptions): Promise<LogRecord[]>;
  propose(command: Uint8Array, options?: ProposeOptions): Promise<Proposed>;
  read(query: Uint8Array, options?: ReadOptions): Promise<Answered>;
  /** These four resolve with false if the node was so already. */
  stop(id: NodeId): Promise<boolean>;
  revive(id: NodeId): Promise<boolean>;
  crash(id: NodeId): Promise<boolean>;
  restart(id: NodeId): Promise<boolean>;
  /** Of one node, or of each that runs. */
  snapshot(id?: NodeId): Promise<readonly (SnapshotTaken & { readonly id: NodeId })[]>;
  /** `address`: where it is reached, if it lives in another process. */
  addMember(id: NodeId, options?: { readonly learner?: boolean; readonly address?: string }): Promise<void>;
  removeMember(id: NodeId): Promise<void>;
  replaceMember(id: NodeId, by: NodeId, options?: { readonly address?: string }): Promise<void>;
  promote(id: NodeId): Promise<void>;
  updateMember(id: NodeId, address: string): Promise<void>;
  setPriority(id: NodeId, priority: number): Promise<void>;
  abortChange(): Promise<void>;
  /** To whichever is best where none is named. */
  transferLeadership(to?: NodeId): Promise<Leader>;
  /** What these seven return is awaited. */
  partition(groups: readonly (readonly NodeId[])[]): unknown;
  isolate(id: NodeId): unknown;
  cut(from: NodeId, to: NodeId): unknown;
  mend(from: NodeId, to: NodeId): unknown;
  heal(): unknown;
  setLink(change: Partial<LinkPolicy>, from?: NodeId, to?: NodeId): unknown;
  setLinksOf(id: NodeId, change: Partial<LinkPolicy>): unknown;
  network(): NetworkState;
  setCandidacy(id: NodeId, allowed: boolean): Promise<void>;
  produceBlocks(intervalMs: number | 'off'): void;
}

/** The events that people are told of. (What an application fails at is told as its node's death.) */
export type ToldEvents = Omit<ClusterEventMap, 'applicationFailed' | 'committed' | 'stateChanged'>;

/** Where they come from. */
export type EventSource = Pick<ClusterEvents, 'on' | 'off'>;
