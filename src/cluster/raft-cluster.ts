import { randomUUID } from 'node:crypto';
import { type Actor, createActor } from 'xstate';
import { clusterMachine } from '../../machines/cluster.js';
import { SystemClock } from '../clock/system-clock.js';
import { ClosedError, InvalidOptionError } from '../errors.js';
import type { Inspector } from '../inspector/inspect.js';
import type { InspectorOptions } from '../inspector/server/inspector-server.js';
import type { NodeInformation } from '../node/information.js';
import type { HostReply, HostRequest, LogRecord, NodeTask } from '../node/protocol.js';
import type { LogIndex, NodeId } from '../raft/entry.js';
import { Random } from '../random.js';
import type { NetworkCounters } from '../router/counters.js';
import type { LinkPolicy } from '../router/link-policy.js';
import { Router } from '../router/router.js';
import { type ClusterObservation, ClusterWatch } from './cluster-watch.js';
import { ThreadEndedError } from './errors.js';
import { ClusterEvents, type ClusterState } from './events.js';
import { type Leader, nextLeader } from './leader-wait.js';
import { Member, type MemberHost } from './member.js';
import { type NetworkState, networkState } from './network-state.js';
import { makeNodeDirectories, nodeDirectory } from './node-directories.js';
import {
  type ClusterOptions,
  type ClusterSettings,
  requireBlockInterval,
  requireInteger,
  resolveOptions,
} from './options.js';
import type { Proposed } from './sent-commands.js';
import { type ProposeOptions, Session, timeoutMsDefault } from './session.js';
import { invalidTimeout, isTimeout } from './session-errors.js';
import type { Answered, ReadOptions } from './session-reads.js';

/** How many election timeouts the wished-for first leader has before the others may stand. */
const favouredTimeouts = 10;

/**
 * A Raft cluster on the threads of this process: one for each node, one for the network between them. Starts,
 * kills, stops, cuts off and restarts nodes; finds the leader, proposes and reads.
 */
export class RaftCluster implements AsyncDisposable {
  /** All nodes, learners included, ascending. */
  readonly ids: readonly NodeId[];
  readonly events = new ClusterEvents();
  readonly #settings: ClusterSettings;
  readonly #clock = new SystemClock();
  readonly #random: Random;
  /** Tells the lock of a node's directory that the node is restarted, and not started twice. */
  readonly #owner = randomUUID();
  readonly #router: Router;
  readonly #members = new Map<NodeId, Member>();
  readonly #session: Session;
  readonly #chart: Actor<typeof clusterMachine>;
  readonly #watch: ClusterWatch;
  readonly #candidacies = new Map<NodeId, boolean>();
  readonly #started: Promise<void>;
  readonly #stopped: Promise<void>;
  #favourite: NodeId | null;
  #blockIntervalMs: number;
  #leader: Leader | null = null;
  #failure: Error | null = null;
  #isClosing = false;

