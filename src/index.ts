export type {
  Application,
  ApplicationSource,
  CommandContext,
  CreateApplication,
  ProduceContext,
  SnapshotSink,
} from './application/application.js';
export { HistoryDigest } from './application/history-digest.js';
export {
  type Committed,
  KeyValueClient,
  KeyValueError,
  type ProposesAndReads,
} from './application/key-value/client.js';
export type { Value } from './application/key-value/commands.js';
export { keyValueModule } from './application/key-value/module.js';
export type { ChaosCalls } from './client/chaos-calls.js';
export type {
  ClusterEventListener,
  ClusterEventMap,
  ClusterEventName,
  ClusterEvents,
  ClusterState,
  ClusterWarning,
  MemberInformation,
  NodeFailure,
  SnapshotEvent,
} from './client/events.js';
export type { AddMemberOptions } from './client/membership-calls.js';
export { RaftClient, type RaftClientOptions } from './client/raft-client.js';
export type { ClusterObservation } from './cluster/cluster-observation.js';
export {
  ClusterFailedError,
  DirectoryUnusableError,
  LockLeftError,
  MemoryLostError,
  StartFailedError,
  ThreadEndedError,
  ThreadStuckError,
  WrongMembersError,
} from './cluster/errors.js';
export type { Logger } from './cluster/logger.js';
export type { ClusterOptions, ClusterStorage } from './cluster/options.js';
export { RaftCluster } from './cluster/raft-cluster.js';
export type { ProposeOptions, ReadOptions, WaitOptions } from './ground/call-options.js';
export type { Clock } from './ground/clock.js';
export * from './ground/errors.js';
export type { Transport } from './ground/transport.js';
export { type Inspector, inspect } from './inspector/inspect.js';
export type { InspectorOptions } from './inspector/server/inspector-server.js';
export type { Answered, Consistency, Proposed } from './node/clients/client-requests.js';
export type { SnapshotTaken } from './node/host/orders.js';
export type { LogOptions, LogRecord } from './node/host/protocol.js';
export type {
  MembersInformation,
  NodeInformation,
  NodeStanding,
  Recovery,
  Role,
} from './node/information.js';
export type { NodeObserver, SnapshotNews } from './node/node-observer.js';
export type { Limits, Timings } from './node/options.js';
export { RaftNode, type RaftNodeOptions } from './node/raft-node.js';
export { type TimingWarning, timingWarning } from './node/validate-options.js';
export type {
  ApplyEvent,
  ChartEvent,
  ChartStep,
  Observation,
  ObservedChange,
  ObservedEvent,
  ObservedKind,
  ObservedLatency,
  ObservedLink,
  ObservedLog,
  ObservedMessage,
  ObservedMoment,
  ObservedState,
  ObservedTally,
  ObservedTransition,
  OuterChart,
  SendEvent,
  TallyEvent,
} from './node/watch/observation.js';
export type { Leader } from './node/when-ready.js';
export type { ConfigurationData, Member } from './raft/configuration.js';
export type { EntryKind, HardState, LogEntry, LogIndex, NodeId, SessionPlace, Term } from './raft/entry.js';
export type { LeaseOptions } from './raft/lease.js';
export type { LogBase } from './raft/log.js';
export type { Change, ChangeStep } from './raft/membership.js';
export type { MessageType } from './raft/messages.js';
export type { Span } from './raft/run.js';
export type { SnapshotMark } from './raft/snapshot.js';
export type {
  CarrierCounters,
  EndReason,
  RefusalReason,
  RemoteCounters,
} from './router/carriers/counters.js';
export type { CarrierEvent } from './router/carriers/events.js';
export type { Lane, Way } from './router/carriers/lane.js';
export type { CarrierLimits, CredentialFiles, NatsAccess } from './router/carriers/options.js';
export type { ClientRole } from './router/carriers/party.js';
export type { LinkCounters, LinkReport, NetworkCounters } from './router/counters.js';
export type { LinkPolicy } from './router/link-policy.js';
export type { NetworkState } from './router/network-state.js';
export { DataLostError, WrongServerError } from './server/errors.js';
export type { ServerOptions } from './server/options.js';
export { RaftServer } from './server/raft-server.js';
export type { Leadership, LeaderWork } from './server/while-leader.js';
export type { Disk, LogStore } from './storage/disk.js';
export {
  DirectoryLockedError,
  LogLostError,
  SnapshotDamagedError,
  StorageFailedError,
  UnknownFormatError,
  UnreadableLogError,
  WalDamagedError,
  WrongClusterError,
  WrongKeyError,
  WrongNodeError,
} from './storage/errors.js';
export type { FileHandle, FileInPreparation, FileSystem } from './storage/file-system.js';
export type { Lock } from './storage/lock.js';
export { MemoryStorage } from './storage/memory-storage.js';
export { NodeFileSystem } from './storage/node-file-system.js';
export type {
  Recovered,
  SnapshotPortion,
  SnapshotWriter,
  Storage,
  StoredSnapshot,
  WriteBatch,
} from './storage/storage.js';
export { WriteAheadLog, type WriteAheadLogOptions } from './storage/write-ahead-log.js';
export type { Cipher, CipherOptions } from './wire/cipher.js';
export type { LogSeal, RecordTag, SealMark } from './wire/log-seal.js';
export type { SealedRun } from './wire/packed-runs.js';
