import { type Actor, createActor } from 'xstate';
import { type ThreadEvent, threadMachine } from '../../../machines/thread.js';
import type { MemberInformation, NodeFailure } from '../../client/events.js';
import type { Clock } from '../../ground/clock.js';
import { NodeDeadError } from '../../ground/errors.js';
import { errorOf } from '../../node/host/error-report.js';
import type { Order, SnapshotTaken } from '../../node/host/orders.js';
import type {
  HostRequest,
  LogRecord,
  NodeReport,
  NodeTask,
  ReportedSnapshotNews,
} from '../../node/host/protocol.js';
import {
  type MembersInformation,
  type NodeInformation,
  type Recovery,
  type Role,
  unheardNode,
} from '../../node/information.js';
import type { NodeMeasures } from '../../node/measures/measures.js';
import type { Observation, ObservedState } from '../../node/watch/observation.js';
import type { LogIndex, NodeId } from '../../raft/entry.js';
import { MemoryLostError, ThreadEndedError, ThreadStuckError } from '../errors.js';
import { LastWords } from './last-words.js';
import type { Life, LifeListener, Ready } from './node-life.js';
import { NodeQuestions, type Standing } from './node-questions.js';
import { RecoveryNews } from './recovery-news.js';
import { RestartPolicy } from './restart-policy.js';
import { StillbornLife } from './stillborn-life.js';

/**
 * How long a thread may take to come to its program, and then an application to be made. Nothing is said of the
 * recovery, which takes what the log takes.
 */
const launchTimeoutMs = 30_000;
const loadTimeoutMs = 30_000;
/** A thread that lived so long has not failed to start. */
const provenTimeMs = 10_000;
const closeTimeoutMs = 2000;
/** A thread that was killed and is still there after this long hangs outside JavaScript. */
const killTimeoutMs = 3000;

/** What a member needs of its cluster, and tells it. */
export interface MemberHost {
  readonly clock: Clock;
  readonly isDurable: boolean;
  /** Everything that a new life of the node starts with. Opens its line to the network. */
  task(): Omit<NodeTask, 'hostPort'>;
  /** Starts a thread, of which the listener hears. */
  launch(task: Omit<NodeTask, 'hostPort'>, listener: LifeListener): Life;
  /** What the node has to be told at the start of every life. */
  firstRequests(): readonly HostRequest[];
  /** The node tells what it does, because somebody watches. */
  observed(observation: Observation): void;
  standingChanged(standing: Standing): void;
  progressed(commitIndex: LogIndex, height: LogIndex): void;
  /** It has long been applying what its log held when it started. Said about once a second, and when it is done. */
  recovering(recovery: Recovery): void;
  snapshotNews(news: ReportedSnapshotNews): void;
  /** Another configuration is in force at the node, see `known`; or it is known now that the one in force is committed. */
  configured(configuration: MembersInformation, isCommitted: boolean): void;
  /** The node listens; of its first life or of a later one. */
  ready(ready: Ready, isFirst: boolean): void;
  /** The thread is gone, whatever the reason. */
  ended(): void;
  /** It had not been told to go; said after `ended`. */
  died(failure: NodeFailure): void;
  /** It ended before the node listened; said after `ended`. */
  failed(failure: NodeFailure): void;
  /** It is being killed by command, and has not ended yet if it ran. */
  crashed(): void;
}

/** One node of the cluster, over all its lives: its thread's chart, and what is known of it. */
export class Member {
  readonly id: NodeId;
  readonly #host: MemberHost;
  readonly #passiveRole: Role;
  /** The thread's chart, its running actor. */
  readonly chart: Actor<typeof threadMachine>;
  readonly #closed: Promise<void>;
  readonly #questions: NodeQuestions;
  readonly #restarts = new RestartPolicy();
  readonly #recoveryNews: RecoveryNews;
  readonly #lastWords = new LastWords();
  #life: Life | null = null;
  /** Has the node listened in any of its lives? */
  #hasLived = false;
  #failure: NodeFailure | null = null;
  #stuck: ThreadStuckError | null = null;
  #known: NodeInformation;
  #commands: Promise<unknown> = Promise.resolve();

