import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { proposeOptions, readOptions } from '../client/calls.js';
import { type ChaosCalls, OrderedChaos, orderOver } from '../client/chaos-calls.js';
import { ClientLines } from '../client/client-lines.js';
import { ClusterEvents, type MemberInformation } from '../client/events.js';
import type { AddMemberOptions } from '../client/membership-calls.js';
import { snapshotTimeoutMs, unreachableMember } from '../client/raft-client.js';
import { readinessOf } from '../client/readiness.js';
import { RemoteLines } from '../client/remote-lines.js';
import { RemoteWatch } from '../client/remote-watch.js';
import { Session } from '../client/session.js';
import type { ClusterObservation } from '../cluster/cluster-observation.js';
import { ClusterWatch } from '../cluster/cluster-watch.js';
import { logClusterEvents } from '../cluster/log-events.js';
import type { Logger } from '../cluster/logger.js';
import { metricsText } from '../cluster/metrics/metrics-text.js';
import type { ProposeOptions, ReadOptions, WaitOptions } from '../ground/call-options.js';
import { refusedLater, SystemClock } from '../ground/clock.js';
import {
  ChaosNotAllowedError,
  ClosedError,
  InvalidOptionError,
  NodeDeadError,
  TimeoutError,
} from '../ground/errors.js';
import { refuseUnknown, requireInteger, unknownIn } from '../ground/option-checks.js';
import { Random } from '../ground/random.js';
import { messageOf } from '../ground/thrown.js';
import { waitOptions } from '../ground/waiting.js';
import type { Answered, Proposed } from '../node/clients/client-requests.js';
import type { Order, SnapshotTaken } from '../node/host/orders.js';
import type { LogOptions, LogRecord } from '../node/host/protocol.js';
import type { MembersInformation } from '../node/information.js';
import { defaultLimits, defaultTimings } from '../node/validate-options.js';
import { type Leader, type Readiness, whenReady } from '../node/when-ready.js';
import type { LogIndex, NodeId } from '../raft/entry.js';
import type { CarrierEvent } from '../router/carriers/events.js';
import type { NetworkCounters } from '../router/counters.js';
import { type NetworkState, networkState } from '../router/network-state.js';
import { Router } from '../router/router.js';
import { Administration } from './administration.js';
import { ServerIdentity } from './identity.js';
import { LocalNode } from './local-node.js';
import { logCarrierEvent } from './log-events.js';
import { ServerMembership } from './membership.js';
import { resolveServerOptions, type ServerOptions, type ServerSettings } from './options.js';
import { LeaderWatch, type LeaderWork } from './while-leader.js';

/** How long a leader that leaves waits at most for another to take over, in milliseconds. */
const handOverMs = 1000;
/** How long `close` lets calls end that are under way, in milliseconds. */
const drainMsDefault = 2000;
const drainLookMs = 10;

/**
 * This process's member of a cluster whose other members are other processes. Its node runs on a thread of its own, the
 * network on another. Commands and queries go to the leader, wherever that is.
 */
export class RaftServer implements AsyncDisposable {
  readonly id: NodeId;
  readonly events = new ClusterEvents();
  /** Cuts, partitions and slow links, where the processes allow them (`chaos`). */
  readonly chaos: ChaosCalls;
  readonly #settings: ServerSettings;
  readonly #identity: ServerIdentity;
  readonly #clock = new SystemClock();
  readonly #router: Router;
  readonly #ownLines: ClientLines;
  readonly #otherLines: RemoteLines;
  readonly #session: Session;
  readonly #membership: ServerMembership;
  readonly #watch: ClusterWatch;
  readonly #otherWatch: RemoteWatch;
  readonly #logger: Logger | null;
  readonly #leaderWatches = new Set<LeaderWatch>();
  #administration: Administration | null = null;
  #node: LocalNode | null = null;
  #starting: Promise<void> | null = null;
  #address = '';
  #leader: Leader | null = null;
  #guess: NodeId | null = null;
  #failure: Error | null = null;
  #closing: Promise<void> | null = null;
  #closed: ClosedError | null = null;

