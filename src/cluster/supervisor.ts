import { randomUUID } from 'node:crypto';
import { type Actor, createActor } from 'xstate';
import { clusterMachine } from '../../machines/cluster.js';
import type { ClientLines } from '../client/client-lines.js';
import { type ClusterEvents, type ClusterState, type NodeFailure, SnapshotTeller } from '../client/events.js';
import { readinessOf } from '../client/readiness.js';
import { ReportedLeader } from '../client/reported-leader.js';
import type { Clock } from '../ground/clock.js';
import { ApplicationError, ClosedError, ThreadStartError } from '../ground/errors.js';
import type { Random } from '../ground/random.js';
import type { HostRequest, NodeTask } from '../node/host/protocol.js';
import { catchesUp, configurationOf, serves } from '../node/information.js';
import type { Observation } from '../node/watch/observation.js';
import type { Leader, Readiness } from '../node/when-ready.js';
import { Configuration } from '../raft/configuration.js';
import type { LogIndex, NodeId } from '../raft/entry.js';
import type { Router } from '../router/router.js';
import { ClusterFailedError, StartFailedError, ThreadEndedError, ThreadStuckError } from './errors.js';
import { Member, type MemberHost } from './nodes/member.js';
import type { Members } from './nodes/members.js';
import { freeNodeDirectory, makeNodeDirectory } from './nodes/node-directories.js';
import { nodeTask } from './nodes/node-task.js';
import type { ClusterSettings } from './options.js';

/** How long nodes have, once a majority has recovered or cannot any more, to come or to say what keeps them. */
const lastCallMs = 2000;
/** How many election timeouts the wished-for first leader has before the others may stand. */
const favouredTimeouts = 10;

/** What a supervisor needs of its cluster, and tells it. */
export interface SupervisorHost extends Pick<MemberHost, 'clock' | 'launch'> {
  readonly clock: Clock;
  readonly events: ClusterEvents;
  readonly random: Random;
  readonly network: Pick<Router, 'attach' | 'ended' | 'close'>;
  readonly clients: Pick<ClientLines, 'attach'>;
  readonly members: Pick<Members, 'hadLog' | 'haveLogs' | 'forget' | 'joined'>;
  /** A node was added, or has left. */
  joined(member: Member): void;
  parted(id: NodeId): void;
  /** Does somebody want to hear what the nodes do? */
  isWatched(): boolean;
  observed(id: NodeId, observation: Observation): void;
  leaderChanged(leaderId: NodeId | null): void;
  /** The end begins: nothing is taken any more. */
  closing(reason: ClosedError): void;
}

/** Starts the nodes, keeps them running, knows who leads them, and ends them: the cluster's chart, bound. */
export class Supervisor {
  readonly members: Map<NodeId, Member>;
  /** The chart's running actor. */
  readonly chart: Actor<typeof clusterMachine>;
  readonly #settings: ClusterSettings;
  readonly #snapshots: SnapshotTeller;
  /** The one in force, as the leader told last. */
  #configuration: Configuration;
  readonly #host: SupervisorHost;
  readonly #owner = randomUUID();
  readonly #candidacies = new Map<NodeId, boolean>();
  /** Who was added since the cluster started. */
  /** Nodes that were added, and how far the log had come by then. */
  readonly #joined = new Map<NodeId, LogIndex>();
  readonly #started: Promise<void>;
  readonly #stopped: Promise<void>;
  #becomeStarted: () => void = () => {};
  #favourite: NodeId | null;
  #blockIntervalMs: number;
  readonly #leader = new ReportedLeader();
  #failure: Error | null = null;
  /** What kept threads from ending when all were told to, or what they held from being freed. */
  #unended: Error | null = null;
  #closed: ClosedError | null = null;