  private constructor(settings: ClusterSettings) {
    this.#settings = settings;
    this.ids = [...settings.voters, ...settings.learners];
    this.#random = new Random(settings.seed);
    this.#favourite = settings.leader;
    this.#blockIntervalMs = settings.blockIntervalMs;
    this.#router = new Router({ seed: this.#random.uint32(), link: settings.link });
    for (const id of this.ids) {
      this.#candidacies.set(id, settings.candidates.includes(id));
      this.#members.set(
        id,
        new Member(id, settings.voters.includes(id) ? 'follower' : 'learner', this.#memberHost(id)),
      );
    }
    this.#session = new Session({
      clock: this.#clock,
      commandBytesMax: settings.limits.commandBytesMax,
      retryPauseMs: settings.timings.heartbeatMs,
      leaderId: () => this.#leader?.id ?? null,
      anyNode: () => this.#leader?.id ?? this.ids.find((id) => this.#member(id).isAlive) ?? null,
      post: (id, request) => this.#members.get(id)?.post(request) ?? false,
    });
    this.#chart = createActor(this.#bind(), { clock: this.#clock });
    const charts = { cluster: this.#chart, session: this.#session.chart };
    this.#watch = new ClusterWatch(charts, this.#clock, (on) => {
      for (const member of this.#members.values()) member.post({ type: 'watch', on });
    });
    let state: unknown = null;
    this.#chart.subscribe((snapshot) => {
      const path = snapshot.value;
      const outermost = (typeof path === 'string' ? path : Object.keys(path)[0]) as ClusterState;
      if (outermost !== state) this.events.emit('stateChanged', { state: outermost });
      state = outermost;
    });
    this.#stopped = new Promise((resolve) => {
      this.#chart.subscribe({ complete: resolve });
    });
    this.#started = new Promise((resolve, reject) => {
      this.#noteStarted = resolve;
      void this.#stopped.then(() => reject(this.#failure ?? new ClosedError('The cluster')));
    });
    this.#started.catch(() => {});
  }

  #noteStarted: () => void = () => {};

  /**
   * Starts a cluster. Resolves when all nodes have recovered and listen; there need not be a leader yet.
   * @throws {InvalidOptionError} and whatever keeps a node from recovering, such as `DIRECTORY_LOCKED` or
   * `WAL_DAMAGED`. Nothing is left running then.
   */
  static async start(options: ClusterOptions = {}): Promise<RaftCluster> {
    const settings = resolveOptions(options);
    makeNodeDirectories(settings);
    const cluster = new RaftCluster(settings);
    cluster.#chart.start();
    void cluster.#router.ended.then((error) => {
      if (error === null) return;
      cluster.#chart.send({ type: 'cluster.failed', error: new ThreadEndedError('The network', error) });
    });
    await cluster.#started;
    return cluster;
  }

  /** The leader as last reported: of those that run and say they lead, the one of the highest term. */
  leader(): Leader | null {
    return this.#leader;
  }

  /** Waits until a node leads that is none of `otherThan`. @throws {TimeoutError} */
  async waitForLeader(
    options: { otherThan?: NodeId | readonly NodeId[]; timeoutMs?: number } = {},
  ): Promise<Leader> {
    const { otherThan = [], timeoutMs = timeoutMsDefault } = options;
    this.#requireOpen();
    if (!isTimeout(timeoutMs)) throw invalidTimeout(timeoutMs);
    const others = new Set(typeof otherThan === 'number' ? [otherThan] : otherThan);
    if (this.#leader !== null && !others.has(this.#leader.id)) return this.#leader;
    return nextLeader(this.events, this.#clock, others, timeoutMs, () => this.#isClosing);
  }

  /** A node as it sees itself; one that has crashed, as it was last heard of, with role `dead`. */
  async info(id: NodeId): Promise<NodeInformation> {
    return this.#member(id).describe();
  }

  infos(): Promise<NodeInformation[]> {
    return Promise.all(this.ids.map((id) => this.info(id)));
  }

  /** A node's log from `from` through `to`, opened. @throws {NodeDeadError} if it has crashed */
  async log(id: NodeId, from: LogIndex = 1, to: LogIndex = Number.MAX_SAFE_INTEGER): Promise<LogRecord[]> {
    requireInteger('from', from, 1, Number.MAX_SAFE_INTEGER);
    requireInteger('to', to, 0, Number.MAX_SAFE_INTEGER);
    return this.#member(id).log(from, to);
  }

  /**
   * Replicates a command and applies it. It is sent to the leader, and again as long as it is known that nothing was
   * appended; with `node`, exactly once to exactly that node.
   *
   * The bytes must not be changed until the promise settles.
   * @throws {QuorumUnavailableError} no leader took it in time; {CommandTooLargeError} {OverloadedError}
   * {CommandRejectedError}; with `node` {NotLeaderError} {NodeDeadError}: nothing was appended.
   * {OutcomeUnknownError}: it may or may not take effect.
   */
  propose(command: Uint8Array, options: ProposeOptions = {}): Promise<Proposed> {
    const unknown = options.node === undefined ? null : this.#unknownNode(options.node);
    return unknown === null ? this.#session.propose(command, options) : Promise.reject(unknown);
  }

  /**
   * Queries the application: at the leader, or at `node`; a stale read without `node` is served by any.
   * @throws {QuorumUnavailableError} {NodeDeadError} {ApplicationError} {OverloadedError}
   */
  read(query: Uint8Array, options: ReadOptions = {}): Promise<Answered> {
    const unknown = options.node === undefined ? null : this.#unknownNode(options.node);
    return unknown === null ? this.#session.read(query, options) : Promise.reject(unknown);
  }

  /** Makes a node deaf and mute (role `dead`); its memory is kept. @throws {NodeDeadError} if it has crashed */
  async stop(id: NodeId): Promise<void> {
    await this.#member(id).tell({ type: 'stop' }, ({ role }) => role === 'dead');
    this.events.emit('nodeStopped', { id });
  }

  /** Undoes `stop`. @throws {NodeDeadError} if the node has crashed: `restart` it */
  async revive(id: NodeId): Promise<void> {
    await this.#member(id).tell({ type: 'revive' }, ({ role }) => role !== 'dead');
    this.events.emit('nodeRevived', { id });
  }

  /** Kills a node's thread, as kill -9 would a process. Resolves when the thread is gone and its files are free. */
  async crash(id: NodeId): Promise<void> {
    await this.#member(id).crash();
  }

  /**
   * Starts a crashed node again; it recovers from its disk. Does nothing if it runs.
   * @throws {MemoryLostError} if it had no disk, and what keeps it from recovering
   */
  async restart(id: NodeId): Promise<void> {
    this.#requireOpen();
    await this.#member(id).restart();
  }

  /** Splits the network into groups that do not reach each other; nodes that are not named form one more. */
  partition(groups: readonly (readonly NodeId[])[]): void {
    for (const id of groups.flat()) this.#member(id);
    this.#router.partition(groups);
    this.events.emit('partitioned', { groups });
  }

  /** Takes one node out of its group into one of its own. */
  isolate(id: NodeId): void {
    this.#member(id);
    this.#router.isolate(id);
    this.events.emit('partitioned', { groups: [[id]] });
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
    this.#router.heal();
    this.events.emit('healed', {});
  }

  /** Changes the policy of all links, of those from or to a node, or of one. */
  setLink(change: Partial<LinkPolicy>, from?: NodeId, to?: NodeId): void {
    if (from !== undefined) this.#member(from);
    if (to !== undefined) this.#member(to);
    this.#router.setLink(change, from, to);
    this.events.emit('linkChanged', { change, from, to });
  }

  networkCounters(): Promise<NetworkCounters> {
    return this.#router.counters();
  }

  /** Who reaches whom at the moment, and how. */
  network(): NetworkState {
    return networkState(this.ids, this.#router.wiring);
  }

  /**
   * Hears what the nodes and the charts do, in bundles of at most twenty a second each. Returns how to stop; while
   * nobody watches, nodes say nothing.
   */
  watch(heard: (observed: ClusterObservation) => void): () => void {
    this.#requireOpen();
    return this.#watch.add(heard);
  }

  /**
   * Serves a page that shows the cluster think and lets its reader command it; at this machine's own address unless
   * told otherwise. It ends with the cluster.
   * @throws {InvalidOptionError} and the system's error when the port is taken.
   */
  async inspect(options: InspectorOptions = {}): Promise<Inspector> {
    this.#requireOpen();
    // Loaded when it is wanted: a program that only runs nodes needs no web server.
    const { inspectCluster } = await import('../inspector/inspect.js');
    return inspectCluster(this, options);
  }

  /** May the node stand for election? Kept for when it restarts. A leader stays in office. */
  async setCandidacy(id: NodeId, allowed: boolean): Promise<void> {
    const member = this.#member(id);
    if (allowed && !this.#settings.voters.includes(id)) {
      throw new InvalidOptionError(`Node ${id} is a learner and cannot stand for election. Name a voter.`);
    }
    this.#candidacies.set(id, allowed);
    if (member.post({ type: 'setCandidacy', allowed })) await member.settled();
  }

  /** The leader, whoever it is, proposes a block this often. Kept for nodes that restart. */
  produceBlocks(intervalMs: number | 'off'): void {
    this.#requireOpen();
    const milliseconds = intervalMs === 'off' ? 0 : intervalMs;
    requireBlockInterval(milliseconds);
    this.#blockIntervalMs = milliseconds;
    for (const member of this.#members.values()) {
      member.post({ type: 'produceBlocks', intervalMs: milliseconds });
    }
  }

  /** Ends all threads, in good order where possible. Harmless if repeated. */
  async close(): Promise<void> {
    this.#chart.send({ type: 'host.close' });
    await this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #requireOpen(): void {
    if (this.#isClosing) throw new ClosedError('The cluster');
  }

  #unknownNode(id: NodeId): InvalidOptionError | null {
    if (this.#members.has(id)) return null;
    return new InvalidOptionError(`There is no node ${String(id)}. Nodes are 0 to ${this.ids.length - 1}.`);
  }

  /** @throws {ClosedError} {InvalidOptionError} */
  #member(id: NodeId): Member {
    this.#requireOpen();
    const member = this.#members.get(id);
    if (member === undefined) throw this.#unknownNode(id) ?? new ClosedError('The cluster');
    return member;
  }

  #memberHost(id: NodeId): MemberHost {
    return {
      clock: this.#clock,
      isDurable: this.#settings.storage.kind === 'disk',
      task: () => this.#task(id),
      firstRequests: (): HostRequest[] => [
        { type: 'produceBlocks', intervalMs: this.#blockIntervalMs },
        { type: 'watch', on: this.#watch.isOn },
      ],
      replied: (reply: HostReply) => {
        if (reply.type === 'observed') this.#watch.nodeTold(id, reply.observation);
        else this.#session.hear(id, reply);
      },
      standingChanged: ({ role, state, term, leaderId }) => {
        this.events.emit('roleChanged', { id, role, state, term, leaderId });
        this.#nodesChanged();
      },
      progressed: (commitIndex, height) => this.events.emit('committed', { id, commitIndex, height }),
      ready: ({ tornBytes }, isFirst) => {
        if (!isFirst) this.events.emit('nodeRestarted', { id, tornBytes });
        this.#nodesChanged();
      },
      ended: () => {
        this.#nodesChanged();
        this.#session.nodeEnded(id);
      },
      died: (error, restartInMs) => this.events.emit('nodeDied', { id, error, restartInMs }),
      crashed: () => this.events.emit('nodeCrashed', { id }),
    };
  }

  #task(id: NodeId): Omit<NodeTask, 'hostPort'> {
    const { voters, learners, timings, limits, preVote, checkQuorum, storage } = this.#settings;
    const candidacy = this.#favourite === null ? this.#mayStand(id) : this.#favourite === id;
    return {
      options: {
        id,
        voters,
        learners,
        timings,
        limits,
        preVote,
        checkQuorum,
        candidacy,
        seed: this.#random.uint32(),
      },
      clusterId: this.#settings.clusterId,
      cipher: this.#settings.cipher,
      application: this.#settings.application,
      storage:
        storage.kind === 'memory'
          ? storage
          : { ...storage, directory: nodeDirectory(storage.directory, id), owner: this.#owner },
      ...this.#router.attach(id),
    };
  }

  #mayStand(id: NodeId): boolean {
    return this.#candidacies.get(id) ?? false;
  }

  /** Something changed at a node: who leads now? */
  #nodesChanged(): void {
    const before = this.#leader;
    this.#leader = this.#currentLeader();
    const { id, term } = this.#leader ?? { id: null, term: 0 };
    if (id !== (before?.id ?? null) || term !== (before?.term ?? 0)) {
      this.#session.leaderChanged(id);
      if (id !== null) this.events.emit('leaderElected', { id, term });
    }
    this.#chart.send({ type: 'nodes.changed' });
  }

  #currentLeader(): Leader | null {
    let leader: Leader | null = null;
    for (const { isAlive, known } of this.#members.values()) {
      const { id, role, term } = known;
      if (isAlive && role === 'leader' && term > (leader?.term ?? 0)) leader = { id, term };
    }
    return leader;
  }

  #quorumRuns(): boolean {
    const { voters } = this.#settings;
    return voters.filter((id) => this.#members.get(id)?.isAlive).length * 2 > voters.length;
  }

  async #startNodes(): Promise<void> {
    const starts = await Promise.allSettled([...this.#members.values()].map((member) => member.start()));
    const failed = starts.find((start) => start.status === 'rejected');
    if (failed !== undefined) this.#chart.send({ type: 'cluster.failed', error: failed.reason as Error });
    else {
      this.#chart.send({ type: 'nodes.ready' });
      this.#noteStarted();
    }
  }

  async #endThreads(): Promise<void> {
    this.#isClosing = true;
    this.#session.close(new ClosedError('The cluster'));
    await Promise.all([...this.#members.values()].map((member) => member.close()));
    await this.#router.close();
    this.#chart.send({ type: 'threads.ended' });
  }

  #restoreCandidacies(): void {
    this.#favourite = null;
    for (const [id, member] of this.#members) {
      member.post({ type: 'setCandidacy', allowed: this.#mayStand(id) });
    }
  }

  /** The machine with every name bound. */
  #bind(): typeof clusterMachine {
    const { electionTimeoutMsMax } = this.#settings.timings;
    return clusterMachine.provide({
      guards: {
        hasFavourite: () => this.#favourite !== null,
        leaderIsKnown: () => this.#leader !== null,
        leaderIsLost: () => this.#leader === null,
        quorumIsRunning: () => this.#quorumRuns(),
        quorumIsLost: () => !this.#quorumRuns(),
      },
      actions: {
        startNodes: () => void this.#startNodes(),
        campaign: () => {
          if (this.#favourite !== null) this.#members.get(this.#favourite)?.post({ type: 'campaign' });
        },
        restoreCandidacies: () => this.#restoreCandidacies(),
        noteFailure: ({ event }) => {
          if (event.type === 'cluster.failed') this.#failure ??= event.error;
        },
        endThreads: () => void this.#endThreads(),
      },
      delays: {
        electionTimeout: electionTimeoutMsMax,
        favouredTime: electionTimeoutMsMax * favouredTimeouts,
      },
    });
  }
}
