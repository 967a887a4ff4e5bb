import { randomInt } from 'node:crypto';
import type { Application } from '../application/application.js';
import { requireApplication } from '../application/contract.js';
import { packBytes, unpackBytes } from '../ground/byte-strings.js';
import type { ProposeOptions, WaitOptions } from '../ground/call-options.js';
import type { Clock } from '../ground/clock.js';
import { refusedLater, SystemClock } from '../ground/clock.js';
import { ClosedError, InvalidOptionError } from '../ground/errors.js';
import { refuseUnknown, requireMethods, shown } from '../ground/option-checks.js';
import { Random } from '../ground/random.js';
import { messageOf } from '../ground/thrown.js';
import type { Transport } from '../ground/transport.js';
import { Configuration } from '../raft/configuration.js';
import type { LogEntry, LogIndex, NodeId } from '../raft/entry.js';
import type { LeaseOptions } from '../raft/lease.js';
import type { Change } from '../raft/membership.js';
import { StorageDisk } from '../storage/disk.js';
import type { Storage, StoredSnapshot } from '../storage/storage.js';
import type { CipherOptions } from '../wire/cipher.js';
import { createCiphers } from '../wire/create-cipher.js';
import { logSealOf } from '../wire/log-seal.js';
import { clusterTag } from '../wire/messages.js';
import {
  type Answered,
  type ClientReply,
  type Consistency,
  consistencies,
  invalidConsistency,
  notBytes,
  type Proposed,
} from './clients/client-requests.js';
import { errorOf } from './host/error-report.js';
import { catchesUp, type NodeInformation, portion, serves } from './information.js';
import { NodeActor } from './node-actor.js';
import type { NodeObserver } from './node-observer.js';
import type { Limits, NodeOptions, Timings } from './options.js';
import type { SnapshotOutcome } from './snapshots/snapshot-keeper.js';
import {
  completed,
  defaultLimits,
  defaultTimings,
  snapshotSettings,
  validateNodeOptions,
} from './validate-options.js';
import { ChartWatch } from './watch/chart-watch.js';
import type { ChartStep } from './watch/observation.js';
import { type Leader, type Readiness, whenReady } from './when-ready.js';

/** What a node in the caller's own thread is made from. Unnamed settings take their defaults. */
export interface RaftNodeOptions {
  readonly id: NodeId;
  /** The voting members that the cluster was made with. The same on every node; later ones are in the log. */
  readonly voters: readonly NodeId[];
  readonly learners?: readonly NodeId[];
  /** The node is none of them, and waits until a leader adds it. */
  readonly joins?: boolean;
  readonly transport: Transport;
  readonly storage: Storage;
  readonly application: Application;
  /** Default: real time. */
  readonly clock?: Clock;
  /** The same on every node, and another for each cluster whose frames may meet; default: `conclave`. */
  readonly clusterId?: string;
  /** Default: `pseudo`. All nodes need the same, and a log can be read only with the one it was written with. */
  readonly cipher?: CipherOptions;
  readonly timings?: Partial<Timings>;
  readonly limits?: Partial<Limits>;
  /** Take a snapshot after so many entries; default 0: not for their number. */
  readonly snapshotEvery?: number;
  /** Take one after so many bytes of commands; default: 64 MiB, or as many as the last snapshot has. */
  readonly snapshotLogBytes?: number;
  readonly preVote?: boolean;
  readonly checkQuorum?: boolean;
  /** Default: none. The same on every node. */
  readonly leases?: LeaseOptions;
  readonly candidacy?: boolean;
  /** Seeds the election timeouts and the cipher; default: the id, so give each cluster's nodes others. */
  readonly seed?: number;
  /** Hears what happens to the node. After `died` it still has to be closed, which frees its storage. */
  readonly observer?: Partial<NodeObserver>;
}

