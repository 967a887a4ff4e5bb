import { proposeOptions, readOptions, wrongOptions } from '../client/calls.js';
import { ClientLines } from '../client/client-lines.js';
import {
  ClusterEvents,
  type ClusterWarning,
  type MemberInformation,
  type NodeFailure,
} from '../client/events.js';
import { nextLeader } from '../client/leader-wait.js';
import { type AddMemberOptions, MembershipCalls } from '../client/membership-calls.js';
import { Session } from '../client/session.js';
import { traced } from '../client/traced.js';
import type { ProposeOptions, ReadOptions, WaitOptions } from '../ground/call-options.js';
import { refusedLater, SystemClock } from '../ground/clock.js';
import { InvalidOptionError } from '../ground/errors.js';
import { refuseUnknown, requireInteger, unknownIn } from '../ground/option-checks.js';
import { Random } from '../ground/random.js';
import { abortedBefore, waitOptions } from '../ground/waiting.js';
import type { Answered, Proposed } from '../node/clients/client-requests.js';
import { membersOf } from '../node/describe.js';
import type { SnapshotTaken } from '../node/host/orders.js';
import type { LogOptions, LogRecord } from '../node/host/protocol.js';
import type { MembersInformation } from '../node/information.js';
import { timingWarning } from '../node/validate-options.js';
import { type Leader, whenReady } from '../node/when-ready.js';
import type { LogIndex, NodeId } from '../raft/entry.js';
import type { NetworkCounters } from '../router/counters.js';
import type { LinkPolicy } from '../router/link-policy.js';
import { type NetworkState, networkState } from '../router/network-state.js';
import { Router } from '../router/router.js';
import type { ClusterObservation } from './cluster-observation.js';
import { ClusterWatch } from './cluster-watch.js';
import { logClusterEvents } from './log-events.js';
import { metricsText } from './metrics/metrics-text.js';
import type { Member } from './nodes/member.js';
import { Members } from './nodes/members.js';
import { NodeLife } from './nodes/node-life.js';
import {
  type ClusterOptions,
  type ClusterSettings,
  requireBlockInterval,
  resolveOptions,
} from './options.js';
import { Supervisor } from './supervisor.js';

/** As many nodes as a laboratory has at most, counted from 0. */
const nodeIdMax = 998;

/** With more commands and queries under way than this, their errors do not lead to their callers. */
const tracedMax = 64;

/**
 * A Raft cluster on the threads of this process: one for each node, one for the network between them. Starts,
 * kills, stops, cuts off and restarts nodes; finds the leader, proposes and reads.
 */
export class RaftCluster implements AsyncDisposable {
  readonly events = new ClusterEvents();
  readonly #settings: ClusterSettings;
  readonly #clock = new SystemClock();
  readonly #router: Router;
  readonly #supervisor: Supervisor;
  readonly #session: Session;
  readonly #lines: ClientLines;
  readonly #watch: ClusterWatch;
  readonly #membership: MembershipCalls;

