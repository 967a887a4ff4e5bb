import type { MessagePort } from 'node:worker_threads';
import type { ApplicationSource } from '../../application/application.js';
import type { EntryKind, LogIndex, NodeId, Term } from '../../raft/entry.js';
import type { CipherOptions } from '../../wire/cipher.js';
import type { ClientRights } from '../clients/client-requests.js';
import type { MembersInformation, NodeInformation, Recovery, Role } from '../information.js';
import type { NodeMeasures } from '../measures/measures.js';
import type { NodeOptions } from '../options.js';
import type { Observation } from '../watch/observation.js';
import type { ChaosOrder } from './chaos-orders.js';
import type { ErrorReport } from './error-report.js';
import type { Order, OrderOutcome, SnapshotTaken } from './orders.js';

/*
 * What passes between a node's thread and its host (the cluster) over the host port. Requests carry numbers the host
 * chose; each gets exactly one answer, unless the thread dies. What clients ask has lines of its own, see
 * `src/node/clients/client-requests.ts`.
 */

export type HostRequest =
  | { readonly type: 'describe'; readonly request: number }
  | { readonly type: 'measure'; readonly request: number }
  | {
      readonly type: 'log';
      readonly request: number;
      readonly from: LogIndex;
      readonly to: LogIndex;
      readonly bytesMax: number;
    }
  | { readonly type: 'stop' }
  | { readonly type: 'revive' }
  | { readonly type: 'setCandidacy'; readonly allowed: boolean }
  /** Answered when it is done, however long that takes. */
  | { readonly type: 'order'; readonly request: number; readonly order: Order }
  /** Stand for election now, as if the election timeout had passed. */
  | { readonly type: 'campaign' }
  /** 0 turns it off. */
  | { readonly type: 'produceBlocks'; readonly intervalMs: number }
  /** A client in another process has come. Its line changes hands. */
  | {
      readonly type: 'client';
      readonly port: MessagePort;
      readonly rights: ClientRights;
      /** Takes its orders to the host, where the host allows them: `ChaosAsked` there, `ChaosAnswered` back. */
      readonly chaosPort: MessagePort | null;
    }
  /** Tell what happens in bundles, see `Observation`; off at first. */
  | { readonly type: 'watch'; readonly on: boolean }
  /** End in good order: sync, close files, leave. */
  | { readonly type: 'close' };

/** What an operator orders the host through a node's thread, and what came of it. One answer each. */
export interface ChaosAsked {
  readonly request: number;
  readonly order: ChaosOrder;
}
export interface ChaosAnswered {
  readonly request: number;
  readonly outcome: OrderOutcome;
}

/** What became of a node's snapshots: see `SnapshotNews`. */
export type ReportedSnapshotNews =
  | ({ readonly type: 'taken' | 'installed' | 'restored' } & SnapshotTaken)
  | { readonly type: 'warning'; readonly message: string };

/** How much is shown of a log. */
export interface LogOptions {
  /** Of each command this many bytes at most; of all of it unless told. What is left out does not leave the node. */
  readonly bytesMax?: number;
}

/** A log entry, opened for people. */
export interface LogRecord {
  readonly index: LogIndex;
  readonly term: Term;
  readonly leaderId: NodeId;
  readonly kind: EntryKind;
  /** Its beginning, where no more of it was asked for. */
  readonly command: Uint8Array;
  /** How long it is. */
  readonly commandBytes: number;
}

/** How the life of a node's thread goes. */
export type LifeReport =
  /** The thread runs; next it makes the application, which is not its own code. */
  | { readonly type: 'loading' }
  /** The application is made; next the node recovers, and says nothing until it is `ready`. */
  | { readonly type: 'recovering' }
  /** Recovered and listening. */
  | { readonly type: 'ready'; readonly tornBytes: number; readonly lastLogIndex: LogIndex }
  /** The node cannot go on (disk, application, broken invariant); the thread ends after this. */
  | { readonly type: 'died'; readonly error: ErrorReport };

/** What a node tells its host: asked for, or of itself. */
export type NodeReport =
  | { readonly type: 'description'; readonly request: number; readonly information: NodeInformation }
  | { readonly type: 'measured'; readonly request: number; readonly measures: NodeMeasures }
  /** The first of the entries that were asked for, as many as a turn can spare, and where the log ends. */
  | {
      readonly type: 'records';
      readonly request: number;
      readonly records: readonly LogRecord[];
      readonly lastLogIndex: LogIndex;
    }
  | { readonly type: 'snapshotNews'; readonly news: ReportedSnapshotNews }
  | { readonly type: 'ordered'; readonly request: number; readonly outcome: OrderOutcome }
  /** Another configuration is in force at the node, or it is known now that the one in force is committed. */
  | {
      readonly type: 'configured';
      readonly configuration: MembersInformation;
      readonly isCommitted: boolean;
    }
  /** The role, term or known leader changed. */
  | {
      readonly type: 'roleChanged';
      readonly role: Role;
      readonly state: string;
      readonly term: Term;
      readonly leaderId: NodeId | null;
    }
  /** Sent at most once a turn, and at most every 10 ms. */
  | {
      readonly type: 'progress';
      readonly commitIndex: LogIndex;
      readonly height: LogIndex;
      readonly recovery: Recovery | null;
    }
  /** Sent while watched, at most every 50 ms. */
  | { readonly type: 'observed'; readonly observation: Observation };

export type StorageOptions =
  | { readonly kind: 'memory' }
  | {
      readonly kind: 'disk';
      /** The node's own directory. */
      readonly directory: string;
      /** Who holds the lock: the same owner may take it again after a crash of its own thread. */
      readonly owner: string;
      /** The node has had a log there before: without one it does not start. */
      readonly mustExist: boolean;
      readonly segmentBytes?: number;
    };

/** What a node's worker is given to run. */
export interface NodeTask {
  readonly options: NodeOptions;
  readonly clusterId: string;
  readonly cipher: CipherOptions;
  readonly storage: StorageOptions;
  readonly application: ApplicationSource;
  /** To and from the router. */
  readonly networkPort: MessagePort;
  /** To and from the host. */
  readonly hostPort: MessagePort;
  /** To and from the host's session. */
  readonly clientPort: MessagePort;
  /** Shared with the router: how many frames wait in each direction, see `src/router/gauge.ts`. */
  readonly gauge: SharedArrayBuffer;
}