const known: Record<keyof RaftNodeOptions, true> = {
  id: true,
  voters: true,
  learners: true,
  joins: true,
  transport: true,
  storage: true,
  application: true,
  clock: true,
  clusterId: true,
  cipher: true,
  timings: true,
  limits: true,
  snapshotEvery: true,
  snapshotLogBytes: true,
  preVote: true,
  checkQuorum: true,
  leases: true,
  candidacy: true,
  seed: true,
  observer: true,
};
const observerMethods: Record<keyof NodeObserver, true> = {
  standingChanged: true,
  progressed: true,
  snapshotNews: true,
  configured: true,
  died: true,
};

/**
 * One node without threads, in the caller's own process. It does not route: a node that does not lead refuses
 * commands with `NotLeaderError`, which names the leader.
 */
export class RaftNode {
  readonly id: NodeId;
  readonly #actor: NodeActor;
  readonly #storage: Storage;
  readonly #clock: Clock;
  /** Who waits for the node to be ready. */
  readonly #waiting = new Set<() => void>();
  #ended: Error | null = null;

  private constructor(options: RaftNodeOptions, nodeOptions: NodeOptions) {
    const { observer, storage } = options;
    this.id = options.id;
    this.#storage = storage;
    this.#clock = options.clock ?? new SystemClock();
    // Before the storage is opened: a wrong key must not leave it locked.
    const cipher = options.cipher ?? { kind: 'pseudo' };
    const ciphers = createCiphers(cipher, new Random(nodeOptions.seed).fork());
    const ports = {
      transport: options.transport,
      recovered: storage.recover(
        logSealOf(cipher, ciphers.entries),
        Configuration.of(nodeOptions.voters, nodeOptions.learners).data,
      ),
      disk: new StorageDisk(storage),
      application: options.application,
      clock: this.#clock,
      identity: {
        id: this.id,
        cluster: clusterTag(options.clusterId ?? 'conclave'),
        life: randomInt(1, 2 ** 48 - 1),
      },
      ciphers,
      observer: this.#observerOf(observer),
    };
    try {
      this.#actor = new NodeActor(nodeOptions, ports);
    } catch (error) {
      storage.close();
      throw error;
    }
  }

