import { ClientLines } from '../../client/client-lines.js';
import { ReportedLeader, type ReportingNode } from '../../client/reported-leader.js';
import { Session } from '../../client/session.js';
import type { SessionLimits } from '../../client/session-host.js';
import { ClosedError, type ConclaveError } from '../../ground/errors.js';
import type { Random } from '../../ground/random.js';
import type { Answered, Consistency, Proposed } from '../../node/clients/client-requests.js';
import type { NodeStanding } from '../../node/information.js';
import type { NodeId } from '../../raft/entry.js';
import type { Ending, Request, RequestKind } from '../invariants/request.js';
import { Violation } from '../invariants/violation.js';
import { Courier } from '../world/courier.js';
import { marked } from '../world/marks.js';
import { NodeClock } from '../world/node-clock.js';
import { SessionLine } from '../world/session-line.js';
import type { SimulatedHost } from '../world/simulated-host.js';
import type { NodeNews, World } from '../world/world.js';

/** What a session may be late with its deadlines: it sweeps them together, and its turns come when they come. */
const lateMsMax = 10;

/** All that decides a program besides chance. */
export interface ProgramOptions {
  /** No other program of the world has it. */
  readonly number: number;
  readonly limits: SessionLimits;
  /** What is said between a session and a node takes up to this, in milliseconds. */
  readonly lineMsMax: number;
  readonly sessions: boolean;
}

/** How a call is to be made. */
export interface CallOptions {
  readonly timeoutMs: number;
  readonly node?: NodeId;
  readonly signal?: AbortSignal;
  readonly consistency?: Consistency;
  /** The voters are asked about the command first. */
  readonly verify?: boolean;
}

/**
 * A process that uses the cluster: the production session, its lines to the nodes, and what it hears of who leads, as
 * `RaftCluster` has them. It may be busy or stand still, and may end, with a farewell or without.
 */
export class Program implements NodeNews {
  readonly number: number;
  readonly clock: NodeClock;
  readonly #world: World;
  readonly #session: Session;
  readonly #lines: ClientLines<SessionLine>;
  readonly #leader = new ReportedLeader();
  readonly #nodes = new Map<NodeId, ReportingNode>();
  /** What each node reports comes in order. */
  readonly #reports = new Map<NodeId, Courier>();
  readonly #random: Random;
  readonly #lineMsMax: number;
  #busy = 0;
  #staysAwake = false;
  /** What has come while it was busy. */
  #unread: (() => void)[] = [];
  #isOver = false;
  /** Callers that wait for room. */
  #waiters = 0;