  private constructor(settings: ServerSettings, identity: ServerIdentity, options: ServerOptions) {
    const limits = { ...defaultLimits, ...options.limits };
    const timings = { ...defaultTimings, ...options.timings };
    const random = new Random(settings.carrier.identity.incarnation);
    this.id = settings.id;
    this.#settings = settings;
    this.#identity = identity;
    this.#logger = settings.logger;
    if (this.#logger !== null) logClusterEvents(this.events, this.#logger);
    this.#router = new Router({
      seed: random.uint32(),
      ...(options.link === undefined ? {} : { link: options.link }),
      carrierEvent: (_of, event) => this.#hearCarrier(event),
      client: (_of, party, port) => (this.#node === null ? port.close() : this.#node.admit(party, port)),
    });
    const asker = {
      hear: (from: NodeId, reply: Parameters<Session['hear']>[1]) => this.#session.hear(from, reply),
      nodeEnded: (id: NodeId) => this.#session.nodeEnded(id),
    };
    this.#ownLines = ClientLines.toThreads(asker);
    this.#otherLines = new RemoteLines(settings.carrier, {
      ...asker,
      clock: this.#clock,
      random,
      nodeEnded: (id) => {
        this.#session.nodeEnded(id);
        this.#otherWatch.ended(id);
      },
      observed: (from, reply) => this.#otherWatch.hear(from, reply),
      nodeReached: (id) => {
        this.#otherWatch.reached(id);
        const isSeeking = this.#session.chart.getSnapshot().matches({ leader: 'seeking' });
        if (isSeeking) this.#session.leaderChanged(this.#leader?.id ?? id);
      },
      clusterKnown: (clusterId) => this.#membership.tell(clusterId),
      // The router's carrier tells of the same peers.
      tell: () => {},
    });
    this.#session = new Session({
      clock: this.#clock,
      commandBytesMax: limits.commandBytesMax,
      queryBytesMax: limits.queryBytesMax,
      retryPauseMs: timings.heartbeatMs,
      sessions: options.sessions ?? true,
      leaderId: () => this.#leader?.id ?? this.#nextGuess(),
      anyNode: () => (this.#isAlive ? this.id : this.#otherLines.reachableAfter(null)),
      post: (id, request) =>
        id === this.id ? this.#ownLines.post(id, request) : this.#otherLines.post(id, request),
    });
    this.#otherWatch = new RemoteWatch({
      clock: this.#clock,
      ids: () => this.#otherLines.ids,
      post: (id, request) => this.#otherLines.post(id, request),
      told: (id, observation) => this.#watch.nodeTold(id, observation),
      lost: (id) => this.#watch.nodeLost(id),
    });
    this.#watch = new ClusterWatch({ session: this.#session.chart }, [], this.#clock, (on) => {
      this.#node?.member.post({ type: 'watch', on });
      if (on) this.#otherWatch.begin();
      else this.#otherWatch.end();
    });
    this.chaos = new OrderedChaos({
      ids: () => this.ids,
      order: async (to, order) => {
        if (to !== this.id) return orderOver(this.#otherLines, to, order);
        if (this.#node === null) throw new NodeDeadError(to, 'has not started');
        if (this.#node.chaos === null) throw new ChaosNotAllowedError(to);
        return this.#node.chaos.carryOut(order);
      },
    });
    this.#membership = new ServerMembership(settings, identity, options.timings?.electionTimeoutMsMax, {
      clock: this.#clock,
      logger: this.#logger,
      router: this.#router,
      lines: this.#otherLines,
      leader: () => this.#leader,
      infos: () => this.#otherInfos(),
      order: (to, order, timeoutMs) => this.#order(to, order, timeoutMs),
      startNode: (clusterId) => this.#startNode(clusterId),
      fail: (error) => this.#fail(error),
      closed: () => this.#failure ?? this.#closed,
      changed: (configuration) => this.events.emit('membersChanged', configuration),
    });
  }

  /**
   * Starts this process's member. Resolves when it listens and, unless this is its first start, at which all others
   * have to be met, has recovered; `ready` waits until it serves.
   * @throws {InvalidOptionError} {WrongServerError} {DataLostError} {ListenFailedError} {CredentialsError}, and what
   * keeps the node from recovering, such as {WalDamagedError} or {DirectoryLockedError}. Nothing is left running then.
   */
  static async start(options: ServerOptions): Promise<RaftServer> {
    const settings = resolveServerOptions(options);
    const identity = ServerIdentity.claim(settings);
    const server = new RaftServer(settings, identity, options);
    try {
      await server.#open();
    } catch (error) {
      await server.close({ drainMs: 0 });
      throw error;
    }
    return server;
  }

  async #open(): Promise<void> {
    const { carrier, administration } = this.#settings;
    // First: a long recovery is no reason to end the process.
    if (administration !== null) {
      this.#administration = await Administration.open(administration, {
        ailment: () => this.#ailment(),
        unready: () => this.#unready(),
        metrics: () => this.metrics(),
      });
    }
    const { clusterId, former } = this.#identity;
    await this.#otherLines.open();
    const { advertised } = this.#membership;
    const address = await this.#router.carry(this.id, {
      ...carrier,
      ...(advertised === null ? {} : { advertise: advertised }),
      identity: { ...carrier.identity, clusterId, former },
    });
    this.#address = advertised ?? address ?? '';
    void this.#router.ended.then((error) => {
      if (error !== null) this.#fail(error);
    });
    await this.#membership.begin(address ?? '');
  }

  /** Where others find this process. */
  get address(): string {
    return this.#address;
  }

  /** Where those who look after the process reach it, or null. */
  get administrationAddress(): string | null {
    return this.#administration?.address ?? null;
  }

  /** All members, learners included, ascending: as this process's node knows them. */
  get ids(): readonly NodeId[] {
    return [...this.#identity.members.keys()].sort((a, b) => a - b);
  }

  /** Who belongs to the cluster, by the latest configuration in this member's log; null before it has one. */
  get configuration(): MembersInformation | null {
    return this.#membership.configuration;
  }

  /** The cluster's id, which was made at its first start; null while this process has not learned it. */
  get clusterId(): string | null {
    return this.#identity.clusterId;
  }

  /** The leader that this process's node knows of, or null. */
  leader(): Leader | null {
    return this.#leader;
  }

  /**
   * Resolves with the leader when the cluster serves, as far as can be seen from here: this member runs and knows the
   * leader, which can answer (see `RaftCluster.ready`).
   * @throws {NotReadyError} {AbortedError} {ClosedError} {InvalidOptionError}, and what ended the node
   */
  ready(options: WaitOptions = {}): Promise<Leader> {
    const heard = ['leaderElected', 'roleChanged', 'failed', 'stateChanged'] as const;
    return whenReady(
      {
        clock: this.#clock,
        what: 'The cluster',
        look: () => this.#look(),
        ended: () => this.#failure ?? this.#closed,
        listen: (look) => {
          for (const name of heard) this.events.on(name, look);
          return () => {
            for (const name of heard) this.events.off(name, look);
          };
        },
      },
      options,
    );
  }

  async #look(): Promise<Readiness> {
    const leader = this.#leader;
    if (leader === null) return readinessOf(await this.infos(), null);
    const own = leader.id === this.id ? this.#node?.member.seen : undefined;
    return readinessOf([own ?? (await this.info(leader.id))], leader);
  }

  /** As of `RaftCluster`, from any process: it is sent to the leader. @throws as there */
  propose(command: Uint8Array, options: ProposeOptions = {}): Promise<Proposed> {
    const wrong = unknownIn('option', options, proposeOptions) ?? this.#unknownNode(options.node);
    return wrong === null ? this.#session.propose(command, options) : refusedLater(this.#clock, wrong);
  }

  /** As of `RaftCluster`; a stale read without `node` is served here. @throws as there */
  read(query: Uint8Array, options: ReadOptions = {}): Promise<Answered> {
    const wrong = unknownIn('option', options, readOptions) ?? this.#unknownNode(options.node);
    return wrong === null ? this.#session.read(query, options) : refusedLater(this.#clock, wrong);
  }

  /** Resolves when there is room for another command and another query. */
  room(options: WaitOptions = {}): Promise<void> {
    const wrong = unknownIn('option', options, waitOptions);
    return wrong === null ? this.#session.room(options) : refusedLater(this.#clock, wrong);
  }

  /** A member as it sees itself; one that cannot be reached with role `dead`, and why. */
  async info(id: NodeId = this.id): Promise<MemberInformation> {
    const unknown = this.#unknownNode(id);
    if (unknown !== null) return refusedLater(this.#clock, unknown);
    if (id === this.id) {
      return this.#node?.member.describe() ?? unreachableMember(id, new NodeDeadError(id, 'has not started'));
    }
    return this.#infoOf(id);
  }

  #otherInfos(): Promise<MemberInformation[]> {
    return Promise.all(this.#otherLines.ids.map((id) => this.#infoOf(id)));
  }

  async #infoOf(id: NodeId): Promise<MemberInformation> {
    try {
      const reply = await this.#otherLines.ask(id, (request) => ({ type: 'describe', request }));
      if (reply.type === 'described') return { ...reply.information, failure: null };
      throw new NodeDeadError(id);
    } catch (error) {
      if (error instanceof NodeDeadError || error instanceof TimeoutError)
        return unreachableMember(id, error);
      throw error;
    }
  }

  infos(): Promise<MemberInformation[]> {
    return Promise.all(this.ids.map((id) => this.info(id)));
  }

  /**
   * A member's log from `from` through `to`, opened; of a long one in several looks, between which the node works on.
   * @throws {NodeDeadError} if it cannot be reached; {TimeoutError} if it does not answer for five seconds
   */
  async log(
    id: NodeId = this.id,
    from: LogIndex = 1,
    to: LogIndex = Number.MAX_SAFE_INTEGER,
    options: LogOptions = {},
  ): Promise<LogRecord[]> {
    const unknown = this.#unknownNode(id);
    if (unknown !== null) return refusedLater(this.#clock, unknown);
    refuseUnknown('option', options, { bytesMax: true });
    const { bytesMax = Number.MAX_SAFE_INTEGER } = options;
    requireInteger('from', from, 1, Number.MAX_SAFE_INTEGER);
    requireInteger('to', to, 0, Number.MAX_SAFE_INTEGER);
    requireInteger('bytesMax', bytesMax, 0, Number.MAX_SAFE_INTEGER);
    if (id !== this.id) return this.#otherLines.log(id, from, to, bytesMax);
    if (this.#node === null) throw new NodeDeadError(id, 'has not started');
    return this.#node.member.log(from, to, bytesMax);
  }

  /** Whom this process lets its member reach, and how: what other processes do to their own links is not known here. */
  network(): NetworkState {
    return networkState(this.ids, this.#router.wiring);
  }

  /**
   * As of `RaftCluster`: hears what all members and the charts of this process do. Of a member that cannot be reached it
   * is said so, until it is heard again. Returns how to stop. @throws as there
   */
  watch(heard: (observed: ClusterObservation) => void): () => void {
    if (this.#closing !== null) throw new ClosedError('The server');
    if (typeof heard !== 'function') {
      throw new InvalidOptionError(`A watcher is a function; this is ${String(heard)}.`);
    }
    return this.#watch.add(heard);
  }

  /**
   * Takes a member back that was removed and has its data, as `RaftCluster` does, from any process. A new process asks for
   * this itself, see `join`.
   * @throws as there
   */
  addMember(id: NodeId, options?: AddMemberOptions): Promise<void> {
    return this.#membership.calls.add(id, options);
  }

  /** As of `RaftCluster`; the member's process goes on until it is ended, and takes part in nothing. @throws as there */
  removeMember(id: NodeId, options?: WaitOptions): Promise<void> {
    return this.#membership.calls.remove(id, options);
  }

  /** As of `RaftCluster`. @throws as there */
  replaceMember(id: NodeId, by: NodeId, options?: Omit<AddMemberOptions, 'learner'>): Promise<void> {
    return this.#membership.calls.replace(id, by, options);
  }

  /** As of `RaftCluster`. @throws as there */
  promote(id: NodeId, options?: WaitOptions): Promise<void> {
    return this.#membership.calls.promote(id, options);
  }

  /** As of `RaftCluster`: a member that was started elsewhere does so itself. @throws as there */
  updateMember(id: NodeId, address: string, options?: WaitOptions): Promise<void> {
    return this.#membership.calls.update(id, address, options);
  }

  /** As of `RaftCluster`. @throws as there */
  setPriority(id: NodeId, priority: number, options?: WaitOptions): Promise<void> {
    return this.#membership.calls.prioritize(id, priority, options);
  }

  /** As of `RaftCluster`. @throws as there */
  abortChange(options?: WaitOptions): Promise<void> {
    return this.#membership.calls.abort(options);
  }

  /** As of `RaftCluster`. @throws as there */
  transferLeadership(to?: NodeId, options?: WaitOptions): Promise<Leader> {
    return this.#membership.calls.transfer(to ?? null, options);
  }

  /** Has a member, this one if none is named, take a snapshot, and resolves when that is durable. @throws as `RaftClient` */
  async snapshot(id: NodeId = this.id): Promise<SnapshotTaken> {
    const unknown = this.#unknownNode(id);
    if (unknown !== null) return refusedLater(this.#clock, unknown);
    return (await this.#order(id, { type: 'snapshot' }, snapshotTimeoutMs)) as SnapshotTaken;
  }

  #order(to: NodeId, order: Order, timeoutMs: number): Promise<SnapshotTaken | null> {
    if (to !== this.id) return this.#otherLines.order(to, order, timeoutMs);
    return this.#node?.member.order(order) ?? Promise.reject(new NodeDeadError(to, 'has not started'));
  }

  /**
   * Has `work` done while this process leads: it is called when its node has become leader and has applied all that
   * was committed before, and its signal is aborted when it may lead no more. At any moment another process may lead
   * already and this one not know it (it stood still, or was cut off): what must never be done by two is to be
   * protected by the term, see `Leadership`. Returns how to end it; `close` ends it, too. What `work` throws is an
   * uncaught error of the process.
   */
  whileLeader(work: LeaderWork): () => void {
    if (typeof work !== 'function') {
      throw new InvalidOptionError(`A leader's work is a function; this is ${String(work)}.`);
    }
    if (this.#closing !== null) throw new ClosedError('The server');
    const watch = new LeaderWatch(work);
    this.#leaderWatches.add(watch);
    watch.look(this.#isAlive ? (this.#node?.member.known ?? null) : null);
    return () => {
      this.#leaderWatches.delete(watch);
      watch.end();
    };
  }

  /** What became of all frames between this process and the others. @throws {ClosedError} */
  networkCounters(): Promise<NetworkCounters> {
    return this.#router.counters();
  }

  /**
   * What there is to be measured here, as Prometheus reads it (text format 0.0.4). docs/operations.md says what is
   * worth an alarm. @throws {ClosedError} {TimeoutError} if the node does not answer for five seconds
   */
  async metrics(): Promise<string> {
    const [network, node, certificateEndsMs] = await Promise.all([
      this.#router.counters(),
      this.#node?.member.measure() ?? null,
      this.#certificateEndsMs(),
    ]);
    const nodes = new Map([[this.id, node]]);
    return metricsText({ nodes, network, pending: this.#session.pending, certificateEndsMs });
  }

  /** Until when this member's certificate is good, in milliseconds since 1970; null without one that can be read. */
  async #certificateEndsMs(): Promise<number | null> {
    const { carrier } = this.#settings;
    if (carrier.kind !== 'tls') return null;
    try {
      return Date.parse(new X509Certificate(await readFile(carrier.credentials.certificate)).validTo);
    } catch {
      return null;
    }
  }

  /** Why this process had better be ended: its node's thread does not answer, or it cannot go on. */
  async #ailment(): Promise<string | null> {
    if (this.#failure !== null) return this.#failure.message;
    try {
      await this.#node?.member.measure();
      return null;
    } catch (error) {
      return messageOf(error);
    }
  }

  /** Why calls of clients would fail here now: the measure of `ready`. */
  async #unready(): Promise<string | null> {
    if (this.#closing !== null) return 'It is leaving.';
    if (this.#failure !== null) return this.#failure.message;
    if (this.#membership.missing !== null) return this.#membership.missing;
    if (!this.#isAlive) return 'Its node does not run, or recovers.';
    const readiness = await this.#look();
    return readiness.leader === null ? `The cluster does not serve: ${readiness.missing}.` : null;
  }

  /** Reads the certificates again. @throws {CredentialsError}, and the earlier ones stay in force. */
  reloadCertificates(): Promise<void> {
    return this.#router.reloadCertificates();
  }

  /**
   * Leaves in good order: hands over if it leads, takes nothing more, lets the calls of this process end that are under way (2 seconds, or
   * `drainMs`), and ends node and network. The cluster goes on if a majority does. Harmless if repeated.
   * @throws {ThreadStuckError} {LockLeftError}
   */
  close({ drainMs = drainMsDefault }: { readonly drainMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#leave(drainMs);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #leave(drainMs: number): Promise<void> {
    // What leads may still say what it has done.
    for (const watch of this.#leaderWatches) watch.end();
    this.#leaderWatches.clear();
    const endMs = this.#clock.now() + drainMs;
    for (;;) {
      const { commands, reads } = this.#session.pending;
      if (commands + reads === 0 || this.#clock.now() >= endMs || this.#failure !== null) break;
      await new Promise<void>((resolve) => this.#clock.setTimeout(resolve, drainLookMs));
    }
    if (this.#failure === null) await this.#handOver();
    this.#closed = new ClosedError('The server');
    this.#membership.close();
    this.events.emit('stateChanged', { state: 'stopping' });
    this.#session.close(this.#closed);
    this.#ownLines.close();
    await this.#otherLines.close();
    await this.#starting?.catch(() => {});
    try {
      await this.#node?.close();
    } finally {
      await this.#router.close();
      await this.#administration?.close();
      this.events.emit('stateChanged', { state: 'stopped' });
    }
  }

  /** A leader that leaves in good order hands over, so that nobody has to miss it first. It waits no longer than for that. */
  async #handOver(): Promise<void> {
    const member = this.#node?.member;
    if (member?.isAlive !== true || member.known.role !== 'leader') return;
    const isOver = member.order({ type: 'transfer', to: null }).catch(() => {});
    const isLate = new Promise<void>((resolve) => {
      const timer = this.#clock.setTimeout(resolve, handOverMs);
      void isOver.then(() => this.#clock.clearTimeout(timer));
    });
    await Promise.race([isOver, isLate]);
  }

  get #isAlive(): boolean {
    return this.#node?.member.isAlive === true;
  }

  #nextGuess(): NodeId | null {
    this.#guess = this.#otherLines.reachableAfter(this.#guess);
    return this.#guess;
  }

  #startNode(clusterId: string): Promise<void> {
    this.#otherLines.adopt(clusterId);
    const settings = this.#settings.nodeSettings(clusterId, this.#identity.voters);
    this.#node = new LocalNode(this.id, settings, this.#settings.chaos, {
      clock: this.#clock,
      events: this.events,
      router: this.#router,
      lines: this.#ownLines,
      identity: this.#identity,
      isWatched: () => this.#watch.isOn,
      observed: (observation) => this.#watch.nodeTold(this.id, observation),
      changed: () => this.#nodeChanged(),
      configured: (configuration, isCommitted) => this.#membership.configured(configuration, isCommitted),
      lost: ({ error }) => this.#fail(error),
    });
    this.#watch.include(this.#node.member);
    this.#starting = this.#node.start();
    return this.#starting;
  }

  /** The node's role, term or leader changed: who leads now, as far as is known here? */
  #nodeChanged(): void {
    const own = this.#isAlive ? (this.#node?.member.known ?? null) : null;
    for (const watch of this.#leaderWatches) watch.look(own);
    const before = this.#leader;
    const { leaderId, term } = this.#node?.member.known ?? { leaderId: null, term: 0 };
    this.#leader = this.#isAlive && leaderId !== null ? { id: leaderId, term } : null;
    const id = this.#leader?.id ?? null;
    if (id === (before?.id ?? null) && (id === null || term === before?.term)) return;
    // With its own node down, this process has the others to ask.
    if (this.#closed === null) this.#session.leaderChanged(id ?? (this.#isAlive ? null : this.#nextGuess()));
    if (this.#leader !== null) {
      this.events.emit('leaderElected', this.#leader);
      this.#membership.announce();
    }
  }

  #hearCarrier(event: CarrierEvent): void {
    if (this.#logger !== null) logCarrierEvent(event, this.#logger);
    try {
      this.#membership.hear(event);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** This process cannot go on. Whoever started it hears so, and closes it. */
  #fail(error: unknown): void {
    if (this.#failure !== null || this.#closed !== null) return;
    this.#failure = error instanceof Error ? error : new Error(messageOf(error));
    this.events.emit('failed', { error: this.#failure });
  }

  #unknownNode(id: NodeId | undefined): InvalidOptionError | null {
    if (id === undefined || this.#identity.members.has(id)) return null;
    return new InvalidOptionError(`There is no member ${String(id)}. Members are ${this.ids.join(', ')}.`);
  }
}
