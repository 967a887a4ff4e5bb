import { EventEmitter } from 'node:events';
import type { ApplicationError } from '../ground/errors.js';
import type { ReportedSnapshotNews } from '../node/host/protocol.js';
import type { MembersInformation, NodeInformation, Role } from '../node/information.js';
import type { TimingWarning } from '../node/validate-options.js';
import type { LogIndex, NodeId, Term } from '../raft/entry.js';
import type { LinkPolicy } from '../router/link-policy.js';

/** The states of the supervisor's chart, `machines/cluster.ts`. */
export type ClusterState =
  | 'starting'
  | 'electing'
  | 'recovering'
  | 'serving'
  | 'quorumLost'
  | 'stopping'
  | 'stopped';

/** Why a node is down that was not told to be. */
export interface NodeFailure {
  readonly id: NodeId;
  readonly error: Error;
  /** It is started again so long after it failed; null: not before `restart` is called. */
  readonly restartInMs: number | null;
}

/** A node as itself or, while it does not run, its cluster sees it. */
export interface MemberInformation extends NodeInformation {
  /** What it died of, or what keeps it from starting; null if it runs, or is down by command. */
  readonly failure: string | null;
}

/** What is possible, and will disappoint. `code` is stable; `message` says what will happen, why, and what to do. */
export type ClusterWarning =
  | { readonly code: 'TIMINGS'; readonly message: string; readonly timings: TimingWarning }
  | { readonly code: 'SNAPSHOTS'; readonly message: string };

/** A snapshot at a node: the entry that it ends with, and its length. */
export interface SnapshotEvent {
  readonly id: NodeId;
  readonly index: LogIndex;
  readonly term: Term;
  readonly bytes: number;
}

/** What happens to a cluster, by the name of the event. */
export interface ClusterEventMap {
  /** Another leader, or the same one in another term. */
  readonly leaderElected: { readonly id: NodeId; readonly term: Term };
  readonly roleChanged: {
    readonly id: NodeId;
    readonly role: Role;
    readonly state: string;
    readonly term: Term;
    readonly leaderId: NodeId | null;
  };
  /** A node has recovered for the first time; of what was not durable, `tornBytes` were cut off. */
  readonly nodeStarted: { readonly id: NodeId; readonly tornBytes: number };
  /**
   * A node has long been applying what its log held when it started: about once a second while that lasts, and once when
   * it is done (`applied` is `total` then).
   */
  readonly recovering: { readonly id: NodeId; readonly applied: number; readonly total: number };
  /** A node could not be started, or started again: it did not come to listen. */
  readonly nodeFailed: NodeFailure;
  /**
   * The application failed at a node, which dies of it: while it was made, applied the entry `index`, or (null)
   * otherwise. It is the same at all nodes, and so is what it is given: a failure to apply awaits every one of them.
   */
  readonly applicationFailed: {
    readonly id: NodeId;
    readonly index: LogIndex | null;
    readonly error: ApplicationError;
  };
  /** A node that ran died of itself. */
  readonly nodeDied: NodeFailure;
  /** A node that had died or crashed has recovered; of what was not durable, `tornBytes` were cut off. */
  readonly nodeRestarted: { readonly id: NodeId; readonly tornBytes: number };
  /** A node has a snapshot of its state on disk, which ends with the entry `index`, and gives up the log before the last but one. */
  readonly snapshotTaken: SnapshotEvent;
  /** A node that lacked what its leader's log has no longer was sent a snapshot in its place. */
  readonly snapshotInstalled: SnapshotEvent;
  /** A node's state is a snapshot's now: it has started, or was sent one. The entries after it are applied next. */
  readonly snapshotRestored: SnapshotEvent;
  /** Another configuration is in force at the leader: who belongs to the cluster now, committed or not yet. */
  readonly membersChanged: MembersInformation;
  /** A node that is no member any more was ended. */
  readonly nodeRemoved: { readonly id: NodeId };
  readonly nodeStopped: { readonly id: NodeId };
  readonly nodeRevived: { readonly id: NodeId };
  /** A node is killed by command: its thread is ending, and gone when `crash` resolves. */
  readonly nodeCrashed: { readonly id: NodeId };
  /** Nodes of different groups do not reach each other; every node is in one. */
  readonly partitioned: { readonly groups: readonly (readonly NodeId[])[] };
  readonly healed: Readonly<Record<never, never>>;
  /** All links, those from and to one node (`of`), those from one, those to one, or one. */
  readonly linkChanged: {
    readonly change: Partial<LinkPolicy>;
    readonly of?: NodeId;
    readonly from: NodeId | undefined;
    readonly to: NodeId | undefined;
  };
  /** A node knows that more is committed, or has applied more. At most every 10 ms a node. */
  readonly committed: { readonly id: NodeId; readonly commitIndex: LogIndex; readonly height: LogIndex };
  /**
   * Timings do not suit the links, or the number of voters (`TIMINGS`); no snapshot can be taken, or one is damaged
   * (`SNAPSHOTS`). Where nobody listens it becomes a warning of the process.
   */
  readonly warning: ClusterWarning;
  /** The cluster cannot go on (its network's thread died, say) and closes itself. */
  readonly failed: { readonly error: Error };
  readonly stateChanged: { readonly state: ClusterState };
}

/** The name of an event. */
export type ClusterEventName = keyof ClusterEventMap;
/** Is called with what happened. */
export type ClusterEventListener<N extends ClusterEventName> = (event: ClusterEventMap[N]) => void;

/** A typed emitter. Listeners are called in the order they came; their number is not limited. */
export class ClusterEvents {
  readonly #emitter = new EventEmitter();

  constructor() {
    this.#emitter.setMaxListeners(0);
  }

  on<N extends ClusterEventName>(name: N, listener: ClusterEventListener<N>): this {
    this.#emitter.on(name, listener);
    return this;
  }

  once<N extends ClusterEventName>(name: N, listener: ClusterEventListener<N>): this {
    this.#emitter.once(name, listener);
    return this;
  }

  off<N extends ClusterEventName>(name: N, listener: ClusterEventListener<N>): this {
    this.#emitter.off(name, listener);
    return this;
  }

  /** Does anybody listen? */
  hears(name: ClusterEventName): boolean {
    return this.#emitter.listenerCount(name) > 0;
  }

  /** For the cluster itself. A listener that throws does so in a turn of its own, never inside the cluster. */
  emit<N extends ClusterEventName>(name: N, event: ClusterEventMap[N]): void {
    for (const listener of this.#emitter.rawListeners(name)) {
      try {
        listener.call(this.#emitter, event);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}

/** Tells of a node's snapshots. What is wrong with them is a warning, told once, or one of the process where nobody listens. */
export class SnapshotTeller {
  readonly #events: ClusterEvents;
  readonly #told = new Set<string>();

  constructor(events: ClusterEvents) {
    this.#events = events;
  }

  tell(id: NodeId, news: ReportedSnapshotNews): void {
    if (news.type !== 'warning') {
      const { type, index, term, bytes } = news;
      this.#events.emit(snapshotEvents[type], { id, index, term, bytes });
      return;
    }
    if (this.#told.has(news.message)) return;
    this.#told.add(news.message);
    const warning: ClusterWarning = { code: 'SNAPSHOTS', message: news.message };
    if (this.#events.hears('warning')) this.#events.emit('warning', warning);
    else process.emitWarning(warning.message, { type: 'ConclaveWarning', code: warning.code });
  }
}

const snapshotEvents = {
  taken: 'snapshotTaken',
  installed: 'snapshotInstalled',
  restored: 'snapshotRestored',
} as const;