  constructor(id: NodeId, passiveRole: Role, host: MemberHost) {
    this.id = id;
    this.#host = host;
    this.#passiveRole = passiveRole;
    this.#known = unheardNode(id, 'starting');
    this.#recoveryNews = new RecoveryNews(host.clock, (recovery) => host.recovering(recovery));
    this.#questions = new NodeQuestions(id, host.clock, (request) => this.post(request));
    this.chart = createActor(this.#bind(), { clock: host.clock });
    this.#closed = new Promise((resolve) => {
      this.chart.subscribe({ complete: resolve });
    });
  }

  /** Launches the thread; rejected with what kept the node from recovering. */
  async start(): Promise<void> {
    this.chart.start();
    await this.#life?.ready;
  }

  /** The node as last heard of. */
  get known(): NodeInformation {
    return this.#known;
  }

  get isUp(): boolean {
    return this.#life !== null && !this.#life.isOver;
  }

  /** Has recovered and listens. */
  get isRunning(): boolean {
    return this.isUp && this.chart.getSnapshot().matches({ active: 'running' });
  }

  /** Takes part: runs, and is not stopped. */
  get isAlive(): boolean {
    return this.isRunning && this.#known.role !== 'dead';
  }

  /** Why the node is down, or was until it began to start again; null if it runs, or is down by command. */
  get failure(): NodeFailure | null {
    return this.#failure;
  }

  /** What is left to see of the node, its thread being gone; null while there is one, and if it never spoke. */
  get remains(): ObservedState | null {
    return this.isUp ? null : this.#lastWords.of(this.#known);
  }

  post(request: HostRequest): boolean {
    if (this.#life === null || this.#life.isOver) return false;
    if (request.type === 'watch') this.#lastWords.listen(request.on);
    this.#life.post(request);
    return true;
  }

  /** As the node sees itself; while it does not listen, because it is down or still starts, as it was last heard of. */
  async describe(): Promise<MemberInformation> {
    try {
      if (this.isUp && !this.#isStarting) {
        await this.#questions.ask((request) => ({ type: 'describe', request }));
      }
    } catch (error) {
      if (!(error instanceof NodeDeadError)) throw error;
    }
    return this.seen;
  }

  /** As it was last heard of, and what it died of or what keeps it from starting. */
  get seen(): MemberInformation {
    return { ...this.#known, failure: this.#failure?.error.message ?? null };
  }

  /** What the node measures of itself; null if it does not listen. @throws {TimeoutError} */
  async measure(): Promise<NodeMeasures | null> {
    if (!this.isRunning) return null;
    try {
      const reply = await this.#questions.ask((request) => ({ type: 'measure', request }));
      return reply.type === 'measured' ? reply.measures : null;
    } catch (error) {
      if (error instanceof NodeDeadError) return null;
      throw error;
    }
  }

  get #isStarting(): boolean {
    return this.chart.getSnapshot().matches({ active: 'starting' });
  }

  /**
   * The log as far as it goes when it is first asked for, page by page: in between the node does its work.
   * @param bytesMax of each command, no more
   * @throws {NodeDeadError}
   */
  async log(from: LogIndex, to: LogIndex, bytesMax = Number.MAX_SAFE_INTEGER): Promise<LogRecord[]> {
    const records: LogRecord[] = [];
    let end = to;
    await this.#started();
    for (let next = from; next <= end; ) {
      const reply = await this.#questions.ask((request) => ({
        type: 'log',
        request,
        from: next,
        to: end,
        bytesMax,
      }));
      if (reply.type !== 'records' || reply.records.length === 0) break;
      for (const record of reply.records) records.push(record);
      end = Math.min(end, reply.lastLogIndex);
      // What was given up meanwhile is left out.
      next = (reply.records.at(-1) as LogRecord).index + 1;
    }
    return records;
  }

  /**
   * Has the node do something; resolves when it is done, however long it takes, with the snapshot if that was ordered.
   * @throws what the node answers; {NodeDeadError}
   */
  async order(order: Order): Promise<SnapshotTaken | null> {
    await this.#started();
    const reply = await this.#questions.ask((request) => ({ type: 'order', request, order }), null);
    if (reply.type !== 'ordered')
      throw new Error(`The node gave an answer of the wrong kind: "${reply.type}".`);
    if (reply.outcome.error !== null) throw errorOf(reply.outcome.error);
    return reply.outcome.snapshot;
  }

  /**
   * Sends a request and waits until the node's standing shows that it was carried out.
   * @returns false if it stood so already, and nothing was sent.
   */
  tell(request: HostRequest, matches: (standing: Pick<Standing, 'role'>) => boolean): Promise<boolean> {
    return this.#serially(async () => {
      await this.#started();
      if (this.isUp && matches(this.#known)) return false;
      if (!this.post(request)) throw new NodeDeadError(this.id, 'has crashed');
      await this.#questions.untilItStands(matches);
      return true;
    });
  }

  /** Waits until the node has taken note of everything that was posted before. */
  async settled(): Promise<void> {
    await this.describe();
  }

  /** @returns false if it had crashed already. */
  crash(): Promise<boolean> {
    return this.#serially(async () => {
      const life = this.#life;
      const wasDown = this.chart.getSnapshot().matches('crashed');
      this.chart.send({ type: 'host.crash' });
      if (life !== null) await this.#outlive(life);
      if (this.#stuck !== null) throw this.#stuck;
      return !wasDown;
    });
  }

  /** @returns false if it ran already, or was being started. */
  restart(): Promise<boolean> {
    return this.#serially(async () => {
      if (!this.isUp && !this.#mayLiveAgain) throw new MemoryLostError(this.id);
      const wasActive = this.chart.getSnapshot().matches('active');
      this.chart.send({ type: 'host.restart' });
      await this.#life?.ready;
      return !wasActive;
    });
  }

  /** Ends the thread, by force where need be. @throws {ThreadStuckError} if that did not end it either */
  async close(): Promise<void> {
    this.chart.send({ type: 'host.close' });
    await this.#closed;
    if (this.#stuck !== null) throw this.#stuck;
  }

  /**
   * Waits until the thread is gone, or given up. (A race between its end and the member's own would keep every life
   * that was ever crashed, with all that it holds, until the member closes.)
   */
  #outlive(life: Life): Promise<void> {
    return new Promise((resolve) => {
      const closing = this.chart.subscribe({ complete: resolve });
      void life.ended.then(() => {
        closing.unsubscribe();
        resolve();
      });
    });
  }

  /** A node that starts answers once it has recovered: the time that it has to answer must not run before that. */
  async #started(): Promise<void> {
    await this.#life?.ready.catch(() => {});
  }

  /** What was only in memory went with the life that had it. */
  get #mayLiveAgain(): boolean {
    return this.#host.isDurable || !this.#hasLived;
  }

  #serially<Result>(command: () => Promise<Result>): Promise<Result> {
    const result = this.#commands.then(command);
    this.#commands = result.catch(() => {});
    return result;
  }

  #hear(report: NodeReport): void {
    switch (report.type) {
      case 'description':
      case 'measured':
      case 'records':
        if (report.type === 'description') this.#known = report.information;
        this.#questions.hear(report);
        return;
      case 'roleChanged': {
        const { role, state, term, leaderId } = report;
        this.#known = { ...this.#known, role, state, term, leaderId };
        this.#host.standingChanged(report);
        this.#questions.hear(report);
        return;
      }
      case 'progress':
        this.#noteProgress(report);
        return;
      case 'snapshotNews':
        this.#host.snapshotNews(report.news);
        return;
      case 'configured':
        this.#known = { ...this.#known, configuration: report.configuration };
        this.#host.configured(report.configuration, report.isCommitted);
        return;
      case 'ordered':
        this.#questions.hear(report);
        return;
      case 'observed':
        this.#lastWords.hear(report.observation);
        this.#host.observed(report.observation);
    }
  }

  /** The digest is of a height, so a new height makes it unknown until the node is asked. */
  #noteProgress({ commitIndex, height, recovery }: Extract<NodeReport, { type: 'progress' }>): void {
    const digest = height === this.#known.height ? this.#known.digest : '';
    const lastLogIndex = Math.max(this.#known.lastLogIndex, commitIndex);
    const log = { lastLogIndex, lastIndex: lastLogIndex };
    this.#known = { ...this.#known, commitIndex, height, digest, ...log, recovery };
    this.#host.progressed(commitIndex, height);
    this.#recoveryNews.hear(recovery);
  }

  #launch(): void {
    const life = this.#begin();
    this.#life = life;
    this.#lastWords.forget();
    this.#known = { ...this.#known, state: 'starting' };
    for (const request of this.#host.firstRequests()) life.post(request);
    life.ready.then(
      (ready) => {
        const isFirst = !this.#hasLived;
        this.#recoveryNews.begin();
        this.chart.send({ type: 'thread.ready' });
        this.#resume();
        this.#host.ready(ready, isFirst);
      },
      () => {},
    );
    void life.ended.then((error) => this.#over(error));
  }

  /** Thrown at in here, the chart would be in error for good: what cannot begin is a life that ended at once. */
  #begin(): Life {
    let task: Omit<NodeTask, 'hostPort'> | null = null;
    try {
      task = this.#host.task();
      return this.#host.launch(task, {
        began: (stage) => this.chart.send({ type: `thread.${stage}` }),
        heard: (report) => this.#hear(report),
      });
    } catch (error) {
      task?.clientPort.close();
      return new StillbornLife(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #giveUp(part: 'launching' | 'loading', timeoutMs: number): void {
    this.#restarts.noteHanging();
    this.#life?.giveUp(part, timeoutMs);
  }

  /** A recovered node is passive, whatever it was before. What else it recovered it is asked for. */
  #resume(): void {
    if (this.#known.role === 'dead') this.#known = { ...this.#known, role: this.#passiveRole };
    this.describe().catch(() => {});
  }

  #over(error: Error | null): void {
    this.#questions.abandon();
    this.#known = { ...this.#known, role: 'dead', state: this.#isStarting ? 'failed' : 'crashed', peers: [] };
    this.#host.ended();
    this.chart.send({ type: 'thread.ended', error });
  }

  /** The machine with every name bound. */
  #bind(): typeof threadMachine {
    const noteFailure = (error: Error | null, restartInMs: number | null): NodeFailure => {
      const reason = error ?? new ThreadEndedError(`The thread of node ${this.id}`, 'no reason given');
      this.#failure = { id: this.id, error: reason, restartInMs };
      return this.#failure;
    };
    const errorIn = (event: ThreadEvent) => (event.type === 'thread.ended' ? event.error : null);
    return threadMachine.provide({
      guards: {
        mayRestart: ({ event }) => this.#mayLiveAgain && this.#restarts.helpsAfter(errorIn(event)),
      },
      actions: {
        launch: () => this.#launch(),
        terminate: () => this.#life?.terminate(),
        giveUpLaunch: () => this.#giveUp('launching', launchTimeoutMs),
        giveUpLoading: () => this.#giveUp('loading', loadTimeoutMs),
        askToClose: () => this.#life?.post({ type: 'close' }),
        noteReady: () => {
          this.#hasLived = true;
          this.#failure = null;
        },
        forgetFailures: () => this.#restarts.forgetFailures(),
        countFailure: () => this.#restarts.noteFailure(),
        announceRetry: ({ event }) =>
          this.#host.failed(noteFailure(errorIn(event), this.#restarts.backOffMs)),
        announceFailure: ({ event }) => this.#host.failed(noteFailure(errorIn(event), null)),
        announceRestart: ({ event }) =>
          this.#host.died(noteFailure(errorIn(event), this.#restarts.backOffMs)),
        announceLoss: ({ event }) => this.#host.died(noteFailure(errorIn(event), null)),
        announceCrash: () => {
          this.#failure = null;
          this.#host.crashed();
        },
        noteStuck: () => {
          this.#stuck = new ThreadStuckError(this.id);
          this.#questions.abandon();
        },
      },
      delays: {
        launchTimeout: launchTimeoutMs,
        loadTimeout: loadTimeoutMs,
        provenTime: provenTimeMs,
        backOff: () => this.#restarts.backOffMs,
        closeTimeout: closeTimeoutMs,
        killTimeout: killTimeoutMs,
      },
    });
  }
}