  constructor(settings: ClusterSettings, host: SupervisorHost) {
    const { voters, learners, candidates } = settings;
    this.#settings = settings;
    this.#configuration = Configuration.of(voters, learners);
    this.#host = host;
    this.#snapshots = new SnapshotTeller(host.events);
    this.#favourite = settings.leader;
    this.#blockIntervalMs = settings.blockIntervalMs;
    for (const id of voters) this.#candidacies.set(id, candidates.includes(id));
    for (const id of [...learners, ...host.members.joined]) this.#candidacies.set(id, true);
    this.members = new Map([
      ...voters.map((id): [NodeId, Member] => [id, new Member(id, 'follower', this.#memberHost(id))]),
      ...[...learners, ...host.members.joined].map((id): [NodeId, Member] => [
        id,
        new Member(id, 'learner', this.#memberHost(id)),
      ]),
    ]);
    this.chart = createActor(this.#bind(), { clock: host.clock });
    this.#tellStates();
    this.#stopped = new Promise((resolve) => {
      this.chart.subscribe({ complete: resolve });
    });
    this.#started = new Promise((resolve, reject) => {
      this.#becomeStarted = resolve;
      void this.#stopped.then(() => reject(this.#failure ?? new ClosedError('The cluster')));
    });
    this.#started.catch(() => {});
  }

  /**
   * Resolves when a majority of voters has recovered and the other nodes have had a moment to; rejected with what kept
   * them from it, and then nothing runs.
   */
  async start(): Promise<void> {
    this.chart.start();
    void this.#host.network.ended.then((error) => {
      if (error === null) return;
      const failure = error instanceof ThreadStartError ? error : new ThreadEndedError('The network', error);
      this.chart.send({ type: 'cluster.failed', error: failure });
    });
    await this.#started;
  }

  /** The leader as last reported: of those that run and say they lead, the one of the highest term. */
  get leader(): Leader | null {
    return this.#leader.current;
  }

  /** The leader if it may be able to answer: one that has yet to apply what is committed is not sent anything. */
  get addressee(): NodeId | null {
    return this.#leader.addressee;
  }

  /** Does the cluster serve, as far as its nodes have told? */
  get readiness(): Readiness {
    return readinessOf(
      this.#voters.map(({ seen }) => seen),
      this.leader,
    );
  }

  #leaderStands(as: typeof serves): boolean {
    const member = this.leader === null ? undefined : this.members.get(this.leader.id);
    return member !== undefined && as(member.known);
  }

  /** Why nodes are down that were not told to be, ascending. */
  get failures(): NodeFailure[] {
    return [...this.members.values()].flatMap(({ failure }) => failure ?? []);
  }

  /** Why nothing is taken any more, or null while the cluster is open. */
  get closed(): ClosedError | null {
    return this.#closed;
  }

  /** Tells every node that runs. */
  tellAll(request: HostRequest): void {
    for (const member of this.members.values()) member.post(request);
  }

  async setCandidacy(member: Member, allowed: boolean): Promise<void> {
    this.#candidacies.set(member.id, allowed);
    if (member.post({ type: 'setCandidacy', allowed })) await member.settled();
  }

  produceBlocks(intervalMs: number): void {
    this.#blockIntervalMs = intervalMs;
    this.tellAll({ type: 'produceBlocks', intervalMs });
  }

  /** @throws {ThreadStuckError} when all other threads have ended */
  async close(): Promise<void> {
    this.chart.send({ type: 'host.close' });
    await this.#stopped;
    if (this.#unended !== null) throw this.#unended;
  }

  /** Starts a node that joins the cluster, and is not one of its members yet. @throws what keeps it from starting */
  async join(id: NodeId): Promise<Member> {
    const known = this.members.get(id);
    if (known !== undefined) return known;
    const member = new Member(id, 'learner', this.#memberHost(id));
    this.members.set(id, member);
    this.#joined.set(id, Math.max(0, ...[...this.members.values()].map((each) => each.known.commitIndex)));
    this.#candidacies.set(id, true);
    this.#host.joined(member);
    try {
      await member.start();
    } catch (error) {
      await this.part(id);
      throw error;
    }
    return member;
  }

  /** Ends the thread of a node that has left the cluster, and forgets it. Its directory stays. */
  async part(id: NodeId): Promise<void> {
    const member = this.members.get(id);
    if (member === undefined) return;
    await this.#endThread(member);
    this.members.delete(id);
    this.#candidacies.delete(id);
    this.#host.members.forget(id);
    this.#host.parted(id);
    this.#host.events.emit('nodeRemoved', { id });
    this.#nodesChanged();
  }

  /** Who belongs to the cluster, as the leader told last. */
  get configuration(): Configuration {
    return this.#configuration;
  }

  /** The leader's word counts: others may lag. */
  #membersChanged(id: NodeId): void {
    if (this.leader?.id !== id) return;
    const { configuration } = this.members.get(id)?.known ?? {};
    if (configuration === undefined || configuration.voters.length === 0) return;
    const before = this.#configuration;
    this.#configuration = configurationOf(configuration);
    if (JSON.stringify(before.data) === JSON.stringify(this.#configuration.data)) return;
    this.#host.events.emit('membersChanged', configuration);
    this.chart.send({ type: 'nodes.changed' });
  }

  #tellStates(): void {
    let state: unknown = null;
    this.chart.subscribe(({ value }) => {
      const outermost = (typeof value === 'string' ? value : Object.keys(value)[0]) as ClusterState;
      if (outermost !== state) this.#host.events.emit('stateChanged', { state: outermost });
      state = outermost;
    });
  }

  #memberHost(id: NodeId): MemberHost {
    const { clock, events } = this.#host;
    return {
      clock,
      isDurable: this.#settings.storage.kind === 'disk',
      launch: (task, listener) => this.#host.launch(task, listener),
      task: () => this.#task(id),
      firstRequests: () => [
        { type: 'produceBlocks', intervalMs: this.#blockIntervalMs },
        { type: 'watch', on: this.#host.isWatched() },
      ],
      observed: (observation) => this.#host.observed(id, observation),
      standingChanged: ({ role, state, term, leaderId }) => {
        events.emit('roleChanged', { id, role, state, term, leaderId });
        this.#nodesChanged();
      },
      progressed: (commitIndex, height) => events.emit('committed', { id, commitIndex, height }),
      recovering: (recovery) => events.emit('recovering', { id, ...recovery }),
      snapshotNews: (news) => this.#snapshots.tell(id, news),
      configured: () => this.#membersChanged(id),
      ready: ({ tornBytes }, isFirst) => {
        this.#noteLog(id);
        events.emit(isFirst ? 'nodeStarted' : 'nodeRestarted', { id, tornBytes });
        this.#nodesChanged();
      },
      ended: () => this.#nodesChanged(),
      died: (failure) => {
        this.#tellOfApplication(failure);
        events.emit('nodeDied', failure);
      },
      failed: (failure) => {
        this.#tellOfApplication(failure);
        events.emit('nodeFailed', failure);
        this.#nodesChanged();
      },
      crashed: () => events.emit('nodeCrashed', { id }),
    };
  }

  #tellOfApplication({ id, error }: NodeFailure): void {
    if (!(error instanceof ApplicationError)) return;
    this.#host.events.emit('applicationFailed', { id, index: error.index ?? null, error });
  }

  /** What a life of the node begins with. @throws {DirectoryUnusableError} {ClosedError} */
  #task(id: NodeId): Omit<NodeTask, 'hostPort'> {
    const { voters, learners } = this.#settings;
    const hadLog = this.#host.members.hadLog(id);
    makeNodeDirectory(this.#settings, id, hadLog);
    return nodeTask(id, this.#settings, {
      candidacy: this.#favourite === null ? this.#mayStand(id) : this.#favourite === id,
      joins: this.#joined.has(id) || ![...voters, ...learners].includes(id),
      joinsAfter: this.#joined.get(id) ?? 0,
      seed: this.#host.random.uint32(),
      owner: this.#owner,
      hadLog,
      line: this.#host.network.attach(id),
      clientPort: this.#host.clients.attach(id),
    });
  }

  /** A log that is missing later is known to be lost from now on, which a cluster cannot do without knowing. */
  #noteLog(id: NodeId): void {
    try {
      this.#host.members.haveLogs([id]);
    } catch (error) {
      this.chart.send({ type: 'cluster.failed', error: error as Error });
    }
  }

  #mayStand(id: NodeId): boolean {
    return this.#candidacies.get(id) ?? false;
  }

  /** Something changed at a node: who leads now? */
  #nodesChanged(): void {
    const changes = this.#leader.changesWith(this.members.values());
    if (changes.addressee) this.#host.leaderChanged(this.addressee);
    if (changes.leader && this.leader !== null) {
      this.#host.events.emit('leaderElected', this.leader);
      this.#membersChanged(this.leader.id);
    }
    this.chart.send({ type: 'nodes.changed' });
  }

  #quorumRuns(): boolean {
    return this.#configuration.hasQuorum((voter) => this.members.get(voter)?.isAlive === true);
  }

  get #voters(): readonly Member[] {
    return this.#configuration.voters.flatMap((id) => this.members.get(id) ?? []);
  }

  /** What became of the start, as far as it is known. */
  #refuseStart(): void {
    const nodes = [...this.members.values()];
    const unheard = nodes.filter(({ isRunning, failure }) => !isRunning && failure === null);
    const ids = unheard.map(({ id }) => id);
    this.#noteFailure(StartFailedError.of(this.failures, nodes.length, ids));
  }

  async #endThreads(): Promise<void> {
    this.#closed =
      this.#failure === null ? new ClosedError('The cluster') : new ClusterFailedError(this.#failure);
    this.#host.closing(this.#closed);
    const ends = await Promise.allSettled(
      [...this.members.values()].map((member) => this.#endThread(member)),
    );
    const failures = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as Error] : []));
    this.#unended = failures.find((error) => error instanceof ThreadStuckError) ?? failures[0] ?? null;
    await this.#host.network.close();
    this.chart.send({ type: 'threads.ended' });
  }

  async #endThread(member: Member): Promise<void> {
    await member.close();
    freeNodeDirectory(this.#settings, member.id, this.#owner);
  }

  /** The wish for a first leader came true, or its time is over: all who may stand are told so. */
  #restoreCandidacies(): void {
    if (this.#favourite === null) return;
    this.#favourite = null;
    for (const [id, member] of this.members) {
      member.post({ type: 'setCandidacy', allowed: this.#mayStand(id) });
    }
  }

  #noteFailure(error: Error): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#host.events.emit('failed', { error });
  }

  /** The machine with every name bound. */
  #bind(): typeof clusterMachine {
    const { electionTimeoutMsMax } = this.#settings.timings;
    return clusterMachine.provide({
      guards: {
        hasFavourite: () => this.#favourite !== null,
        leaderServes: () => this.#leaderStands(serves),
        leaderCatchesUp: () => this.#leaderStands(catchesUp),
        quorumIsRunning: () => this.#quorumRuns(),
        quorumIsLost: () => !this.#quorumRuns(),
        quorumIsOutOfReach: () =>
          !this.#configuration.hasQuorum((voter) => this.members.get(voter)?.failure === null),
        everyNodeHasAnswered: () =>
          [...this.members.values()].every(({ isRunning, failure }) => isRunning || failure !== null),
        everyVoterRuns: () => this.#voters.every(({ isAlive }) => isAlive),
        someVoterIsDown: () => !this.#voters.every(({ isAlive }) => isAlive),
      },
      actions: {
        // What keeps a node from starting is told as its failure.
        startNodes: () => {
          for (const member of this.members.values()) member.start().catch(() => {});
        },
        noteStarted: () => this.#becomeStarted(),
        refuseStart: () => this.#refuseStart(),
        campaign: () => {
          if (this.#favourite !== null) this.members.get(this.#favourite)?.post({ type: 'campaign' });
        },
        restoreCandidacies: () => this.#restoreCandidacies(),
        noteFailure: ({ event }) => {
          if (event.type === 'cluster.failed') this.#noteFailure(event.error);
        },
        endThreads: () => void this.#endThreads(),
      },
      delays: {
        lastCall: lastCallMs,
        electionTimeout: electionTimeoutMsMax,
        favouredTime: electionTimeoutMsMax * favouredTimeouts,
      },
    });
  }
}