  constructor({ number, limits, lineMsMax, sessions }: ProgramOptions, world: World, random: Random) {
    this.number = number;
    this.#world = world;
    this.#random = random;
    this.#lineMsMax = lineMsMax;
    const beginning = { ms: random.below(1_000_000), rate: 1 };
    this.clock = new NodeClock(world.time, random.fork(), beginning, (run) => this.enter(run));
    this.#lines = new ClientLines(
      {
        hear: (from, reply) => this.#session.hear(from, reply),
        nodeEnded: (id) => this.#session.nodeEnded(id),
      },
      (id) => this.#newLine(id),
    );
    this.#session = new Session(
      {
        clock: this.clock,
        commandBytesMax: world.limits.commandBytesMax,
        queryBytesMax: world.limits.queryBytesMax,
        retryPauseMs: world.heartbeatMs,
        sessions,
        leaderId: () => this.#leader.addressee,
        anyNode: () => this.#anyNode(),
        post: (id, request) => this.#lines.post(id, request),
      },
      limits,
    );
    this.#session.chart.subscribe({ error: (error) => this.#chartDied(error) });
    world.programs.add(this);
    for (const host of world.hosts) {
      if (host.life === null) continue;
      this.launched(host);
      const { actor } = host;
      if (actor !== null) this.standingChanged(host, actor.describe());
    }
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Calls that are under way, and callers that wait for room. */
  get pending(): number {
    const { commands, reads } = this.#session.pending;
    return commands + reads + this.#waiters;
  }

  propose(command: Uint8Array, options: CallOptions, ended: (outcome: Ending) => void): void {
    this.#call('command', command, options, ended, (bytes, settle) => {
      const resolve = ({ index, result }: Proposed) => settle({ type: 'done', index, result });
      this.#session.submit(bytes, { resolve, reject: (error) => settle(failed(error)) }, options);
    });
  }

  read(query: Uint8Array, options: CallOptions, ended: (outcome: Ending) => void): void {
    const kind = options.consistency === 'stale' ? 'stale' : 'linearizable';
    this.#call(kind, query, options, ended, (bytes, settle) => {
      const resolve = ({ index, result }: Answered) => settle({ type: 'done', index, result });
      this.#session.ask(bytes, { resolve, reject: (error) => settle(failed(error)) }, options);
    });
  }

  /** Calls back when the session takes another call, or has not within the time. */
  awaitRoom(timeoutMs: number, ended: () => void): void {
    let isOver = false;
    const end = () => {
      if (isOver) this.#broke('CallEndsOnce', 'Somebody who waited for room was let in twice');
      isOver = true;
      this.#waiters--;
      ended();
    };
    this.#waiters++;
    this.#session.awaitRoom({ resolve: end, reject: end }, { timeoutMs });
  }

  #call(
    kind: RequestKind,
    content: Uint8Array,
    options: CallOptions,
    ended: (outcome: Ending) => void,
    ask: (bytes: Uint8Array, settle: (outcome: Ending) => void) => void,
  ): void {
    const { requests } = this.#world;
    const { timeoutMs, node = null, signal, verify = false } = options;
    const bytes = marked(requests.nextNumber, content);
    const deadlineMs = this.clock.now() + timeoutMs;
    const request: Request = requests.called({
      client: this.number,
      kind,
      bytes,
      only: node,
      deadlineMs,
      verify,
    });
    const before = this.#session.pending;
    ask(bytes, (outcome) => {
      requests.ended(request, outcome, this.#isOver || signal?.aborted === true);
      if (!this.#isOver) ended(outcome);
    });
    const { commands, reads } = this.#session.pending;
    if (commands + reads > before.commands + before.reads) requests.taken(request);
  }

  /** Runs something in this process: now, or when it is no longer busy, in the order in which it came. */
  enter(run: () => void): void {
    if (this.#isOver) return;
    if (this.#busy > 0) this.#unread.push(run);
    else this.#run(run);
  }

  #run(run: () => void): void {
    run();
    if (!this.#isOver) this.#world.requests.keeps(this.number, this.#session.pending);
  }

  /** Does nothing and reads nothing until it wakes. What it said before is on its way all the same. */
  hang(): void {
    if (!this.#staysAwake) this.#busy++;
  }

  /** Does not hang any more. */
  stayAwake(): void {
    this.#staysAwake = true;
    this.#busy = Math.min(this.#busy, 1);
    this.wake();
  }

  /** Goes on, and first reads what came meanwhile. */
  wake(): void {
    if (this.#busy > 0) this.#busy--;
    while (this.#busy === 0 && !this.#isOver) {
      const run = this.#unread.shift();
      if (run === undefined) return;
      this.#run(run);
    }
  }

  /** The thread has other work for so long. */
  beBusy(durationMs: number): void {
    this.hang();
    this.#world.time.after(durationMs, () => this.wake());
  }

  /** Is anything open that should have ended? */
  checkDeadlines(): void {
    if (this.#busy === 0) this.#world.requests.isPunctual(this.number, this.clock.now(), lateMsMax);
  }

  /** Ends the process. What was under way stays without an answer. */
  die(): void {
    this.#leave();
    this.#world.requests.died(this.number);
  }

  /** Closes the session and ends. */
  close(): void {
    this.#leave();
    this.#session.close(new ClosedError('The client'));
    this.#world.requests.closed(this.number);
    if (this.#waiters > 0) this.#broke('CloseEndsEveryCall', 'It was closed and left some who wait for room');
    this.#lines.close();
  }

  #leave(): void {
    this.#isOver = true;
    this.#world.programs.delete(this);
    this.clock.close();
    this.#unread = [];
  }

  /** A life of a node begins: there is a line to it, once this process comes to it. */
  launched(host: SimulatedHost): void {
    const life = host.life?.number;
    this.#report(host.id, () => {
      this.#know(host.id, { isAlive: true, known: { id: host.id, role: 'follower', state: '', term: 0 } });
      const line = this.#lines.attach(host.id);
      if (host.life?.number === life) host.serve(line);
      else line.break(false);
    });
  }

  standingChanged({ id }: SimulatedHost, { role, state, term }: Omit<NodeStanding, 'leaderId'>): void {
    this.#report(id, () => this.#know(id, { isAlive: role !== 'dead', known: { id, role, state, term } }));
  }

  ended({ id }: SimulatedHost): void {
    this.#report(id, () =>
      this.#know(id, { isAlive: false, known: { id, role: 'dead', state: '', term: 0 } }),
    );
  }

  #report(id: NodeId, heard: () => void): void {
    let courier = this.#reports.get(id);
    if (courier === undefined) {
      courier = new Courier(this.#world.time, this.#random, this.#lineMsMax);
      this.#reports.set(id, courier);
    }
    courier.carry(() => this.enter(heard));
  }

  #know(id: NodeId, node: ReportingNode): void {
    this.#nodes.set(id, node);
    const { addressee } = this.#leader.changesWith(this.#nodes.values());
    if (addressee) this.#session.leaderChanged(this.#leader.addressee);
  }

  #newLine(node: NodeId): SessionLine {
    const owner = {
      client: this.number,
      node,
      lateMsMax: this.#lineMsMax,
      enter: (run: () => void) => this.enter(run),
      now: () => this.clock.now(),
    };
    return new SessionLine(this.#world, owner, this.#random.fork());
  }

  /** Any, so that reads meet nodes that lag. */
  #anyNode(): NodeId | null {
    const alive = [...this.#nodes.values()].filter(({ isAlive }) => isAlive);
    return alive[this.#random.below(alive.length)]?.known.id ?? null;
  }

  #chartDied(error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#broke('SessionSurvives', text);
  }

  #broke(invariant: string, text: string): void {
    this.#world.fail(new Violation(invariant, null, `${text} (client ${this.number}).`));
  }
}

function failed(error: Error): Ending {
  return { type: 'failed', code: (error as Partial<ConclaveError>).code ?? error.name };
}
