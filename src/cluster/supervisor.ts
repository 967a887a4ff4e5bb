import { randomUUID } from 'node:crypto';
import { type Actor, createActor } from 'xstate';
import { clusterMachine } from '../../machines/cluster.js';
import type { ClusterEvents, ClusterState } from '../client/events.js';
import type { Leader } from '../client/leader-wait.js';
import type { Clock } from '../ground/clock.js';
import { ClosedError, ThreadStartError } from '../ground/errors.js';
import type { Random } from '../ground/random.js';
import type { HostRequest } from '../node/host/protocol.js';
import type { Observation } from '../node/watch/observation.js';
import { Configuration } from '../raft/configuration.js';
import type { NodeId } from '../raft/entry.js';
import type { Router } from '../router/router.js';
import type { ClientLines } from './client-lines.js';
import { ClusterFailedError, ThreadEndedError } from './errors.js';
import { Member, type MemberHost } from './nodes/member.js';
import { freeNodeDirectory } from './nodes/node-directories.js';
import { nodeTask } from './nodes/node-task.js';
import type { ClusterSettings } from './options.js';

/** How many election timeouts the wished-for first leader has before the others may stand. */
const favouredTimeouts = 10;

/** What a supervisor needs of its cluster, and tells it. */
export interface SupervisorHost extends Pick<MemberHost, 'clock' | 'launch'> {
  readonly clock: Clock;
  readonly events: ClusterEvents;
  readonly random: Random;
  readonly network: Pick<Router, 'attach' | 'ended' | 'close'>;
  readonly clients: Pick<ClientLines, 'attach'>;
  /** Did every voter have a log on its disk before the cluster was started? */
  readonly hadLogs: boolean;
  /** Does somebody want to hear what the nodes do? */
  isWatched(): boolean;
  observed(id: NodeId, observation: Observation): void;
  leaderChanged(leaderId: NodeId | null): void;
  /** The end begins: nothing is taken any more. */
  closing(reason: ClosedError): void;
}

/** Starts the nodes, keeps them running, knows who leads them, and ends them: the cluster's chart, bound. */
export class Supervisor {
  readonly members: ReadonlyMap<NodeId, Member>;
  /** The chart's running actor. */
  readonly chart: Actor<typeof clusterMachine>;
  readonly #settings: ClusterSettings;
  readonly #configuration: Configuration;
  readonly #host: SupervisorHost;
  readonly #owner = randomUUID();
  readonly #candidacies = new Map<NodeId, boolean>();
  /** Voters that have had a log. (A learner that lost its own has promised nothing.) */
  readonly #hadLog: Set<NodeId>;
  readonly #started: Promise<void>;
  readonly #stopped: Promise<void>;
  #noteStarted: () => void = () => {};
  #favourite: NodeId | null;
  #blockIntervalMs: number;
  #leader: Leader | null = null;
  #failure: Error | null = null;
  /** What kept threads from ending when all were told to. */
  #unended: Error | null = null;
  #closed: ClosedError | null = null;

  constructor(settings: ClusterSettings, host: SupervisorHost) {
    const { voters, learners, candidates } = settings;
    this.#settings = settings;
    this.#configuration = Configuration.of(voters, learners);
    this.#host = host;
    this.#hadLog = new Set(host.hadLogs ? voters : []);
    this.#favourite = settings.leader;
    this.#blockIntervalMs = settings.blockIntervalMs;
    for (const id of voters) this.#candidacies.set(id, candidates.includes(id));
    this.members = new Map([
      ...voters.map((id): [NodeId, Member] => [id, new Member(id, 'follower', this.#memberHost(id))]),
      ...learners.map((id): [NodeId, Member] => [id, new Member(id, 'learner', this.#memberHost(id))]),
    ]);
    this.chart = createActor(this.#bind(), { clock: host.clock });
    this.#tellStates();
    this.#stopped = new Promise((resolve) => {
      this.chart.subscribe({ complete: resolve });
    });
    this.#started = new Promise((resolve, reject) => {
      this.#noteStarted = resolve;
      void this.#stopped.then(() => reject(this.#failure ?? new ClosedError('The cluster')));
    });
    this.#started.catch(() => {});
  }

  /** Resolves when all nodes have recovered; rejected with what kept one from it, and then nothing runs. */
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
    return this.#leader;
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
      task: () =>
        nodeTask(id, this.#settings, {
          candidacy: this.#favourite === null ? this.#mayStand(id) : this.#favourite === id,
          seed: this.#host.random.uint32(),
          owner: this.#owner,
          hadLog: this.#hadLog.has(id),
          line: this.#host.network.attach(id),
          clientPort: this.#host.clients.attach(id),
        }),
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
      ready: ({ tornBytes }, isFirst) => {
        if (this.#configuration.isVoter(id)) this.#hadLog.add(id);
        if (!isFirst) events.emit('nodeRestarted', { id, tornBytes });
        this.#nodesChanged();
      },
      ended: () => this.#nodesChanged(),
      died: (error, restartInMs) => events.emit('nodeDied', { id, error, restartInMs }),
      crashed: () => events.emit('nodeCrashed', { id }),
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
      this.#host.leaderChanged(id);
      if (id !== null) this.#host.events.emit('leaderElected', { id, term });
    }
    this.chart.send({ type: 'nodes.changed' });
  }

  #currentLeader(): Leader | null {
    let leader: Leader | null = null;
    for (const { isAlive, known } of this.members.values()) {
      const { id, role, term } = known;
      if (isAlive && role === 'leader' && term > (leader?.term ?? 0)) leader = { id, term };
    }
    return leader;
  }

  #quorumRuns(): boolean {
    return this.#configuration.hasQuorum((voter) => this.members.get(voter)?.isAlive === true);
  }

  async #startNodes(): Promise<void> {
    try {
      await Promise.all([...this.members.values()].map((member) => member.start()));
    } catch (error) {
      // The others may still be at work, or hang: there is no reason to wait for them.
      this.chart.send({ type: 'cluster.failed', error: error as Error });
      return;
    }
    this.chart.send({ type: 'nodes.ready' });
    this.#noteStarted();
  }

  async #endThreads(): Promise<void> {
    this.#closed =
      this.#failure === null ? new ClosedError('The cluster') : new ClusterFailedError(this.#failure);
    this.#host.closing(this.#closed);
    const ends = await Promise.allSettled(
      [...this.members.values()].map((member) => this.#endThread(member)),
    );
    this.#unended = ends.find((end) => end.status === 'rejected')?.reason ?? null;
    await this.#host.network.close();
    this.chart.send({ type: 'threads.ended' });
  }

  async #endThread(member: Member): Promise<void> {
    await member.close();
    freeNodeDirectory(this.#settings, member.id, this.#owner);
  }

  #restoreCandidacies(): void {
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
        leaderIsKnown: () => this.#leader !== null,
        leaderIsLost: () => this.#leader === null,
        quorumIsRunning: () => this.#quorumRuns(),
        quorumIsLost: () => !this.#quorumRuns(),
      },
      actions: {
        startNodes: () => void this.#startNodes(),
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
        electionTimeout: electionTimeoutMsMax,
        favouredTime: electionTimeoutMsMax * favouredTimeouts,
      },
    });
  }
}