  #observerOf(observer: Partial<NodeObserver> | undefined): NodeObserver {
    return {
      standingChanged: (standing) => {
        this.#tellWaiting();
        apart(() => observer?.standingChanged?.(standing));
      },
      progressed: (...progress) => {
        this.#tellWaiting();
        apart(() => observer?.progressed?.(...progress));
      },
      snapshotNews: (news) => apart(() => observer?.snapshotNews?.(news)),
      configured: (...told) => apart(() => observer?.configured?.(...told)),
      died: (error) => {
        this.#ended = error instanceof Error ? error : new Error(messageOf(error));
        this.#tellWaiting();
        apart(() => observer?.died?.(error));
      },
    };
  }

  /**
   * Recovers from the storage and starts.
   * @throws {InvalidOptionError} when the options contradict each other; {ApplicationError} when the application lacks
   * a method; storage errors as the storage throws them.
   */
  static start(options: RaftNodeOptions): RaftNode {
    refuseUnknown('option', options, known);
    refuseUnknown('timing', options.timings ?? {}, defaultTimings);
    refuseUnknown('limit', options.limits ?? {}, defaultLimits);
    refuseUnknown('cipher setting', options.cipher ?? {}, { kind: true, key: true, oldKeys: true });
    const nodeOptions: NodeOptions = {
      id: options.id,
      voters: options.voters,
      learners: options.learners ?? [],
      joins: options.joins ?? false,
      timings: completed(defaultTimings, options.timings ?? {}),
      limits: completed(defaultLimits, options.limits ?? {}),
      snapshots: snapshotSettings(options),
      preVote: options.preVote ?? true,
      checkQuorum: options.checkQuorum ?? true,
      ...(options.leases === undefined ? {} : { leases: options.leases }),
      candidacy: options.candidacy ?? true,
      seed: options.seed ?? options.id,
    };
    validateNodeOptions(nodeOptions);
    if (options.leases !== undefined) refuseUnknown('lease setting', options.leases, { clockDriftMax: true });
    requirePorts(options);
    requireApplication(options.application, 'application is');
    return new RaftNode(options, nodeOptions);
  }

  info(): NodeInformation {
    return this.#actor.describe();
  }

  log(from: LogIndex = 1, to: LogIndex = Number.MAX_SAFE_INTEGER): LogEntry[] {
    return this.#actor.openLog(from, to);
  }

  /**
   * Replicates a command and applies it. Never retried here. The bytes are copied before this returns.
   * @throws {InvalidOptionError} it is no Uint8Array; {NotLeaderError} {CommandTooLargeError} {CommandRejectedError} {OverloadedError} nothing was appended
   * @throws {OutcomeUnknownError} the node stopped before the outcome was known
   */
  propose(command: Uint8Array, { verify = false }: Pick<ProposeOptions, 'verify'> = {}): Promise<Proposed> {
    if (!(command instanceof Uint8Array)) return refusedLater(this.#clock, notBytes('command', command));
    const body = packBytes([command]);
    const proposal = { first: 0, count: 1, body, ...(verify ? { isToBeVerified: true as const } : {}) };
    return this.#ask((reply) => this.#actor.propose({ ...proposal, reply })).then((answer) => {
      const result = answer.type === 'applied' ? unpackBytes(answer.results, 1)?.[0] : undefined;
      if (answer.type !== 'applied' || result === undefined) throw unexpected(answer);
      return { index: answer.index, term: answer.term, result };
    });
  }

  /** Queries the application. A `linearizable` answer is no older than the call (§8); a `stale` one is this node's own. */
  read(query: Uint8Array, consistency: Consistency = 'linearizable'): Promise<Answered> {
    if (!(query instanceof Uint8Array)) return refusedLater(this.#clock, notBytes('query', query));
    if (!consistencies.includes(consistency)) {
      return refusedLater(this.#clock, invalidConsistency(consistency));
    }
    return this.#ask((reply) =>
      this.#actor.read({ kind: 'client', request: 0, query, reply }, consistency),
    ).then((answer) => {
      if (answer.type !== 'answer') throw unexpected(answer);
      const { result, index, ageMs } = answer;
      return ageMs === undefined ? { result, index } : { result, index, ageMs };
    });
  }

  /**
   * Resolves with the leader when the node can answer: it leads and serves, or it follows a leader and has applied what
   * its log held when it started. A follower cannot see whether its leader serves.
   * @throws {NotReadyError} not so within `timeoutMs` (5000), and what is missing; {AbortedError} {InvalidOptionError},
   * and what ended the node
   */
  ready(options: WaitOptions = {}): Promise<Leader> {
    return whenReady(
      {
        clock: this.#clock,
        what: `Node ${this.id}`,
        look: () => this.#readiness(),
        ended: () => this.#ended,
        listen: (look) => {
          this.#waiting.add(look);
          return () => this.#waiting.delete(look);
        },
      },
      options,
    );
  }

  #readiness(): Readiness {
    const { standing, recovery } = this.#actor;
    const { role, term, leaderId } = standing;
    const { commitIndex, lastApplied } = this.#actor.replica;
    const missing = (text: string) => ({ leader: null, missing: text });
    if (role === 'dead') return missing('it is stopped');
    if (catchesUp(standing)) return missing(`it leads and has applied ${portion(lastApplied, commitIndex)}`);
    if (role === 'leader' && !serves(standing))
      return missing('no majority has confirmed it as the leader yet');
    if (leaderId === null) return missing('it knows no leader');
    if (recovery === null) return { leader: { id: leaderId, term } };
    return missing(`it has applied ${portion(recovery.applied, recovery.total)} of its log`);
  }

  #tellWaiting(): void {
    for (const look of this.#waiting) look();
  }

  /** Makes the node deaf and mute; its memory is kept. */
  stop(): void {
    this.#actor.tell({ type: 'host.stop' });
  }

  revive(): void {
    this.#actor.tell({ type: 'host.revive' });
  }

  /** May the node stand for election? A leader stays in office. */
  setCandidacy(allowed: boolean): void {
    this.#actor.tell({ type: 'host.setCandidacy', allowed });
  }

  /**
   * Changes who belongs to the cluster; these steps take effect together. `abort` gives up the change under way. Resolves
   * when that is committed.
   * @throws {NotLeaderError} {ChangeInProgressError} {NotAMemberError} {ChangeRefusedError} nothing was changed;
   * {NotCaughtUpError} {ChangeAbortedError} {OutcomeUnknownError}
   */
  changeMembers(change: Change | 'abort'): Promise<void> {
    return this.#order((reply) => this.#actor.tell({ type: 'host.change', asked: { change, reply } }));
  }

  /**
   * Hands leadership over to a voter, or to whichever is best. Resolves when this node leads no more.
   * @throws {NotLeaderError} {TransferFailedError}
   */
  transferLeadership(to: NodeId | null = null): Promise<void> {
    return this.#order((reply) => this.#actor.tell({ type: 'host.transfer', asked: { to, reply } }));
  }

  #order(order: (reply: (error: Error | null) => void) => void): Promise<void> {
    if (this.#ended !== null) return refusedLater(this.#clock, this.#ended);
    return new Promise((resolve, reject) => {
      order((error) => (error === null ? resolve() : reject(error)));
    });
  }

  /** Stands for election now, if it follows and may stand. */
  campaign(): void {
    this.#actor.tell({ type: 'host.campaign' });
  }

  /**
   * Takes a snapshot of the state as it is now and gives up what the log need not keep then. Resolves when it is durable.
   * @throws {SnapshotUnavailableError} {ApplicationError}
   */
  async snapshot(): Promise<StoredSnapshot> {
    if (this.#ended !== null) throw this.#ended;
    const outcome = await new Promise<SnapshotOutcome>((resolve) => this.#actor.takeSnapshot(resolve));
    if (outcome instanceof Error) throw outcome;
    return outcome;
  }

  /** Hears of every step of the node's chart: how the node stands after it, and the transitions that were taken. */
  subscribe(heard: (information: NodeInformation, steps: readonly ChartStep[]) => void): () => void {
    const watch = new ChartWatch(() => {});
    const { chart } = this.#actor;
    const subscriptions = [
      watch.watch(chart),
      chart.subscribe(() => heard(this.#actor.describe(), watch.take())),
    ];
    return () => {
      for (const subscription of subscriptions) subscription.unsubscribe();
    };
  }

  /** Ends the node and closes its storage. Commands under way end with `OutcomeUnknownError`. */
  close(): void {
    if (this.#ended === null) this.#ended = new ClosedError(`Node ${this.id}`);
    this.#tellWaiting();
    this.#actor.abandon();
    this.#storage.close();
  }

  #ask(request: (reply: (answer: ClientReply) => void) => void): Promise<ClientReply> {
    if (this.#ended !== null) return refusedLater(this.#clock, this.#ended);
    return new Promise((resolve) => {
      request((answer) => {
        const isRefusal = answer.type === 'refused' || answer.type === 'readRefused';
        resolve(isRefusal ? refusedLater(this.#clock, errorOf(answer.error)) : answer);
      });
    });
  }
}

/** @throws {InvalidOptionError} */
function requirePorts({ transport, storage, clock, observer = {} }: RaftNodeOptions): void {
  requireMethods('transport', transport, ['send', 'receive']);
  requireMethods('storage', storage, [
    'recover',
    'write',
    'sync',
    'read',
    'beginSnapshot',
    'readSnapshot',
    'dropThrough',
    'restartAt',
    'close',
  ]);
  if (clock !== undefined) requireMethods('clock', clock, ['now', 'setTimeout', 'clearTimeout', 'soon']);
  if (typeof observer !== 'object' || observer === null) {
    throw new InvalidOptionError(`observer is ${shown(observer)}. Give an object.`);
  }
  for (const name of Object.keys(observerMethods) as (keyof NodeObserver)[]) {
    if (observer[name] !== undefined) requireMethods('observer', observer, [name]);
  }
}

/** Tells an observer. One that throws does so in a turn of its own: inside the node it would be the node's death. */
function apart(tell: () => void): void {
  try {
    tell();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

function unexpected(answer: ClientReply): Error {
  return new Error(`The node gave an answer of the wrong kind: "${answer.type}".`);
}