  private constructor(settings: ClusterSettings, claim: Members) {
    const { seed, link, limits, timings } = settings;
    const random = new Random(seed);
    this.#settings = settings;
    this.#router = new Router({ seed: random.uint32(), link });
    this.#lines = ClientLines.toThreads({
      hear: (from, reply) => this.#session.hear(from, reply),
      nodeEnded: (id) => this.#session.nodeEnded(id),
    });
    this.#supervisor = this.#supervise(random, claim);
    const { members, chart } = this.#supervisor;
    this.#session = new Session({
      clock: this.#clock,
      commandBytesMax: limits.commandBytesMax,
      queryBytesMax: limits.queryBytesMax,
      retryPauseMs: timings.heartbeatMs,
      sessions: settings.sessions,
      leaderId: () => this.#supervisor.addressee,
      anyNode: () => this.leader()?.id ?? this.ids.find((id) => this.#member(id).isAlive) ?? null,
      post: (id, request) => this.#lines.post(id, request),
    });
    const charts = { cluster: chart, session: this.#session.chart };
    this.#membership = new MembershipCalls({
      clock: this.#clock,
      idMax: nodeIdMax,
      leader: () => this.leader(),
      nextLeader: (others, options) =>
        nextLeader(this.events, this.#clock, others, options, () => this.#supervisor.closed),
      isLearner: (id) => this.#supervisor.configuration.isLearner(id),
      closed: () => this.#supervisor.closed,
      order: (id, order) => this.#member(id).order(order),
      comes: (id) => this.#supervisor.join(id),
      goes: (id) => this.#supervisor.part(id),
    });
    this.#watch = new ClusterWatch(charts, [...members.values()], this.#clock, (on) =>
      this.#supervisor.tellAll({ type: 'watch', on }),
    );
  }

  /** All nodes that there are, learners included, ascending. */
  get ids(): readonly NodeId[] {
    return [...this.#supervisor.members.keys()].sort((a, b) => a - b);
  }

  /** Who belongs to the cluster, by the latest configuration that its leader told of, committed or not. */
  get configuration(): MembersInformation {
    return membersOf(this.#supervisor.configuration);
  }

  #supervise(random: Random, members: Members): Supervisor {
    return new Supervisor(this.#settings, {
      clock: this.#clock,
      events: this.events,
      random,
      network: this.#router,
      members,
      clients: this.#lines,
      launch: (task, listener) => new NodeLife(task, listener),
      joined: (member) => this.#watch.include(member),
      parted: (id) => this.#watch.exclude(id),
      isWatched: () => this.#watch.isOn,
      observed: (id, observation) => this.#watch.nodeTold(id, observation),
      leaderChanged: (leaderId) => this.#session.leaderChanged(leaderId),
      closing: (reason) => {
        this.#session.close(reason);
        this.#lines.close();
      },
    });
  }

  /**
   * Starts a cluster. Resolves when a majority of voters has recovered and listens, and the other nodes have done so,
   * too, or have said what keeps them, or have had two seconds for it. What keeps a node down is in `failures` and
   * `info`, and comes as the event `nodeFailed`; one that takes longer comes with `nodeStarted`.
   * @throws {InvalidOptionError}; {WrongMembersError} {LogLostError} {DirectoryUnusableError} for the directory of all;
   * {StartFailedError} when no majority can recover, with each node's reason; where all have the same, such as
   * {ApplicationError} or {DirectoryLockedError}, that one. Nothing is left running then.
   */
  static async start(options: ClusterOptions = {}): Promise<RaftCluster> {
    const settings = resolveOptions(options);
    const cluster = new RaftCluster(settings, Members.claim(settings));
    if (options.logger !== undefined) logClusterEvents(cluster.events, options.logger);
    await traced(cluster.#supervisor.start());
    // In a later turn, so that whoever started it can listen first.
    setImmediate(() => cluster.#warn([]));
    return cluster;
  }

  /** What is to be said of the timings, for links as most are at the moment and so many voters. */
  warnings(): readonly ClusterWarning[] {
    const { timings } = this.#settings;
    const { voters } = this.#supervisor.configuration;
    const { latencyMsMax } = this.#router.wiring.policy(undefined, undefined);
    const warning = timingWarning(timings, voters.length, latencyMsMax);
    if (warning === null) return [];
    const { fears, advice } = warning;
    const changed = (Object.keys(advice) as (keyof typeof advice)[]).filter(
      (name) => advice[name] !== timings[name],
    );
    const message = [...fears, `Give ${changed.map((name) => `${name}: ${advice[name]}`).join(', ')}.`].join(
      ' ',
    );
    return [{ code: 'TIMINGS', message, timings: warning }];
  }

  /** Tells of warnings that are not among those that were told. */
  #warn(told: readonly ClusterWarning[]): void {
    for (const warning of this.warnings()) {
      if (told.some(({ message }) => message === warning.message)) continue;
      if (this.events.hears('warning')) this.events.emit('warning', warning);
      else process.emitWarning(warning.message, { type: 'ConclaveWarning', code: warning.code });
    }
  }

  /**
   * Why nodes are down that were not told to be, those that are started again soon among them. Mend what is wrong and
   * `restart` them: nobody takes their place, and a majority goes on without them.
   */
  failures(): readonly NodeFailure[] {
    return this.#supervisor.failures;
  }

  /** The leader as last reported: of those that run and say they lead, the one of the highest term. */
  leader(): Leader | null {
    return this.#supervisor.leader;
  }

  /**
   * Resolves with the leader when the cluster serves: a majority has confirmed the leader, and it has applied all that
   * was committed before its term, so that a linearizable read or a command is answered at once. After a start that is
   * the moment from which on the cluster can be used; with long logs, later than `start` and `waitForLeader` resolve.
   * @throws {NotReadyError} not so within `timeoutMs` (5000), and what is missing; {AbortedError} {ClosedError}
   * {InvalidOptionError}
   */
  ready(options: WaitOptions = {}): Promise<Leader> {
    const heard = ['roleChanged', 'stateChanged'] as const;
    return this.#call(() =>
      whenReady(
        {
          clock: this.#clock,
          what: 'The cluster',
          look: () => this.#supervisor.readiness,
          ended: () => this.#supervisor.closed,
          listen: (look) => {
            for (const name of heard) this.events.on(name, look);
            return () => {
              for (const name of heard) this.events.off(name, look);
            };
          },
        },
        options,
      ),
    );
  }

  /**
   * Waits until a node leads that is none of `otherThan`. That it was elected does not say that it can answer yet: it
   * may have a log to apply first. `ready` waits for that.
   * @throws {TimeoutError} {AbortedError} {InvalidOptionError}
   */
  waitForLeader(
    options: WaitOptions & { readonly otherThan?: NodeId | readonly NodeId[] } = {},
  ): Promise<Leader> {
    return this.#call(() => {
      refuseUnknown('option', options, { ...waitOptions, otherThan: true });
      const wrong = wrongOptions(options) ?? abortedBefore('wait', options);
      if (wrong !== null) throw wrong;
      const { otherThan = [] } = options;
      const others = new Set(Array.isArray(otherThan) ? otherThan : [otherThan]);
      for (const id of others) this.#member(id);
      const leader = this.leader();
      if (leader !== null && !others.has(leader.id)) return leader;
      return nextLeader(this.events, this.#clock, others, options, () => this.#supervisor.closed);
    });
  }

  /**
   * A node as it sees itself; one that does not run, until it has recovered, as it was last heard of, with role `dead`,
   * the state `starting`, `failed` or `crashed`, and what it died of or what keeps it from starting.
   * @throws {TimeoutError} if it does not answer for five seconds: its application, say, keeps it busy
   */
  info(id: NodeId): Promise<MemberInformation> {
    return this.#ask(id, (member) => member.describe());
  }

  infos(): Promise<MemberInformation[]> {
    return Promise.all(this.ids.map((id) => this.info(id)));
  }

  /**
   * A node's log from `from` through `to`, opened; of a long one in several looks, between which the node works on.
   * @throws {NodeDeadError} if it has crashed; {TimeoutError} if it does not answer for five seconds
   */
  log(
    id: NodeId,
    from: LogIndex = 1,
    to: LogIndex = Number.MAX_SAFE_INTEGER,
    options: LogOptions = {},
  ): Promise<LogRecord[]> {
    return this.#call(() => {
      refuseUnknown('option', options, { bytesMax: true });
      const { bytesMax = Number.MAX_SAFE_INTEGER } = options;
      requireInteger('from', from, 1, Number.MAX_SAFE_INTEGER);
      requireInteger('to', to, 0, Number.MAX_SAFE_INTEGER);
      requireInteger('bytesMax', bytesMax, 0, Number.MAX_SAFE_INTEGER);
      return this.#member(id).log(from, to, bytesMax);
    });
  }

  /**
   * Replicates a command and applies it. It is sent to the leader, and again as long as it is known that nothing was
   * appended; with `node`, exactly once to exactly that node. The bytes are copied before this returns.
   * @throws {InvalidOptionError} it is no Uint8Array, or an option is wrong; {QuorumUnavailableError} no leader took it
   * in time; {CommandTooLargeError} {OverloadedError} {CommandRejectedError} {AbortedError}; with `node`
   * {NotLeaderError} {NodeDeadError}: nothing was appended.
   * {OutcomeUnknownError}: it may or may not take effect.
   */
  propose(command: Uint8Array, options: ProposeOptions = {}): Promise<Proposed> {
    const wrong = unknownIn('option', options, proposeOptions) ?? this.#unknownNode(options.node);
    const outcome =
      wrong === null ? this.#session.propose(command, options) : refusedLater(this.#clock, wrong);
    return this.#traced(outcome);
  }

  /**
   * Queries the application: at the leader, or at `node`; a stale read without `node` is served by any.
   * @throws {QuorumUnavailableError} {NodeDeadError} {ApplicationError} {QueryTooLargeError} {OverloadedError}
   * {AbortedError}
   */
  read(query: Uint8Array, options: ReadOptions = {}): Promise<Answered> {
    const wrong = unknownIn('option', options, readOptions) ?? this.#unknownNode(options.node);
    const outcome = wrong === null ? this.#session.read(query, options) : refusedLater(this.#clock, wrong);
    return this.#traced(outcome);
  }

  /**
   * Resolves when there is room for another command and another query. So many and no more may be under way (see the
   * README); whoever has been refused with `OverloadedError` waits here instead of asking again.
   * @throws {TimeoutError} {AbortedError} {InvalidOptionError}
   */
  room(options: WaitOptions = {}): Promise<void> {
    const wrong = unknownIn('option', options, waitOptions);
    return wrong === null ? this.#session.room(options) : refusedLater(this.#clock, wrong);
  }

  /**
   * Makes a node deaf and mute (role `dead`); its memory is kept.
   * @returns false if it was stopped already.
   * @throws {NodeDeadError} if it has crashed; {TimeoutError} if it does not answer for five seconds
   */
  async stop(id: NodeId): Promise<boolean> {
    const isNew = await this.#ask(id, (member) =>
      member.tell({ type: 'stop' }, ({ role }) => role === 'dead'),
    );
    if (isNew) this.events.emit('nodeStopped', { id });
    return isNew;
  }

  /**
   * Undoes `stop`.
   * @returns false if it was not stopped.
   * @throws {NodeDeadError} if the node has crashed: `restart` it; {TimeoutError} if it does not answer
   */
  async revive(id: NodeId): Promise<boolean> {
    const isNew = await this.#ask(id, (member) =>
      member.tell({ type: 'revive' }, ({ role }) => role !== 'dead'),
    );
    if (isNew) this.events.emit('nodeRevived', { id });
    return isNew;
  }

  /**
   * Has a node, or each that runs, take a snapshot of its state and give up what its log need not keep then. Resolves
   * when they are durable, however long that takes.
   * @throws {NodeDeadError} a node that was named, or all of them, is down; {SnapshotUnavailableError} the application
   * gives none; {ApplicationError}
   */
  snapshot(id?: NodeId): Promise<(SnapshotTaken & { readonly id: NodeId })[]> {
    return this.#call(() => {
      const running = [...this.#supervisor.members.values()].filter(({ isRunning }) => isRunning);
      const members = id === undefined && running.length > 0 ? running : [this.#member(id ?? 0)];
      return Promise.all(
        members.map(async (member) => ({
          id: member.id,
          ...((await member.order({ type: 'snapshot' })) as SnapshotTaken),
        })),
      );
    });
  }

  /**
   * Kills a node's thread, as kill -9 would a process. Resolves when the thread is gone and its files are free.
   * @returns false if it had crashed already.
   */
  crash(id: NodeId): Promise<boolean> {
    return this.#ask(id, (member) => member.crash());
  }

  /**
   * Starts a node again that is down; it recovers from its disk.
   * @returns false if its thread runs, and nothing was done: `revive` ends a `stop`.
   * @throws {MemoryLostError} if it has run and had no disk, and what keeps it from recovering
   */
  restart(id: NodeId): Promise<boolean> {
    return this.#ask(id, async (member) => {
      const isNew = await member.restart();
      this.#requireOpen();
      return isNew;
    });
  }

  /** Splits the network into groups that do not reach each other; nodes that are not named form one more. */
  partition(groups: readonly (readonly NodeId[])[]): void {
    this.#requireOpen();
    if (!Array.isArray(groups) || !groups.every((group) => Array.isArray(group))) {
      throw new InvalidOptionError(`A partition is a list of lists of nodes; this is ${String(groups)}.`);
    }
    for (const id of groups.flat()) this.#member(id);
    this.#router.partition(groups);
    this.events.emit('partitioned', { groups: this.network().groups });
  }

  /** Takes one node out of its group into one of its own. */
  isolate(id: NodeId): void {
    this.#member(id);
    this.#router.isolate(id);
    this.events.emit('partitioned', { groups: this.network().groups });
  }

  /** Cuts one direction of one link. */
  cut(from: NodeId, to: NodeId): void {
    this.#router.cut(this.#member(from).id, this.#member(to).id);
    this.events.emit('linkChanged', { change: { cut: true }, from, to });
  }

  /** Undoes `cut`. */
  mend(from: NodeId, to: NodeId): void {
    this.#router.mend(this.#member(from).id, this.#member(to).id);
    this.events.emit('linkChanged', { change: { cut: false }, from, to });
  }

  /** Ends partitions, isolations and cuts. */
  heal(): void {
    this.#requireOpen();
    this.#router.heal();
    this.events.emit('healed', {});
  }

  /** Changes the policy of all links, of those from or to a node, or of one. */
  setLink(change: Partial<LinkPolicy>, from?: NodeId, to?: NodeId): void {
    this.#requireOpen();
    if (from !== undefined) this.#member(from);
    if (to !== undefined) this.#member(to);
    const told = this.warnings();
    this.#router.setLink(change, from, to);
    this.events.emit('linkChanged', { change, from, to });
    this.#warn(told);
  }

  /** Changes the policy of all links from and to a node. */
  setLinksOf(id: NodeId, change: Partial<LinkPolicy>): void {
    this.#member(id);
    this.#router.setLink(change, id, undefined);
    this.#router.setLink(change, undefined, id);
    this.events.emit('linkChanged', { change, of: id, from: undefined, to: undefined });
  }

  networkCounters(): Promise<NetworkCounters> {
    return this.#call(() => this.#router.counters());
  }

  /**
   * What there is to be measured, as Prometheus reads it (text format 0.0.4). docs/operations.md says what is worth an
   * alarm. @throws {TimeoutError} if a node does not answer for five seconds
   */
  metrics(): Promise<string> {
    return this.#call(async () => {
      const [network, ...nodes] = await Promise.all([
        this.#router.counters(),
        ...[...this.#supervisor.members].map(async ([id, member]) => [id, await member.measure()] as const),
      ]);
      return metricsText({ nodes: new Map(nodes), network, pending: this.#session.pending });
    });
  }

  /** Who reaches whom at the moment, and how. */
  network(): NetworkState {
    return networkState(this.ids, this.#router.wiring);
  }

  /**
   * Hears what the nodes and the charts do, in bundles of at most ten a second each. Returns how to stop; while
   * nobody watches, nodes say nothing.
   */
  watch(heard: (observed: ClusterObservation) => void): () => void {
    this.#requireOpen();
    if (typeof heard !== 'function') {
      throw new InvalidOptionError(`A watcher is a function; this is ${String(heard)}.`);
    }
    return this.#watch.add(heard);
  }

  /** May the node stand for election? Kept for when it restarts. A leader stays in office. */
  setCandidacy(id: NodeId, allowed: boolean): Promise<void> {
    return this.#call(() => {
      const member = this.#member(id);
      if (typeof allowed !== 'boolean') {
        throw new InvalidOptionError(
          `A node is allowed to stand, true or false; this is ${String(allowed)}.`,
        );
      }
      if (allowed && !this.#supervisor.configuration.isVoter(id)) {
        throw new InvalidOptionError(`Node ${id} is a learner and cannot stand for election. Name a voter.`);
      }
      return this.#supervisor.setCandidacy(member, allowed);
    });
  }

  /**
   * Starts a node and adds it to the cluster: as a learner, or to vote. The leader supplies it first and makes it a voter
   * when it has caught up; until then it costs the quorum nothing. Resolves when the change is committed; at once if it
   * is so already.
   * @param options `timeoutMs`: 60 s
   * @throws {NotCaughtUpError} it is a learner; {ChangeInProgressError} {ChangeRefusedError} {InvalidOptionError} nothing
   * was changed; {OutcomeUnknownError} {TimeoutError} {AbortedError}, and what keeps the node from starting
   */
  addMember(id: NodeId, options?: AddMemberOptions): Promise<void> {
    return this.#call(() => this.#membership.add(id, options));
  }

  /**
   * Takes a member out of the cluster and ends its thread. Its directory stays. A leader that is removed hands over.
   * @throws {NotAMemberError} {ChangeInProgressError} {ChangeRefusedError} nothing was changed; {OutcomeUnknownError}
   * {TimeoutError} {AbortedError}
   */
  removeMember(id: NodeId, options?: WaitOptions): Promise<void> {
    return this.#call(() => this.#membership.remove(id, options));
  }

  /** Puts another node in a member's place, in one change that takes effect as a whole. @throws as `addMember` does */
  replaceMember(id: NodeId, by: NodeId, options?: Omit<AddMemberOptions, 'learner'>): Promise<void> {
    return this.#call(() => this.#membership.replace(this.#member(id).id, by, options));
  }

  /** Makes a learner a voter, once it has caught up. @throws as `addMember` does; {NotAMemberError} */
  promote(id: NodeId, options?: WaitOptions): Promise<void> {
    return this.#call(() => this.#membership.promote(id, options));
  }

  /** Says where a member is reached. The address is for whoever carries messages to it. */
  updateMember(id: NodeId, address: string, options?: WaitOptions): Promise<void> {
    return this.#call(() => this.#membership.update(id, address, options));
  }

  /**
   * Who of those that could lead is to: the highest priority (0 at first). A voter that is preferred to the leader is
   * handed leadership when it has all that is committed.
   */
  setPriority(id: NodeId, priority: number, options?: WaitOptions): Promise<void> {
    return this.#call(() => this.#membership.prioritize(id, priority, options));
  }

  /** Gives up the change of members under way: the voters of before decide alone. @throws {ChangeRefusedError} too late */
  abortChange(options?: WaitOptions): Promise<void> {
    return this.#call(() => this.#membership.abort(options));
  }

  /**
   * Hands leadership to a voter, or to whichever is best, which first gets all that it lacks. Commands wait meanwhile.
   * Resolves with who leads then.
   * @throws {TransferFailedError} the leader leads on, or another was elected; {TimeoutError} {AbortedError}
   */
  transferLeadership(to?: NodeId, options?: WaitOptions): Promise<Leader> {
    return this.#call(() =>
      this.#membership.transfer(to === undefined ? null : this.#member(to).id, options),
    );
  }

  /** The leader, whoever it is, proposes a block this often. Kept for nodes that restart. */
  produceBlocks(intervalMs: number | 'off'): void {
    this.#requireOpen();
    const milliseconds = intervalMs === 'off' ? 0 : intervalMs;
    requireBlockInterval('intervalMs', milliseconds);
    this.#supervisor.produceBlocks(milliseconds);
  }

  /**
   * Ends all threads, in good order where possible, and by force after some seconds. Harmless if repeated.
   * @throws {ThreadStuckError} a thread hangs where force does not reach it; all others have ended. {LockLeftError} a
   * node's directory cannot be unlocked; all threads have ended.
   */
  async close(): Promise<void> {
    await this.#supervisor.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @throws {ClosedError} */
  #requireOpen(): void {
    if (this.#supervisor.closed !== null) throw this.#supervisor.closed;
  }

  /** Where an error came from costs as much as a call: who has many under way is not charged for it. */
  #traced<Result>(work: Promise<Result>): Promise<Result> {
    const { commands, reads } = this.#session.pending;
    return commands + reads > tracedMax ? work : traced(work);
  }

  /** Has a node's supervisor do something. */
  #ask<Result>(id: NodeId, ask: (member: Member) => Promise<Result>): Promise<Result> {
    return this.#call(() => ask(this.#member(id)));
  }

  /** What a call comes to. If the cluster's end cuts it short, the reason for that. A refusal costs it a turn. */
  #call<Result>(call: () => Promise<Result> | Result): Promise<Result> {
    const outcome = async () => {
      try {
        this.#requireOpen();
        return await call();
      } catch (error) {
        return refusedLater(this.#clock, this.#supervisor.closed ?? error);
      }
    };
    return traced(outcome());
  }

  /** The reason to refuse an id, or null; none at all names no node in particular. */
  #unknownNode(id: NodeId | undefined): InvalidOptionError | null {
    return id === undefined || this.#supervisor.members.has(id) ? null : this.#noSuchNode(id);
  }

  #noSuchNode(id: NodeId): InvalidOptionError {
    return new InvalidOptionError(`There is no node ${String(id)}. Nodes are ${this.ids.join(', ')}.`);
  }

  /** @throws {ClosedError} {InvalidOptionError} */
  #member(id: NodeId): Member {
    this.#requireOpen();
    const member = this.#supervisor.members.get(id);
    if (member === undefined) throw this.#noSuchNode(id);
    return member;
  }
}
